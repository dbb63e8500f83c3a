import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tree } from '@sallyport/core/domain/content/tree';
import { digest, productId } from '@sallyport/core/shared/ids';
import { refOf } from '../../../test-support/bytes.ts';
import { SeededRandom } from '../../../test-support/seeded-random.ts';
import { releasesSuite } from '../test-support/releases-suite.ts';
import { MemoryBlobs } from './blobs.ts';
import { MemoryDisk } from './disk.ts';
import { MemoryReleases } from './releases.ts';

const product = productId('compiler');
const never = new AbortController().signal;

releasesSuite('in memory', async () => {
  const disk = new MemoryDisk();
  const random = new SeededRandom(5);
  const open = (): MemoryReleases => {
    disk.crash(random, 'power');
    const mount = disk.mount();
    return new MemoryReleases(mount, new MemoryBlobs(mount));
  };
  return {
    releases: open(),
    reopen: open,
    hold: async (blob, bytes) => {
      disk.files.set(`memory:blobs/sha256/${blob.sha256}`, bytes);
    },
    isHeld: async (blob) => disk.files.has(`memory:blobs/sha256/${blob.sha256}`),
    damageFile: async (path, bytes) => {
      disk.files.set(path, bytes);
    },
  };
});

test('whenever a power cut comes while a release is staged, it is not there or complete, and staging goes on', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => [`file-${index}`, Buffer.from(`content ${index}`.repeat(50))]),
  );
  const tree: Tree = {
    schema: 1,
    files: Object.entries(files).map(([path, bytes]) => ({
      path,
      mode: 0o644,
      ...refOf(bytes),
      segments: [refOf(bytes)],
    })),
  };
  let tornOnes = 0;
  for (let seed = 0; seed < 60; seed += 1) {
    const disk = new MemoryDisk();
    const random = new SeededRandom(seed);
    const open = (): MemoryReleases => {
      const mount = disk.mount();
      return new MemoryReleases(mount, new MemoryBlobs(mount));
    };
    for (const bytes of Object.values(files)) {
      disk.files.set(`memory:blobs/sha256/${digest(refOf(bytes).sha256)}`, bytes);
    }
    const first = open();
    const staging = first.stage(product, '1.0.0', tree, () => undefined, never);
    staging.catch(() => undefined);
    for (let turn = Math.floor(random.fraction() * 30); turn > 0; turn -= 1) await Promise.resolve();
    disk.crash(random, 'power');
    const second = open();
    if ((await second.list(product)).length > 0) {
      assert.deepEqual(await second.verify(product, '1.0.0', tree), [], `seed ${seed}`);
    } else {
      tornOnes += 1;
      await second.stage(product, '1.0.0', tree, () => undefined, never);
      assert.deepEqual(await second.verify(product, '1.0.0', tree), [], `seed ${seed}`);
    }
  }
  assert.ok(tornOnes > 20, `${tornOnes} were cut short`);
});
