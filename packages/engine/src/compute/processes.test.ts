import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gone, isRunning } from '../../test-support/process-state.ts';
import type { ProcessCommand } from '../ports/process.ts';
import { ChildProcesses } from './processes.ts';
import { mayChangeUser } from './unprivileged.ts';

const never = new AbortController().signal;
const linuxOnly = process.platform === 'linux' ? {} : { skip: 'this part of the promise is for Linux' };
const rootOnly = mayChangeUser() ? {} : { skip: 'only root may run programs as somebody else' };
let folder: string;
let processes: ChildProcesses;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-processes-')));
  await chmod(folder, 0o755);
  processes = new ChildProcesses({ owner: folder, graceMs: 300 });
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function command(argv: readonly string[], more: Partial<ProcessCommand> = {}): ProcessCommand {
  return {
    argv,
    cwd: folder,
    env: {},
    timeoutMs: 20_000,
    outputMaxBytes: 4_096,
    unprivileged: false,
    ...more,
  };
}

function node(script: string, more: Partial<ProcessCommand> = {}): ProcessCommand {
  return command([process.execPath, '-e', script], more);
}

test('gives exit code and both outputs of a program that ends by itself', async () => {
  const result = await processes.run(
    node('console.log("out"); console.error("err"); process.exitCode = 3'),
    never,
  );
  assert.equal(result.exitCode, 3);
  assert.equal(result.stdout, 'out\n');
  assert.equal(result.stderr, 'err\n');
  assert.equal(result.timedOut, false);
  assert.equal(result.droppedBytes, 0);
});

test('answers instead of throwing when the program or its folder does not exist', async () => {
  const missing = await processes.run(command([join(folder, 'no-such-program')]), never);
  assert.equal(missing.exitCode, null);
  assert.match(missing.startError ?? '', /ENOENT/);
  const nowhere = await processes.run(node('0', { cwd: join(folder, 'gone') }), never);
  assert.match(nowhere.startError ?? '', /working folder .*gone is missing/);
  assert.match((await processes.run(command([]), never)).startError ?? '', /empty/);
});

test('hands on no environment of this process but the search path and the language', async () => {
  process.env['SALLYPORT_TEST_SECRET'] = 'secret';
  try {
    const result = await processes.run(
      node('console.log(JSON.stringify(process.env))', { env: { SALLYPORT_STEP_ID: 'a/1/hook' } }),
      never,
    );
    const names = Object.keys(JSON.parse(result.stdout) as Record<string, string>).toSorted();
    assert.deepEqual(names, ['LANG', 'PATH', 'SALLYPORT_OWNER', 'SALLYPORT_STEP_ID']);
  } finally {
    delete process.env['SALLYPORT_TEST_SECRET'];
  }
});

test('ends a program that ignores SIGTERM, and its children, at the time limit', linuxOnly, async () => {
  const script = `
    process.on('SIGTERM', () => {});
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)']);
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const result = await processes.run(node(script, { timeoutMs: 1_000 }), never);
  assert.equal(result.timedOut, true);
  assert.equal(result.exitCode, null);
  assert.equal(result.signal, 'SIGKILL');
  await gone(Number(result.stdout));
});

test('ends the program and rejects with the reason when it is aborted', linuxOnly, async () => {
  const abort = new AbortController();
  const pidFile = join(folder, 'pid');
  const running = processes.run(
    node(
      `require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setInterval(() => {}, 1000)`,
    ),
    abort.signal,
  );
  let pid = 0;
  while (pid === 0) {
    pid = Number(await readFile(pidFile, 'utf8').catch(() => '0'));
    await sleep(10);
  }
  const reason = new Error('enough');
  abort.abort(reason);
  await assert.rejects(running, reason);
  await gone(pid);
});

test('does not wait for a child that stays behind with the pipes open, and ends it', linuxOnly, async () => {
  const result = await processes.run(command(['/bin/sh', '-c', 'sleep 600 & echo $!']), never);
  assert.equal(result.exitCode, 0);
  assert.ok(result.elapsedMs < 10_000, `took ${result.elapsedMs} ms`);
  await gone(Number(result.stdout));
});

test('finds a daemon that has left its session by the step that it carries', linuxOnly, async () => {
  const script = `
    const { spawn } = require('node:child_process');
    const daemon = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    daemon.unref();
    console.log(daemon.pid);`;
  const result = await processes.run(node(script, { env: { SALLYPORT_STEP_ID: 'x/1/daemon' } }), never);
  assert.equal(result.exitCode, 0);
  await gone(Number(result.stdout));
});

test(
  'ends what an earlier life left running under the same step before it runs the program',
  linuxOnly,
  async (t) => {
    const start = (owner: string): number => {
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
        detached: true,
        stdio: 'ignore',
        env: { SALLYPORT_OWNER: owner, SALLYPORT_STEP_ID: 'x/1/left' },
      });
      t.after(() => child.kill('SIGKILL'));
      return child.pid ?? 0;
    };
    const left = start(folder);
    const foreign = start(`${folder}-other`);
    const state = (pid: number): string =>
      `(cat /proc/${pid}/stat || echo x x gone) 2> /dev/null | cut -d ' ' -f 3`;
    const result = await processes.run(
      command(['/bin/sh', '-c', `${state(left)}; ${state(foreign)}`], {
        env: { SALLYPORT_STEP_ID: 'x/1/left' },
      }),
      never,
    );
    const [ours, others] = result.stdout.split('\n');
    assert.match(ours ?? '', /^(?:gone|Z)$/);
    assert.match(others ?? '', /^[RSD]$/);
    assert.ok(await isRunning(foreign));
  },
);

test('keeps first and last part of a gigabyte of output without keeping it in memory', async () => {
  const before = process.memoryUsage().rss;
  const result = await processes.run(
    command(['/bin/sh', '-c', 'echo first line; head -c 1000000000 /dev/zero; echo; echo last line'], {
      timeoutMs: 120_000,
    }),
    never,
  );
  const grownBytes = process.memoryUsage().rss - before;
  assert.equal(result.exitCode, 0);
  assert.match(result.stdout, /^first line\n/);
  assert.match(result.stdout, /\nlast line\n$/);
  assert.ok(result.droppedBytes > 999_000_000);
  assert.ok(result.stdout.length < 5_000);
  assert.ok(grownBytes < 150_000_000, `grew by ${grownBytes} bytes`);
});

test('runs as nobody, with a folder to write to, when it may', rootOnly, async () => {
  const writes = join(folder, 'scratch');
  await mkdir(writes, { mode: 0o700 });
  const result = await processes.run(
    command(['/bin/sh', '-c', `id -u; echo kept > ${writes}/file`], { unprivileged: true, writes }),
    never,
  );
  assert.equal(result.exitCode, 0, result.stderr);
  assert.equal(result.stdout, '65534\n');
  assert.equal(result.rightsNote, undefined);
  assert.equal((await stat(join(writes, 'file'))).uid, 65_534);
});

test(
  'says why a program kept our rights when nobody cannot reach its folder, or refuses when strict',
  rootOnly,
  async () => {
    await chmod(folder, 0o700);
    const closed = command(['/bin/sh', '-c', 'id -u'], { unprivileged: true });
    const lenient = await processes.run(closed, never);
    assert.equal(lenient.stdout, '0\n');
    assert.match(lenient.rightsNote ?? '', /user 65534 may not read/);
    const strict = await new ChildProcesses({ owner: folder, strictRights: true }).run(closed, never);
    assert.match(strict.startError ?? '', /chmod o\+x/);
  },
);

test('a program as nobody cannot read what is owner-only', rootOnly, async () => {
  await writeFile(join(folder, 'key'), 'secret', { mode: 0o600 });
  const result = await processes.run(
    command(['/bin/cat', join(folder, 'key')], { unprivileged: true }),
    never,
  );
  assert.notEqual(result.exitCode, 0);
  assert.equal(result.stdout, '');
});
