import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chunked, noise, refOf } from '../../../test-support/bytes.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { storeFile } from './store-file.ts';

const sizes = { minBytes: 64, averageBytes: 256, maxBytes: 1024 };

test('however a file comes, its segments are its bytes in order, named and within limits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(6000),
      fc.integer(),
      fc.integer({ min: 1, max: 3000 }),
      async (length, seed, step) => {
        const bytes = noise(length, seed);
        const chunks = Array.from({ length: Math.ceil(length / step) }, (_, index) =>
          bytes.subarray(index * step, (index + 1) * step),
        );
        const blobs = new MemoryBlobs();
        const stored = await storeFile(chunked(...chunks), length, blobs, sizes);
        assert.deepEqual(stored, await storeFile(chunked(bytes), length, blobs, sizes));
        assert.deepEqual({ sha256: stored.sha256, sizeBytes: stored.sizeBytes }, refOf(bytes));
        const parts = await Promise.all(
          stored.segments.map((segment) => blobs.readBytes(segment.sha256, 1024)),
        );
        assert.ok(Buffer.concat(parts).equals(bytes));
        assert.equal(stored.segments.length > 1, length > sizes.maxBytes);
      },
    ),
    { numRuns: 60 },
  );
});

test('a file that grows or shrinks while it is read shows by its size', async () => {
  const blobs = new MemoryBlobs();
  assert.equal((await storeFile(chunked(noise(10)), 20, blobs, sizes)).sizeBytes, 10);
  assert.equal((await storeFile(chunked(noise(900), noise(900)), 20, blobs, sizes)).sizeBytes > 20, true);
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield noise(5000);
    }
  };
  assert.equal((await storeFile(endless(), 20, blobs, sizes)).sizeBytes > 20, true);
  assert.equal((await storeFile(endless(), 20_000, blobs, sizes)).sizeBytes > 20_000, true);
});
