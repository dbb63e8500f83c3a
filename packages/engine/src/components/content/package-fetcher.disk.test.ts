import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { never, noise } from '../../../test-support/bytes.ts';
import { caseFolders } from '../../../test-support/case-folders.ts';
import { failsCleanly } from '../../../test-support/disk-faults.ts';
import { KeptLog } from '../../../test-support/kept-log.ts';
import { LibrarySource } from '../../../test-support/library-source.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { survivesPowerCuts } from '../../../test-support/power-cut-states.ts';
import { type Files, publish } from '../../../test-support/published-package.ts';
import { SeededRandom } from '../../../test-support/seeded-random.ts';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { FileBlobs } from '../../storage/files/blobs.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { PackageFetcher } from './package-fetcher.ts';

const large = noise(40_000);
const older: Files = { 'bin/tool': large, same: noise(500, 3) };
const newer: Files = {
  'bin/tool': Uint8Array.from([...large.subarray(0, 20_000), 1, 2, 3, ...large.subarray(20_000)]),
  new: new TextEncoder().encode('altogether new\n'.repeat(300)),
  same: noise(500, 3),
};

const vendor = new MemoryBlobs();
const published = await publish(vendor, newer, older);

interface Site {
  readonly blobs: FileBlobs;
  readonly fetch: () => Promise<unknown>;
}

/** A site that holds the release before, on a real disk. */
async function open(folder: string): Promise<Site> {
  const blobs = await FileBlobs.open({ folder: join(folder, 'content') });
  for (const bytes of Object.values(older)) await blobs.putBytes(bytes);
  const disk = {
    read: (path: string) => (existsSync(path) ? readFileSync(path) : undefined),
    write: (path: string, bytes: Uint8Array) => writeFileSync(path, bytes),
  };
  const fetcher = new PackageFetcher({
    blobs,
    compute: new MemoryCompute({ disk }),
    clock: new ManualClock(),
    random: new SeededRandom(),
    log: new KeptLog(),
    // One attempt: nothing here waits for a clock.
    retry: { attemptsMax: 1, delayFirstMs: 1, delayMaxMs: 1 },
  });
  const source = new LibrarySource(vendor);
  return { blobs, fetch: () => fetcher.fetch(published.content, source, { signal: never() }) };
}

/** Every blob that is visible is whole. */
async function assertSound({ blobs }: Site): Promise<void> {
  for await (const { sha256, sizeBytes } of blobs.list()) await blobs.readBytes(sha256, sizeBytes);
}

async function assertComplete({ blobs }: Site): Promise<void> {
  for (const [path, bytes] of Object.entries(newer)) {
    const { segment } = published.segments[path] ?? assert.fail(path);
    assert.deepEqual(await blobs.readBytes(segment.sha256, 1_000_000), bytes, path);
  }
}

test('a disk that fails anywhere in a download says so, keeps what has come, and the next attempt completes it', async (t) => {
  await failsCleanly(await caseFolders(t), {
    // A worker's result that cannot be taken in is, to the fetcher, one way to the segment less.
    codes: ['UNOBTAINABLE'],
    prepare: open,
    act: ({ fetch }) => fetch(),
    holds: assertSound,
    ends: async (site, folder) => {
      await assertComplete(site);
      const partial = join(folder, 'content', 'partial');
      for (const name of await readdir(partial)) await utimes(join(partial, name), 1, 1);
      await site.blobs.dropPartials(() => false);
      assert.deepEqual(await readdir(partial), []);
    },
  });
});

test('after a power cut in a download nothing damaged is visible, and the next start completes it', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<Site, 'complete'>(await newFolder(), {
    prepare: open,
    act: async (site, _folder, promise) => {
      await site.fetch();
      promise('complete');
    },
    recovers: async (folder, promised) => {
      const site = await open(folder);
      await assertSound(site);
      if (promised.length > 0) await assertComplete(site);
      // What the cut spoilt of a partial shows when it is complete; then it is dropped, and comes anew.
      await site.fetch().catch(() => site.fetch());
      await assertComplete(site);
    },
  });
});
