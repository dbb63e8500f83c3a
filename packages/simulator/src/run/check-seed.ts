import { planOf, type Plan, type PlanOptions } from './plan.ts';
import { type RunResult, Simulation } from './simulation.ts';

/** A run that failed, as short as leaving faults out makes it. */
export interface Shrunk {
  readonly result: RunResult;
  /** Numbers of the faults that it takes. */
  readonly faults: readonly number[];
  readonly runs: number;
}

export async function runSeed(seed: number, options: PlanOptions = {}): Promise<RunResult> {
  return new Simulation(planOf(seed, options)).run();
}

/** Leaves out one fault after the other for as long as the run still fails. */
export async function shrink(seed: number, options: PlanOptions, failed: RunResult): Promise<Shrunk> {
  const all = planOf(seed, options).faults.map((_, index) => index);
  const without = new Set<number>();
  let result = failed;
  let runs = 0;
  for (const index of all) {
    const fewer = await runSeed(seed, { ...options, without: new Set([...without, index]) });
    runs += 1;
    if (fewer.failure === undefined) continue;
    without.add(index);
    result = fewer;
  }
  return { result, faults: all.filter((index) => !without.has(index)), runs };
}

/** What somebody needs to know who has never seen the run: what went wrong, all that happened, and how to see it again. */
export function report({ result, faults }: Pick<Shrunk, 'faults' | 'result'>, plan: Plan): string {
  const { seed, failure, story } = result;
  const without = plan.faults.map((_, index) => index).filter((index) => !faults.includes(index));
  return [
    `Seed ${seed} fails: ${failure ?? ''}`,
    `See it again: npm run simulate -- --seed ${seed} --story${without.length === 0 ? '' : ` --without ${without.join(',')}`}`,
    `The sites: ${plan.sites.map(({ code, parent }) => (parent === undefined ? code : `${code} under ${parent}`)).join(', ')}`,
    'What goes wrong:',
    ...faults.map((index) => `  ${index}  ${JSON.stringify(plan.faults[index])}`),
    'What happened, by true time:',
    story.text(),
  ].join('\n');
}
