import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryCompute } from './memory-compute.ts';
import { MeteredCompute } from './metered-compute.ts';

const signal = new AbortController().signal;

test('counts what is done and what fails, and passes both on', async () => {
  const files = new Map<string, Uint8Array>([['a', new Uint8Array([1, 2, 3])]]);
  const compute = new MeteredCompute(
    new MemoryCompute({
      disk: { read: (path) => files.get(path), write: (path, bytes) => void files.set(path, bytes) },
    }),
  );
  assert.deepEqual(compute.jobs(), []);
  const ref = await compute.hashFile('a', signal);
  assert.equal(ref.sizeBytes, 3);
  await assert.rejects(compute.hashFile('b', signal), { code: 'NOT_HELD' });
  const packed = await compute.compressFile({ source: 'a', target: 'z', level: 3 }, signal);
  assert.equal(files.get('z')?.length, packed.sizeBytes);
  await compute.decompressFile({ source: 'z', target: 'c', expected: ref }, signal);
  assert.deepEqual([...(files.get('c') ?? [])], [1, 2, 3]);
  assert.equal(compute.sha256(new Uint8Array([1, 2, 3])), ref.sha256);
  assert.deepEqual(
    compute.jobs().map(({ job, count, failed, ms }) => [job, count, failed, Number.isInteger(ms)]),
    [
      ['compressFile', 1, 0, true],
      ['decompressFile', 1, 0, true],
      ['hashFile', 2, 1, true],
    ],
  );
  await compute.close();
});
