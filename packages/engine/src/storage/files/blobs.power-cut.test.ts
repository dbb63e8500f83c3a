import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { chunked, never, noise, refOf } from '../../../test-support/bytes.ts';
import { caseFolders } from '../../../test-support/case-folders.ts';
import { contentError } from '../../../test-support/content-errors.ts';
import { failingSync, survivesPowerCuts } from '../../../test-support/power-cut-states.ts';
import { FileBlobs } from './blobs.ts';

const [whole, pieces, made] = [noise(6_000, 1), noise(9_000, 2), noise(3_000, 3)] as const;

const open = (folder: string): Promise<FileBlobs> => FileBlobs.open({ folder: join(folder, 'content') });

/** Everything visible has its digest, everything promised is visible, and what was under way can be done again. */
async function assertRecovers(folder: string, promised: readonly BlobRef[]): Promise<void> {
  const blobs = await open(folder);
  for await (const { sha256, sizeBytes } of blobs.list()) await blobs.readBytes(sha256, sizeBytes);
  for (const { sha256, sizeBytes } of promised) await blobs.readBytes(sha256, sizeBytes);
  await blobs.put(chunked(whole), refOf(whole), never());
  await finish(blobs);
  assert.deepEqual(await blobs.readBytes(refOf(pieces).sha256, pieces.length), pieces);
}

/** Goes on with what lies there; should the cut have spoilt it, it goes, and the next attempt begins anew. */
async function finish(blobs: FileBlobs): Promise<void> {
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const writer = await blobs.resume(refOf(pieces));
    const isNew = writer.offset === 0;
    await writer.write(pieces.subarray(writer.offset));
    try {
      await writer.commit();
      return;
    } catch (failure) {
      contentError('HASH_MISMATCH')(failure);
      assert.equal(isNew, false);
    }
  }
}

test('after a power cut every blob that was answered for is there, and every visible one has its digest', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<undefined, BlobRef>(await newFolder(), {
    prepare: async () => undefined,
    act: async (_, folder, promise) => {
      const blobs = await open(folder);
      await blobs.put(chunked(whole.subarray(0, 2_000), whole.subarray(2_000)), refOf(whole), never());
      promise(refOf(whole));
      const writer = await blobs.resume(refOf(pieces));
      await writer.write(pieces.subarray(0, 5_000));
      await writer.suspend();
      await finish(blobs);
      promise(refOf(pieces));
      await blobs.ingest(async (path) => {
        await writeFile(path, made);
        return refOf(made);
      });
      promise(refOf(made));
    },
    recovers: assertRecovers,
  });
});

test('a blob that somebody finds held while it is being stored is durable by then', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<FileBlobs, BlobRef>(await newFolder(), {
    prepare: open,
    act: async (blobs, _folder, promise) => {
      const ref = refOf(whole);
      const putting = blobs.put(chunked(whole), ref, never());
      const finding = (async () => {
        for (let isHeld = false; !isHeld;) isHeld = await blobs.has(ref.sha256);
        promise(ref);
      })();
      await Promise.all([putting, finding]);
    },
    recovers: assertRecovers,
  });
});

for (const [what, end] of [
  ['its name', 'sha256'],
  ['its bytes', refOf(whole).sha256],
] as const) {
  test(`a blob is durable once it is answered for, also when the first attempt could not sync ${what}`, async (t) => {
    const newFolder = await caseFolders(t);
    const ref = refOf(whole);
    await survivesPowerCuts<FileBlobs, BlobRef>(await newFolder(), {
      prepare: open,
      fails: failingSync(end),
      act: async (blobs, folder, promise) => {
        const writer = await blobs.resume(ref);
        await writer.write(whole);
        await assert.rejects(writer.commit(), contentError('DISK_FAILED'));
        // After such a failure reading still shows the bytes, and syncing them again would succeed without writing them.
        assert.deepEqual(await readdir(join(folder, 'content', 'partial')), []);
        await blobs.put(chunked(whole), ref, never());
        promise(ref);
      },
      recovers: assertRecovers,
    });
  });
}
