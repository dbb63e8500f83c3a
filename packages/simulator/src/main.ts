import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { formatDuration } from '@sallyport/core/shared/units';
import { report, runSeed, shrink } from './run/check-seed.ts';
import { planOf, type PlanOptions } from './run/plan.ts';
import type { RunResult } from './run/simulation.ts';
import { runYear } from './run/year.ts';

const usage = `Whole histories of a vendor and a hierarchy, from seeds.

  npm run simulate -- --seeds N [--seed S]     N runs from seed S on (a random one when not given)
  npm run simulate -- --seed S [--story]       one run; with what happened
      --without 1,4    leave these faults out      --faultless   leave all of them out
      --json           one JSON line a run         --no-shrink   do not look for the faults that a failure takes
  npm run simulate -- --year [--sites 30]      a year of a large hierarchy
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    story: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    without: { type: 'string' },
    faultless: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    year: { type: 'boolean', default: false },
    sites: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) say(usage);
else if (values.year) process.exitCode = await year();
else process.exitCode = await seeds();

async function seeds(): Promise<number> {
  const first = values.seed === undefined ? randomInt(2 ** 31) : numberOf('seed', values.seed);
  const count = values.seeds === undefined ? 1 : numberOf('seeds', values.seeds);
  const options = optionsOf(first);
  const begunAt = performance.now();
  let failures = 0;
  for (let run = 0; run < count; run += 1) {
    const seed = first + run;
    const result = await runSeed(seed, options);
    if (result.failure !== undefined) failures += 1;
    say(
      values.json
        ? JSON.stringify({ ...result, story: result.story.digest() })
        : line(result, run + 1, begunAt),
    );
    if (values.story && result.failure === undefined) say(result.story.text());
    if (result.failure !== undefined && !values.json) await explain(seed, options, result);
  }
  const took = (performance.now() - begunAt) / 1000;
  if (!values.json) {
    say(`${count} runs in ${took.toFixed(1)} s, ${(count / took).toFixed(2)} a second: ${failures} failed`);
  }
  return failures === 0 ? 0 : 1;
}

async function explain(seed: number, options: PlanOptions, result: RunResult): Promise<void> {
  const plan = planOf(seed, options);
  const found = values['no-shrink']
    ? { result, faults: plan.faults.map((_, index) => index) }
    : await shrink(seed, options, result);
  // Numbers are those of the whole plan, so that `--without` means the same in every run of the seed.
  say(report(found, plan));
}

async function year(): Promise<number> {
  const sites = values.sites === undefined ? 30 : numberOf('sites', values.sites);
  const seed = values.seed === undefined ? 1 : numberOf('seed', values.seed);
  const begunAt = performance.now();
  const result = await runYear(seed, sites);
  const took = (performance.now() - begunAt) / 1000;
  say(
    `${sites} sites, ${formatDuration(result.simulatedMs)} in ${took.toFixed(1)} s: ${result.installs} installs, ${result.events} events, ${result.crashes} crashes`,
  );
  if (values.story || result.failure !== undefined) say(result.story.text());
  if (result.failure !== undefined) say(`FAILED: ${result.failure}`);
  return result.failure === undefined ? 0 : 1;
}

function optionsOf(seed: number): PlanOptions {
  const sites = values.sites === undefined ? {} : { sites: numberOf('sites', values.sites) };
  if (values.faultless) {
    return { ...sites, without: new Set(planOf(seed, sites).faults.keys()) };
  }
  const without = values.without?.split(',').map((text) => numberOf('without', text));
  return without === undefined ? sites : { ...sites, without: new Set(without) };
}

function line(
  { seed, failure, events, crashes, installs, simulatedMs }: RunResult,
  run: number,
  begunAt: number,
): string {
  const rate = (run / (performance.now() - begunAt)) * 1000;
  const what = failure === undefined ? 'ok' : `FAILED: ${failure}`;
  return `seed ${seed}  ${formatDuration(simulatedMs)}, ${events} events, ${crashes} crashes, ${installs} installs (${rate.toFixed(2)} runs/s)  ${what}`;
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`--${name} takes a whole number, and not "${text}"\n\n${usage}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
