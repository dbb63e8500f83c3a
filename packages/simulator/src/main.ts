import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { messageOf } from '@sallyport/core/shared/errors';
import { formatDuration } from '@sallyport/core/shared/units';
import { report, runSeed, shrink } from './run/check-seed.ts';
import { planOf, type PlanOptions } from './run/plan.ts';
import { type RunSummary, spread } from './run/spread.ts';
import { runYear } from './run/year.ts';
import { lineOf, type Struck, sumOf } from './world/tally.ts';

const usage = `Whole histories of a vendor and a hierarchy, from seeds.

  npm run simulate -- --seeds N [--seed S]     N runs from seed S on (a random one when not given)
      --threads T      on so many threads          (one a core; each run is the same on any)
  npm run simulate -- --seed S [--story]       one run; with what happened
      --without 1,4    leave these faults out      --faultless   leave all of them out
      --json           one JSON line a run, and one of sums
      --no-shrink      do not look for the faults that a failure takes
  npm run simulate -- --year [--sites 30]      a year of a large hierarchy
`;

const { values } = given();

/** Below that, starting threads takes longer than they save. */
const spreadFrom = 8;
const progressEveryMs = 5_000;

// Whoever reads the output may have seen enough of it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? 0);
  });
}

if (values.help) say(usage);
else if (values.year) process.exitCode = await year();
else process.exitCode = await seeds();

async function seeds(): Promise<number> {
  const first = values.seed === undefined ? randomInt(2 ** 31) : numberOf('seed', values.seed);
  const count = values.seeds === undefined ? 1 : numberOf('seeds', values.seeds);
  const begunAt = performance.now();
  const rate = (runs: number): string =>
    `${((runs / (performance.now() - begunAt)) * 1000).toFixed(2)} runs/s`;
  let failures = 0;
  let run = 0;
  const struck: Struck[] = [];
  for await (const result of runsOf(first, count, rate)) {
    run += 1;
    struck.push(result.struck);
    if (result.failure !== undefined) failures += 1;
    say(values.json ? JSON.stringify(result) : line(result));
    if (values.json || (result.failure === undefined && !values.story)) continue;
    await tell(result.seed);
  }
  if (values.seeds !== undefined) {
    const sum = sumOf(struck);
    say(values.json ? JSON.stringify({ runs: run, failures, struck: sum }) : lineOf(sum));
  }
  // Times are nobody's result: what goes to the standard output is the same each time.
  note(
    `${run} runs in ${((performance.now() - begunAt) / 1000).toFixed(1)} s, ${rate(run)}: ${failures} failed`,
  );
  return failures === 0 ? 0 : 1;
}

/** Every run in the order of the seeds. */
async function* runsOf(
  first: number,
  count: number,
  rate: (runs: number) => string,
): AsyncGenerator<RunSummary> {
  const all = Array.from({ length: count }, (_, index) => first + index);
  const wanted = values.threads === undefined ? availableParallelism() : numberOf('threads', values.threads);
  const threads = Math.max(1, Math.min(wanted, count));
  let done = 0;
  let saidAt = performance.now();
  const progress = (): void => {
    done += 1;
    if (performance.now() - saidAt < progressEveryMs || done === count) return;
    saidAt = performance.now();
    note(`${done} of ${count} runs, ${rate(done)}`);
  };
  if (threads > 1 && count >= spreadFrom) {
    const task = { seeds: all, options: optionsOf(), isFaultless: values.faultless };
    yield* spread(task, threads, progress);
    return;
  }
  for (const seed of all) {
    const { story, ...result } = await runSeed(seed, optionsFor(seed));
    progress();
    yield { ...result, storyDigest: story.digest() };
  }
}

/** Runs a seed once more, for its story. */
async function tell(seed: number): Promise<void> {
  const options = optionsFor(seed);
  const result = await runSeed(seed, options);
  if (result.failure === undefined) {
    say(result.story.text());
    return;
  }
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
  const { user, system } = process.cpuUsage();
  say(
    `${sites} sites, ${formatDuration(result.simulatedMs)}: ${result.installs} installs, ${result.events} events, ${result.crashes} crashes`,
  );
  say(lineOf(result.struck));
  note(`took ${took.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of the processor`);
  if (values.story || result.failure !== undefined) say(result.story.text());
  if (result.failure !== undefined) say(`FAILED: ${result.failure}`);
  return result.failure === undefined ? 0 : 1;
}

function optionsFor(seed: number): PlanOptions {
  const options = optionsOf();
  return values.faultless ? { ...options, without: new Set(planOf(seed, options).faults.keys()) } : options;
}

function optionsOf(): PlanOptions {
  const sites = values.sites === undefined ? {} : { sites: numberOf('sites', values.sites) };
  const without = values.without?.split(',').map((text) => numberOf('without', text));
  return without === undefined ? sites : { ...sites, without: new Set(without) };
}

function line({ seed, failure, events, crashes, installs, simulatedMs }: RunSummary): string {
  const what = failure === undefined ? 'ok' : `FAILED: ${failure}`;
  return `seed ${seed}  ${formatDuration(simulatedMs)}, ${events} events, ${crashes} crashes, ${installs} installs  ${what}`;
}

function given() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        threads: { type: 'string' },
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
  } catch (error) {
    return misused(messageOf(error));
  }
}

/** Ends the program as one that was asked for something it does not know. */
function misused(problem: string): never {
  process.stderr.write(`${problem}\n\n${usage}`);
  process.exit(2);
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  return misused(`--${name} takes a whole number, and not "${text}"`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
