// The one door to everything in this repository: `npm start`, `npm test` and `npm run …` come through here.
//
// It runs under any Node from 18 on, with nothing installed, so it and what it imports use Node's builtins
// only. It installs what the lockfile names when that is missing, finds a Node that is new enough, and
// starts the real work under it (docs/adr/0001).
//
//   node scripts/run.mjs demo [--once …]     the demonstration (npm start)
//   node scripts/run.mjs demo-airgap [--once …]  the one without a line to the vendor (npm run demo:airgap)
//   node scripts/run.mjs build-tool [file]   the service connection tool as one file (npm run build:tool)
//   node scripts/run.mjs test [part of a path …] [--test-name-pattern=…]
//   node scripts/run.mjs bench [part …]      what the main job costs, in ratios
//   node scripts/run.mjs simulate --seeds N  whole hierarchies from seeds, faults included
//   node scripts/run.mjs lint | types | walls | knip
//   node scripts/run.mjs format [--write]    only checks unless told to write
//   node scripts/run.mjs check               all of these, in order
//   node scripts/run.mjs exec <file> [argument …]   any script of ours, under the right Node

import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './bootstrap/install.mjs';
import { BootstrapError } from './bootstrap/error.mjs';
import { findRuntime } from './bootstrap/runtime.mjs';
import { runNode } from './bootstrap/spawn.mjs';
import { planOf } from './bootstrap/verbs.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** Types are stripped once, not by each of the many processes of the tests and of the demonstration. */
const compileCache = join(root, '.cache', 'compile');

/**
 * @param {readonly string[]} argv verb and its arguments
 * @returns {Promise<number>} exit code: the first one that is not 0 among the steps of the verb
 */
async function main(argv) {
  const [verb, ...rest] = argv;
  const plan = planOf(root, verb, rest);
  await ensureInstalled(root);
  const runtime = findRuntime(root);
  /** @type {string[]} */
  const failed = [];
  let code = 0;
  for (const step of plan) {
    if (plan.length > 1) process.stderr.write(`\n── ${step.name}\n`);
    const stepCode = await runNode(runtime.path, step.args, { cwd: root, compileCache });
    if (stepCode === 0) continue;
    if (code === 0) code = stepCode;
    failed.push(step.name);
    if (stepCode > 128) break; // ended by a signal: whoever sent it wants an end, not the next step
  }
  if (plan.length > 1) {
    const summary = failed.length === 0 ? 'all passed' : `FAILED: ${failed.join(', ')}`;
    process.stderr.write(`\n── ${verb}: ${plan.length} steps, ${summary}\n`);
  }
  return code;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BootstrapError)) throw error;
  process.stderr.write(`\nsallyport: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
