import assert from 'node:assert/strict';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { diskFailure } from '@sallyport/core/domain/content/disk-failure';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { chunked, never, noise, refOf } from '../../../test-support/bytes.ts';
import { caseFolders } from '../../../test-support/case-folders.ts';
import { type FaultScenario, failsCleanly } from '../../../test-support/disk-faults.ts';
import { FileBlobs } from './blobs.ts';

const old = noise(5_000, 1);
const bytes = noise(9_000, 2);
const ref = refOf(bytes);
const first = bytes.subarray(0, 4_000);
const rest = bytes.subarray(4_000);

async function library(folder: string): Promise<FileBlobs> {
  const blobs = await FileBlobs.open({ folder });
  await blobs.putBytes(old);
  return blobs;
}

/** Whatever has a name is whole; what was held is held. */
async function assertSound(blobs: FileBlobs): Promise<void> {
  const held = await Array.fromAsync(blobs.list());
  for (const { sha256, sizeBytes } of held) await blobs.readBytes(sha256, sizeBytes);
  assert.ok(await blobs.has(refOf(old).sha256), 'what was held before is held');
}

/** After a while nothing is left but complete blobs: temporary files that could not be removed age. */
async function assertTidy(folder: string, held: readonly BlobRef[]): Promise<void> {
  const blobs = await FileBlobs.open({ folder });
  await assertSound(blobs);
  const names = await readdir(join(folder, 'blobs', 'sha256'));
  assert.deepEqual(names.toSorted(), held.map(({ sha256 }) => sha256).toSorted());
  for (const name of await readdir(join(folder, 'partial'))) {
    assert.match(name, /^put-/);
    await utimes(join(folder, 'partial', name), 1, 1);
  }
  await blobs.dropPartials(() => false);
  assert.deepEqual(await readdir(join(folder, 'partial')), []);
}

const storing: Pick<FaultScenario<FileBlobs>, 'ends' | 'holds' | 'prepare'> = {
  prepare: library,
  holds: async (blobs, _folder, outcome) => {
    await assertSound(blobs);
    if (outcome === 'succeeded') assert.ok(await blobs.has(ref.sha256));
  },
  ends: (_, folder) => assertTidy(folder, [refOf(old), ref]),
};

test('a disk that fails anywhere in a put loses nothing, shows nothing half done, and the next put succeeds', async (t) => {
  await failsCleanly(await caseFolders(t), {
    ...storing,
    act: (blobs) => blobs.put(chunked(first, rest), ref, never()),
  });
});

test('a disk that fails anywhere in a blob that comes in pieces leaves a good beginning, or none', async (t) => {
  await failsCleanly(await caseFolders(t), {
    ...storing,
    act: async (blobs) => {
      const writer = await blobs.resume(ref);
      try {
        assert.ok([0, ref.sizeBytes].includes(writer.offset) || writer.offset < ref.sizeBytes);
        await writer.write(bytes.subarray(writer.offset, Math.max(writer.offset, 4_000)));
        await writer.suspend();
        const again = await blobs.resume(ref);
        try {
          await again.write(bytes.subarray(again.offset));
          await again.commit();
        } finally {
          await again.suspend().catch(() => undefined);
        }
      } finally {
        await writer.suspend().catch(() => undefined);
      }
    },
  });
});

test('a disk that fails anywhere while what a worker wrote is taken in leaves nothing of it', async (t) => {
  await failsCleanly(await caseFolders(t), {
    ...storing,
    act: (blobs) =>
      blobs.ingest(async (path) => {
        await writeFile(path, bytes).catch((failure: unknown) => {
          // As the worker pool reports it.
          throw diskFailure(failure, path);
        });
        return ref;
      }),
  });
});

test('a disk that fails while blobs and partials are removed keeps each of them whole or lets it go', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) => {
      const blobs = await library(folder);
      await blobs.putBytes(bytes);
      const writer = await blobs.resume(refOf(rest));
      await writer.write(rest.subarray(0, 10));
      await writer.suspend();
      return blobs;
    },
    act: async (blobs) => {
      await blobs.remove(ref.sha256);
      await blobs.dropPartials(() => false);
    },
    holds: assertSound,
    ends: (_, folder) => assertTidy(folder, [refOf(old)]),
  });
});

test('a library whose folders cannot be made is made when there is room', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async () => undefined,
    act: (_, folder) => FileBlobs.open({ folder: join(folder, 'new', 'content') }),
    holds: async () => undefined,
    ends: async (_, folder) => {
      const blobs = await FileBlobs.open({ folder: join(folder, 'new', 'content') });
      await blobs.putBytes(bytes);
    },
  });
});
