import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { test } from 'node:test';
import { Cloud } from './cloud.ts';
import { until, World } from './harness.ts';

test('one signal ends a command, also one that waits for a pipe to which nobody writes', async (t) => {
  const world = await World.open();
  t.after(() => world.close());
  const cloud = await Cloud.init(world, 'cloud');
  const pipe = world.path('package.yaml');
  execFileSync('mkfifo', [pipe]);
  const command = world.start(['cloud', 'publish', '--data', cloud.data, '--check', pipe]);
  const writer = await until('the command reads the pipe', async () => writingEndOf(pipe));
  t.after(() => closeSync(writer));
  command.kill('SIGTERM');
  const [code, signal] = (await once(command, 'exit')) as [number | null, string | null];
  assert.deepEqual([code, signal], [null, 'SIGTERM']);
});

/** Undefined while nobody reads the pipe. Nothing is ever written: the reader waits. */
function writingEndOf(pipe: string): number | undefined {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    assert.match(String(error), /ENXIO/);
    return undefined;
  }
}
