import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { timeText } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { type AttackedSite, attackedSite, nowMs } from '../../../test-support/attacked-trust.ts';
import { FaultyDisk } from '../../../test-support/disk-faults.ts';
import { memoryFolder, temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { isTemporary } from '../../../src/storage/files/durable-file.ts';
import { FileTrustStore } from '../../../src/storage/files/trust-store.ts';

const run = promisify(execFile);

/** The next version of everything, roots included, with a time that raises the floor: every kind of file is written. */
function publishEverything({ repo }: AttackedSite): void {
  repo.rotateKeys('root');
  repo.publish('root');
  repo.timestamp['x-sallyport-issued'] = timeText(nowMs - 1000);
  repo.publishTargets();
}

type Files = Readonly<Record<string, string>>;

/** Each file is whole: the one before or the one after; none is gone, and nothing half-written lies about. */
function assertWhole(now: Files, before: Files, after: Files): void {
  for (const [path, bytes] of Object.entries(now)) {
    assert.ok(bytes === before[path] || bytes === after[path], `${path} is neither old nor new`);
  }
  assert.deepEqual(
    Object.keys(before).filter((path) => !(path in now)),
    [],
  );
}

const told = {
  ENOSPC: ['DISK_FULL', /the disk is full \(ENOSPC\); make room on it and try again/],
  EROFS: ['READ_ONLY', /the disk is mounted read-only \(EROFS\); mount it for writing/],
} as const;

function isTold(error: unknown, folder: string, why: keyof typeof told): void {
  const [code, sentence] = told[why];
  assert.ok(error instanceof ContentError, String(error));
  assert.equal(error.code, code);
  assert.ok(error.message.includes(folder), error.message);
  assert.match(error.message, sentence);
}

for (const code of ['ENOSPC', 'EROFS'] as const) {
  test(`a disk that answers ${code} at any step of a refresh leaves every file whole, and the refresh goes on when it is mended`, (t) =>
    failsAnywhere(t, code));
}

async function failsAnywhere(t: TestContext, code: keyof typeof told): Promise<void> {
  const site = await attackedSite(t);
  const before = await site.files();
  const kept = join(await memoryFolder(t), 'before');
  await cp(site.folder, kept, { recursive: true });
  publishEverything(site);
  const sound = new FaultyDisk(site.folder, { code, at: Infinity, lasts: 'until-mended' });
  await sound.run(() => site.exchange());
  const after = await site.files();
  const struck = new Set<string>();
  // What a read-only disk did not let go of stays until the next start sweeps it.
  const left = (files: Files): Files =>
    code === 'EROFS'
      ? Object.fromEntries(Object.entries(files).filter(([path]) => !isTemporary(basename(path))))
      : files;
  for (let at = 0; at < sound.calls.length; at += 1) {
    await rm(site.folder, { recursive: true });
    await cp(kept, site.folder, { recursive: true });
    const disk = new FaultyDisk(site.folder, { code, at, lasts: 'until-mended' });
    const failure = await disk
      .run(() => site.exchange())
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    const { kind, path } = disk.struck ?? { kind: 'nothing', path: '' };
    assertWhole(left(await site.files()), before, after);
    if (failure !== undefined) {
      isTold(failure, site.folder, code);
      struck.add(
        `${kind} ${basename(path)
          .replace(/^\./, '')
          .replace(/\.[0-9a-f-]{36}\.tmp$/, '')}`,
      );
    }
    assert.equal(await site.exchange(), 'the catalogue');
    assert.deepEqual(left(await site.files()), after);
  }
  for (const file of [
    '2.root.json',
    'root.json',
    'timestamp.json',
    'time-floor',
    'snapshot.json',
    'targets.json',
    'catalog.json',
  ]) {
    for (const step of ['create', 'write', 'sync', 'rename']) {
      assert.ok(struck.has(`${step} ${file}`), `${step} ${file} never failed: ${[...struck].join(', ')}`);
    }
  }
}

for (const [code, wanted] of [
  ['EROFS', 'READ_ONLY'],
  ['EIO', 'DISK_FAILED'],
  ['EDQUOT', 'DISK_FULL'],
] as const) {
  test(`a disk that answers ${code} is named, and what was trusted can still be worked with`, async (t) => {
    const site = await attackedSite(t);
    const before = await site.files();
    publishEverything(site);
    const disk = new FaultyDisk(site.folder, { code, at: 0, lasts: 'until-mended' });
    await disk.run(async () => {
      await assert.rejects(site.exchange(), (error) => {
        assert.ok(error instanceof ContentError, String(error));
        assert.equal(error.code, wanted);
        assert.ok(error.message.includes(site.folder), error.message);
        return true;
      });
      assert.equal((await site.refresher().openStored(nowMs)).timestamp, 2);
    });
    assert.deepEqual(await site.files(), before);
    assert.equal(await site.exchange(), 'the catalogue');
  });
}

test('a real file system of 64 kB that fills up behaves the same', async (t) => {
  const folder = await temporaryFolder(t);
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).then(
    () => true,
    () => false,
  );
  if (!mounted) {
    t.diagnostic('no right to mount a file system here: the same is shown with injected faults only');
    return;
  }
  try {
    await onSmallDisk(t, disk);
  } finally {
    await run('umount', [disk]);
  }
});

async function onSmallDisk(t: TestContext, disk: string): Promise<void> {
  const site = await attackedSite(t);
  const store = new FileTrustStore(join(disk, 'trust'));
  await store.saveRoot(1, site.repo.metadataFiles.get('1.root.json') ?? new Uint8Array());
  await site.exchange(nowMs, { store });
  publishEverything(site);
  let refusals = 0;
  for (let pages = 0; pages < 16; pages += 1) {
    await fill(join(disk, 'filler'), pages);
    const version = await trustedVersion(store);
    const refused = await site.exchange(nowMs, { store }).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok((await trustedVersion(store)) >= version, 'no version falls');
    if (refused === undefined) break;
    isTold(refused, disk, 'ENOSPC');
    refusals += 1;
  }
  assert.ok(refusals >= 1, 'the disk was never full');
  assert.equal(await trustedVersion(store), 3);
}

async function trustedVersion(store: FileTrustStore): Promise<number> {
  return parseMetadata('timestamp', (await store.load('timestamp')) ?? new Uint8Array()).signed.version;
}

/** Takes all of a disk but `pages` pages. */
async function fill(path: string, pages: number): Promise<void> {
  const page = Buffer.alloc(4096);
  await writeFile(path, '');
  for (let size = 1; ; size += 1) {
    assert.ok(size <= 16, 'the disk is larger than it should be');
    try {
      await writeFile(path, page, { flag: 'a' });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      await truncate(path, Math.max(0, size - 1 - pages) * page.length);
      return;
    }
  }
}
