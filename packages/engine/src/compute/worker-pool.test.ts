import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { never, noise, refOf } from '../../test-support/bytes.ts';
import { computeConformance } from '../../test-support/compute-conformance.ts';
import { contentError } from '../../test-support/content-errors.ts';
import { temporaryFolder } from '../../test-support/temporary-folder.ts';
import { WorkerPool } from './worker-pool.ts';

computeConformance('worker pool', async (t) => {
  const folder = await temporaryFolder(t);
  const compute = new WorkerPool({ workers: 1 });
  t.after(() => compute.close());
  return {
    compute,
    pathOf: (name) => join(folder, name),
    write: (path, bytes) => writeFile(path, bytes),
    read: async (path) => {
      const bytes = await readFile(path).catch(() => undefined);
      return bytes === undefined ? undefined : new Uint8Array(bytes);
    },
  };
});

test('a running job that is cancelled ends at once, leaves no file, and the pool goes on', async (t) => {
  const folder = await temporaryFolder(t);
  const pool = new WorkerPool({ workers: 1 });
  t.after(() => pool.close());
  const source = join(folder, 'source');
  const target = join(folder, 'target');
  await writeFile(source, noise(8_000_000));
  await pool.hashFile(source, never());
  const controller = new AbortController();
  const running = pool.compressFile({ source, target, level: 19 }, controller.signal);
  const waiting = pool.hashFile(source, controller.signal);
  const other = pool.hashFile(source, never());
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(running, reason);
  await assert.rejects(waiting, reason);
  assert.deepEqual(await other, refOf(noise(8_000_000)));
  await assert.rejects(access(target));
});

test('more jobs than may wait are refused', async (t) => {
  const folder = await temporaryFolder(t);
  const pool = new WorkerPool({ workers: 1, queueMax: 1 });
  t.after(() => pool.close());
  const source = join(folder, 'source');
  await writeFile(source, noise(1000));
  const first = pool.hashFile(source, never());
  const second = pool.hashFile(source, never());
  await assert.rejects(pool.hashFile(source, never()), contentError('BUSY'));
  await Promise.all([first, second]);
});

test('closing ends what runs and what waits, and refuses what comes later', async (t) => {
  const folder = await temporaryFolder(t);
  const pool = new WorkerPool({ workers: 1 });
  const source = join(folder, 'source');
  await writeFile(source, noise(2_000_000));
  const work = [1, 2].map((number) =>
    pool.compressFile({ source, target: join(folder, `t${String(number)}`), level: 19 }, never()),
  );
  const outcomes = Promise.allSettled(work);
  await pool.close();
  for (const outcome of await outcomes) {
    assert.ok(outcome.status === 'rejected' && contentError('CLOSED')(outcome.reason));
  }
  await assert.rejects(pool.hashFile(source, never()), contentError('CLOSED'));
});

test('a worker that dies fails its job only', async (t) => {
  const folder = await temporaryFolder(t);
  const dying = `data:text/javascript,import { parentPort } from 'node:worker_threads';
    parentPort.on('message', (job) => { if (job.source.endsWith('bad')) { throw new Error('died'); } parentPort.postMessage({ kind: 'done', result: job.source }); });`;
  const pool = new WorkerPool({ workers: 1, workerUrl: new URL(dying) });
  t.after(() => pool.close());
  const [bad, good] = await Promise.allSettled([
    pool.hashFile(join(folder, 'bad'), never()),
    pool.hashFile(join(folder, 'good'), never()),
  ]);
  assert.ok(bad.status === 'rejected' && contentError('WORKER_FAILED')(bad.reason));
  assert.ok(bad.reason instanceof Error && /hash of .*bad: died/.test(bad.reason.message));
  assert.equal(good.status, 'fulfilled');
});

test('segments have a limit: larger files are neither packed nor unpacked', async (t) => {
  const folder = await temporaryFolder(t);
  const pool = new WorkerPool({ workers: 1 });
  t.after(() => pool.close());
  const large = join(folder, 'large');
  await writeFile(large, '');
  await truncate(large, 40 * 1024 * 1024);
  await assert.rejects(
    pool.compressFile({ source: large, target: join(folder, 't'), level: 1 }, never()),
    contentError('TOO_LARGE'),
  );
  const expected = { ...refOf(noise(10)), sizeBytes: 40 * 1024 * 1024 };
  await writeFile(join(folder, 'small'), noise(10));
  await assert.rejects(
    pool.decompressFile({ source: join(folder, 'small'), target: join(folder, 't'), expected }, never()),
    contentError('TOO_LARGE'),
  );
});

test('a target that is there already is neither replaced nor removed', async (t) => {
  const folder = await temporaryFolder(t);
  const pool = new WorkerPool({ workers: 1 });
  t.after(() => pool.close());
  const source = join(folder, 'source');
  const target = join(folder, 'target');
  await writeFile(source, noise(10));
  await writeFile(target, 'mine');
  await assert.rejects(pool.compressFile({ source, target, level: 1 }, never()), contentError('DISK_FAILED'));
  assert.equal(await readFile(target, 'utf8'), 'mine');
});

test('an idle pool does not keep its process alive', async () => {
  const script = `
    import { WorkerPool } from ${JSON.stringify(new URL('./worker-pool.ts', import.meta.url).href)};
    const named = await new WorkerPool().hashFile(process.execPath, new AbortController().signal);
    process.stdout.write(String(named.sizeBytes > 0));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '-e', script],
    { timeout: 20_000 },
  );
  assert.equal(stdout, 'true');
});
