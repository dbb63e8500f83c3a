import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { BootstrapError } from './error.mjs';
import { findTests } from './tests.mjs';

/**
 * @typedef {object} Step one program, run by Node
 * @property {string} name
 * @property {readonly string[]} args Node's own options, script, the script's arguments
 */

/** Every project that the compiler checks. Core comes twice: without Node's types, and (in `.`) its tests with. */
const projects = ['packages/core', 'packages/engine', 'packages/simulator', 'apps/sallyport', 'bench', '.'];

/**
 * What a verb runs, in order. Finds the files but starts nothing.
 *
 * @param {string} root
 * @param {string | undefined} verb
 * @param {readonly string[]} rest
 * @returns {readonly Step[]}
 * @throws {BootstrapError} USAGE, NO_TESTS
 */
export function planOf(root, verb, rest) {
  const script = (/** @type {string} */ path) => join(root, path);
  switch (verb) {
    case 'demo':
      return [{ name: 'demonstration', args: [script('apps/sallyport/src/demo/main.ts'), ...rest] }];
    case 'demo-airgap':
      return [{ name: 'demonstration', args: [script('apps/sallyport/src/demo/airgap/main.ts'), ...rest] }];
    case 'build-tool':
      return [{ name: 'the tool as one file', args: [script('scripts/build-tool.mjs'), ...rest] }];
    case 'bench':
      return [{ name: 'benchmark', args: [script('bench/src/main.ts'), ...rest] }];
    case 'simulate':
      return [{ name: 'simulation', args: [script('packages/simulator/src/main.ts'), ...rest] }];
    case 'test':
      return [{ name: 'tests', args: testArguments(root, rest) }];
    case 'lint':
      return [{ name: 'lint', args: [script('node_modules/oxlint/bin/oxlint'), ...rest] }, ...walls()];
    case 'walls':
      return walls();
    case 'format':
      return [format(rest)];
    case 'types':
      return types();
    case 'knip':
      return [knip()];
    case 'check':
      return [
        format([]),
        { name: 'lint', args: [script('node_modules/oxlint/bin/oxlint')] },
        ...walls(),
        ...types(),
        knip(),
      ];
    case 'exec': {
      const [file, ...args] = rest;
      if (file === undefined) throw usage('`exec` wants the script to run');
      return [{ name: file, args: [file, ...args] }];
    }
    default:
      throw usage(verb === undefined ? 'a verb is missing' : `there is no verb "${verb}"`);
  }

  /** @returns {Step[]} */
  function walls() {
    return [{ name: 'walls', args: [script('scripts/check-walls.mjs')] }];
  }
  /** @param {readonly string[]} args @returns {Step} */
  function format(args) {
    const write = args.includes('--write');
    const paths = args.filter((arg) => arg !== '--write');
    const mode = write ? [] : ['--check'];
    return { name: 'format', args: [script('node_modules/oxfmt/bin/oxfmt'), ...mode, ...paths] };
  }
  /** @returns {Step[]} */
  function types() {
    // By path, since node_modules/.bin/tsc may belong to one of the older compilers of examples/typescript.
    const tsc = script('node_modules/typescript/bin/tsc');
    return projects.map((project) => ({
      name: `types of ${project}`,
      args: [tsc, '-p', script(project), '--pretty'],
    }));
  }
  /** @returns {Step} */
  function knip() {
    return {
      name: 'dead code',
      args: [script('node_modules/knip/bin/knip.js'), ...(verb === 'knip' ? rest : [])],
    };
  }
}

/**
 * @param {string} root
 * @param {readonly string[]} rest options go to node:test; anything else narrows the files by a part of their path
 * @returns {string[]}
 */
function testArguments(root, rest) {
  const options = rest.filter((arg) => arg.startsWith('-'));
  const parts = rest.filter((arg) => !arg.startsWith('-'));
  const all = findTests(root);
  const files = parts.length === 0 ? all : all.filter((file) => parts.some((part) => file.includes(part)));
  if (files.length === 0) {
    throw new BootstrapError(
      'NO_TESTS',
      parts.length === 0
        ? `No test was found below ${root} (packages and apps: *.test.ts; scripts: *.test.mjs).`
        : `None of the ${all.length} test files has ${parts.map((part) => `"${part}"`).join(' or ')} in its path.`,
      ['options with a value are written with "=": npm test -- --test-name-pattern=refuses'],
    );
  }
  // Many tests start processes of their own: two files at a time on two cores, and one core left free on more.
  const cores = typeof availableParallelism === 'function' ? availableParallelism() : cpus().length;
  const defaults = [
    '--test-reporter=spec',
    `--test-concurrency=${Math.min(Math.max(cores - 1, 2), 8)}`,
    // Nobody waits so long for a test that works: it ends one that hangs.
    '--test-timeout=1200000',
  ];
  const given = new Set(options.map((option) => option.split('=')[0]));
  return ['--test', ...defaults.filter((option) => !given.has(option.split('=')[0])), ...options, ...files];
}

/** @param {string} problem @returns {BootstrapError} */
function usage(problem) {
  return new BootstrapError('USAGE', `scripts/run.mjs: ${problem}.`, [
    'the verbs: demo, test, bench, simulate, lint, format, types, walls, knip, check, demo-airgap, build-tool, exec',
  ]);
}
