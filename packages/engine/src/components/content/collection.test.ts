import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '@sallyport/core/shared/ids';
import { flipped, never, noise, refOf } from '../../../test-support/bytes.ts';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { publish } from '../../../test-support/published-package.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { collectGarbage } from './collection.ts';
import { reachableBlobs } from './reachable.ts';
import { scrub } from './scrub.ts';

const heldBy = async (blobs: MemoryBlobs): Promise<ReadonlySet<Digest>> =>
  new Set((await Array.fromAsync(blobs.list())).map(({ sha256 }) => sha256));

test('a package reaches its documents, its segments and their encodings', async () => {
  const blobs = new MemoryBlobs();
  const published = await publish(blobs, { a: noise(500), b: noise(600, 2) }, { a: noise(400) });
  const all = await heldBy(blobs);
  assert.deepEqual(await reachableBlobs(published.content, blobs), all);

  await blobs.remove(published.content.encodings.sha256);
  const { a, b } = published.segments;
  const { tree, encodings } = published.content;
  assert.deepEqual(
    await reachableBlobs(published.content, blobs),
    new Set([tree.sha256, encodings.sha256, a?.segment.sha256, b?.segment.sha256]),
  );
  await blobs.remove(tree.sha256);
  assert.deepEqual(await reachableBlobs(published.content, blobs), new Set([tree.sha256, encodings.sha256]));
});

test('only what no root reaches, and nobody uses, is removed', async () => {
  const blobs = new MemoryBlobs();
  const older = await publish(blobs, { a: noise(500), same: noise(50, 7) });
  const before = await heldBy(blobs);
  const newer = await publish(blobs, { a: noise(600, 2), same: noise(50, 7) }, { a: noise(500) });
  const used = await blobs.putBytes(noise(10, 9));
  const collected = await collectGarbage(
    { blobs, roots: () => reachableBlobs(newer.content, blobs), isInUse: (sha256) => sha256 === used.sha256 },
    never(),
  );
  const after = await heldBy(blobs);
  assert.ok(after.has(used.sha256));
  assert.ok((await reachableBlobs(newer.content, blobs)).isSubsetOf(after));
  assert.ok(!after.has(older.content.tree.sha256));
  assert.deepEqual(new Set(collected.removed.map(({ sha256 }) => sha256)), before.difference(after));
  assert.equal(
    collected.freedBytes,
    collected.removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
});

test('a blob that arrives while the roots are read is left alone, and so are its pieces', async () => {
  const blobs = new MemoryBlobs();
  const wanted = refOf(noise(100, 3));
  const writer = await blobs.resume(wanted);
  await writer.write(noise(100, 3).subarray(0, 40));
  await writer.suspend();
  const garbage = await blobs.resume(refOf(noise(100, 4)));
  await garbage.write(noise(30, 4));
  await garbage.suspend();
  const arriving = noise(10, 5);
  const collected = await collectGarbage(
    {
      blobs,
      roots: async () => {
        await blobs.putBytes(arriving);
        return new Set();
      },
      isInUse: (sha256) => sha256 === wanted.sha256,
    },
    never(),
  );
  assert.deepEqual(collected, { removed: [], freedBytes: 30 });
  assert.ok(await blobs.has(refOf(arriving).sha256));
  assert.equal((await blobs.resume(wanted)).offset, 40);
});

test('when the roots cannot be read, nothing is removed', async () => {
  const blobs = new MemoryBlobs();
  const kept = await blobs.putBytes(noise(10));
  await assert.rejects(
    collectGarbage({ blobs, roots: () => Promise.reject(new Error('the disk failed')) }, never()),
    /the disk failed/,
  );
  assert.ok(await blobs.has(kept.sha256));
});

test('a scrub removes the blobs whose bytes have changed, and only those', async () => {
  const blobs = new MemoryBlobs();
  const good = await blobs.putBytes(noise(100, 1));
  const bad = await blobs.putBytes(noise(100, 2));
  blobs.files.set(blobs.pathOf(bad.sha256), flipped(noise(100, 2), 50));
  const gone = await blobs.putBytes(noise(100, 3));
  blobs.files.delete(blobs.pathOf(gone.sha256));
  const ports = { blobs, compute: new MemoryCompute(blobs) };
  const scrubbed = await scrub(ports, never());
  assert.deepEqual([scrubbed.checked, scrubbed.checkedBytes, scrubbed.removed], [2, 200, [bad]]);
  assert.deepEqual([await blobs.has(good.sha256), await blobs.has(bad.sha256)], [true, false]);
});

test('a scrub in parts looks at every blob once, each part at what its bytes allow', async () => {
  const blobs = new MemoryBlobs();
  for (let seed = 1; seed <= 5; seed += 1) await blobs.putBytes(noise(100, seed));
  const ports = { blobs, compute: new MemoryCompute(blobs) };
  const parts: number[] = [];
  let part = await scrub(ports, never(), { bytesMax: 150 });
  parts.push(part.checked);
  while (part.atEnd !== true && part.last !== undefined) {
    part = await scrub(ports, never(), { after: part.last, bytesMax: 150 });
    parts.push(part.checked);
  }
  assert.deepEqual(parts, [2, 2, 1]);
});
