import assert from 'node:assert/strict';
import { test } from 'node:test';
import { windowLogMax } from '@sallyport/core/domain/content/route';
import type { Tree } from '@sallyport/core/domain/content/tree';
import { propertyRuns } from '@sallyport/core/shared/test-support/property';
import fc from 'fast-check';
import { never, noise, refOf } from '../../../test-support/bytes.ts';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { decompressBytes } from '../../compute/zstd.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { buildEncodings } from './build-encodings.ts';

/** A stretch of bytes that look like chance, or that repeat. */
const stretch = fc
  .record({ sizeBytes: fc.integer({ min: 0, max: 40_000 }), seed: fc.nat(5), repeats: fc.boolean() })
  .map(({ sizeBytes, seed, repeats }) =>
    repeats
      ? Buffer.alloc(sizeBytes, `line ${seed}, again and again\n`)
      : Buffer.from(noise(sizeBytes, seed)),
  );

/** What the older bytes become: pieces of them, in any order, and new ones between. */
const edit = fc.array(
  fc.oneof(
    fc.record({ from: fc.nat(60_000), to: fc.nat(60_000) }),
    fc.uint8Array({ maxLength: 3_000 }),
    stretch,
  ),
  { maxLength: 6 },
);

function edited(
  older: Uint8Array,
  parts: readonly (Uint8Array | { from: number; to: number })[],
): Uint8Array {
  return Buffer.concat(
    parts.map((part) => (part instanceof Uint8Array ? part : older.subarray(part.from, part.to))),
  );
}

async function treeOf(blobs: MemoryBlobs, bytes: Uint8Array): Promise<Tree> {
  const segment = await blobs.putBytes(bytes);
  const segments = segment.sizeBytes === 0 ? [] : [segment];
  return { schema: 1, files: [{ path: 'file', mode: 0o644, ...segment, segments }] };
}

test('whatever bytes become whatever bytes, what is published restores them within the memory that it names', async () => {
  let patches = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(stretch, { maxLength: 3 }),
      edit,
      fc.constantFrom(1, 3, 19),
      async (pieces, parts, level) => {
        const blobs = new MemoryBlobs();
        const older = Buffer.concat(pieces);
        const newer = edited(older, parts);
        const previous = [{ tree: await treeOf(blobs, older) }];
        const input = { tree: await treeOf(blobs, newer), previous, level };
        const ports = { blobs, compute: new MemoryCompute(blobs) };
        const { encodings } = await buildEncodings(input, ports, never());
        for (const { segment, encodings: ways } of encodings.segments) {
          for (const way of ways) {
            const packed = await blobs.readBytes(way.blob.sha256, 10 ** 8);
            const how = way.kind === 'zstd' ? {} : { dictionary: older, windowLog: way.windowLog };
            const bytes = decompressBytes(packed, { sizeMaxBytes: segment.sizeBytes, ...how });
            assert.deepEqual(refOf(bytes), segment);
            assert.ok(way.blob.sizeBytes < segment.sizeBytes);
            if (way.kind === 'zstd-patch') {
              patches += 1;
              // The window reaches over both and is never twice as large; above the limit there is no patch at all.
              assert.ok(way.windowLog <= windowLogMax);
              assert.ok(2 ** way.windowLog < 2 * Math.max(1024, older.length + newer.length));
            }
          }
        }
      },
    ),
    propertyRuns(100),
  );
  assert.ok(patches > 0, 'no patch came of it');
});
