import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import { digest, packageGuid, productId, siteCode } from '@sallyport/core/shared/ids';
import type { Random } from '@sallyport/engine/ports/random';
import { blobsConformance } from '../../../engine/test-support/blobs-conformance.ts';
import { chunked, never, noise, refOf } from '../../../engine/test-support/bytes.ts';
import { computeConformance } from '../../../engine/test-support/compute-conformance.ts';
import { contentError } from '../../../engine/test-support/content-errors.ts';
import { SeededRandom } from '../../../engine/test-support/seeded-random.ts';
import { releasesSuite } from '../../../engine/src/storage/test-support/releases-suite.ts';
import { trustStoreSuite } from '../../../engine/src/storage/test-support/trust-store-suite.ts';
import { DeadProcess } from './mortal.ts';
import { SiteDisk } from './site-disk.ts';

const site = siteCode('PRI');
const product = productId('compiler');
const guid = packageGuid('00000000-0000-4000-8000-00000000000a');
const blobPath = (sha256: string): string => `memory:blobs/sha256/${sha256}`;
const newDisk = (random: Random = new SeededRandom(1)): SiteDisk => new SiteDisk({ site, random });

/** A disk that lost its power before, so that everything runs on what a crash left. */
function crashedDisk(): SiteDisk {
  const disk = newDisk();
  disk.open();
  disk.crash('power');
  return disk;
}

blobsConformance('a site disk', async () => {
  const disk = crashedDisk();
  const { blobs } = disk.open();
  return {
    blobs,
    writeAt: async (path, bytes) => disk.put(path, bytes),
    damage: async (held, bytes) => disk.put(blobPath(held.sha256), bytes),
  };
});

trustStoreSuite('of a site disk', async () => {
  const disk = crashedDisk();
  const reopen = () => {
    disk.crash();
    return disk.open().trust;
  };
  return { store: disk.open().trust, reopen, close: async () => disk.end() };
});

computeConformance('a site disk', async () => {
  const disk = crashedDisk();
  return {
    compute: disk.open().compute,
    pathOf: (name) => `memory:test/${name}`,
    write: async (path, bytes) => disk.put(path, bytes),
    read: async (path) => {
      const bytes = disk.image().contents.get(path);
      return bytes === undefined ? undefined : new Uint8Array(bytes);
    },
  };
});

releasesSuite('a site disk', async () => {
  const disk = crashedDisk();
  const reopen = () => {
    disk.crash('power');
    return disk.open().releases;
  };
  return {
    releases: disk.open().releases,
    reopen,
    hold: async (blob, bytes) => disk.put(blobPath(blob.sha256), bytes),
    isHeld: async (blob) => disk.heldDigests().has(blob.sha256),
    damageFile: async (path, bytes) => disk.put(path, bytes),
  };
});

test('what was answered before a crash is there after it, of every port', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const disk = newDisk(new SeededRandom(seed));
    const before = disk.open();
    before.database.write(({ settings }) => settings.put('windows', [seed]));
    const ref = await before.blobs.putBytes(noise(100, seed));
    await before.blobs.put(chunked(noise(50, 99)), refOf(noise(50, 99)), never());
    await before.trust.saveRoot(1, noise(10));
    await before.vault.create('link', noise(32, seed));
    const backup = await before.backups.make('before-1.0.0');
    disk.crash();
    const { database, blobs, trust, vault } = disk.open();
    assert.deepEqual(
      database.read(({ settings }) => settings.get('windows')),
      [seed],
    );
    assert.deepEqual(await blobs.readBytes(ref.sha256, 100), noise(100, seed));
    assert.equal(await blobs.has(refOf(noise(50, 99)).sha256), true);
    assert.deepEqual(await trust.load('root'), noise(10));
    assert.deepEqual(await vault.load('link'), noise(32, seed));
    assert.deepEqual(disk.backups, [backup]);
  }
});

test('a download goes on after a power cut with what is right of it, or is fetched again', async () => {
  const bytes = noise(3000);
  const expected = refOf(bytes);
  const offsets = new Set<string>();
  for (let seed = 1; seed <= 60; seed += 1) {
    const disk = newDisk(new SeededRandom(seed));
    const writer = await disk.open().blobs.resume(expected);
    await writer.write(bytes.subarray(0, 1000));
    await writer.suspend();
    const again = await disk.open().blobs.resume(expected);
    await again.write(bytes.subarray(1000, 2000));
    disk.crash('power');
    const { blobs } = disk.open();
    const third = await blobs.resume(expected);
    assert.ok(third.offset >= 1000, `seed ${seed} lost what was synced`);
    offsets.add(third.offset === 1000 ? 'synced' : third.offset === 2000 ? 'all' : 'part');
    await third.write(bytes.subarray(third.offset));
    const outcome = await third.commit().then(
      () => 'right',
      (error: unknown) => {
        assert.ok(contentError('HASH_MISMATCH')(error));
        return 'garbage';
      },
    );
    offsets.add(outcome);
    // Garbage is found and dropped; nothing wrong is ever visible.
    assert.equal(await blobs.has(expected.sha256), outcome === 'right');
    assert.deepEqual(disk.blobProblems(), []);
    if (outcome === 'garbage') await blobs.put(chunked(bytes), expected, never());
    assert.deepEqual(await blobs.readBytes(expected.sha256, 3000), bytes);
  }
  assert.deepEqual([...offsets].toSorted(), ['all', 'garbage', 'part', 'right', 'synced']);
});

test('a process that has ended gets no answer, has no effect, and hears of no commit', async () => {
  const disk = newDisk();
  const dead = disk.open();
  let heard = 0;
  dead.database.onCommit(() => (heard += 1));
  const writer = await dead.blobs.resume(refOf(noise(10)));
  const reading = dead.blobs.list()[Symbol.asyncIterator]();
  disk.crash('kill');
  const living = disk.open();
  let settled = 0;
  const count = (): number => (settled += 1);
  for (const promise of [
    dead.blobs.putBytes(noise(20)),
    dead.trust.save('root', noise(5)),
    dead.releases.current(product),
    writer.write(noise(10)),
    writer.commit(),
    reading.next(),
    Array.fromAsync(dead.blobs.list()),
  ]) {
    promise.then(count, count);
  }
  assert.throws(() => dead.database.read(() => 1), DeadProcess);
  assert.throws(() => dead.database.write(() => 1), DeadProcess);
  assert.throws(() => dead.blobs.pathOf(digest('0'.repeat(64))), DeadProcess);
  living.database.write(({ settings }) => settings.put('site', 1));
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.deepEqual([settled, heard], [0, 0]);
  assert.deepEqual([...disk.heldDigests()], []);
  assert.equal(await living.trust.load('root'), undefined);
});

test('an answer that is under way when the process dies never comes', async () => {
  const disk = newDisk();
  const { blobs, database } = disk.open();
  let settled = false;
  void blobs.putBytes(noise(10)).then(() => (settled = true));
  let heard = false;
  database.onCommit(() => (heard = true));
  database.write(({ settings }) => settings.put('a', 1));
  disk.crash('kill');
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.deepEqual([settled, heard], [false, false]);
  // The effect itself was there before the death.
  assert.equal(disk.heldDigests().size, 1);
});

test('a full disk refuses every write in the port’s own words, and loses nothing', async () => {
  const disk = newDisk();
  const { database, blobs, trust, vault, releases, backups } = disk.open();
  const ref = await blobs.putBytes(noise(10));
  database.write(({ settings }) => settings.put('kept', 1));
  disk.full = true;
  assert.throws(() => database.write(({ settings }) => settings.put('kept', 2)), { code: 'UNWRITABLE' });
  const ordered = nextEvent(undefined, { guid, site, event: 'ordered', at: 5, attempt: 1 });
  assert.throws(() => database.write(({ updates }) => updates.append(ordered)), { code: 'UNWRITABLE' });
  assert.equal(
    database.write(({ settings }) => settings.get('kept')),
    1,
  );
  await assert.rejects(blobs.putBytes(noise(11)), contentError('DISK_FULL'));
  await assert.rejects(blobs.put(chunked(noise(9)), refOf(noise(9)), never()), contentError('DISK_FULL'));
  const writer = await blobs.resume(refOf(noise(12)));
  await assert.rejects(writer.write(noise(12)), contentError('DISK_FULL'));
  await writer.suspend();
  await assert.rejects(trust.save('root', noise(3)), contentError('DISK_FULL'));
  await assert.rejects(vault.create('link', noise(3)), contentError('DISK_FULL'));
  await assert.rejects(backups.make('before-1.0.0'), { code: 'UNWRITABLE' });
  const file = { path: 'a', mode: 0o644 as const, ...ref, segments: [ref] };
  const staging = releases.stage(product, '1', { schema: 1, files: [file] }, () => undefined, never());
  await assert.rejects(staging, contentError('DISK_FULL'));
  assert.equal(await releases.freeBytes(), 0);
  disk.full = false;
  database.write(({ updates }) => updates.append(ordered));
  assert.deepEqual(await blobs.putBytes(noise(11)), refOf(noise(11)));
});

test('an image brings everything back, and a copy of a disk goes its own way', async () => {
  const disk = newDisk();
  const { database, blobs } = disk.open();
  database.write(({ records }) => records.putOwn('site-facts', 'all', { at: 1 }, 1));
  const ref = await blobs.putBytes(noise(10));
  const image = disk.image();
  database.write(({ records }) => records.putOwn('site-facts', 'all', { at: 2 }, 2));
  await blobs.remove(ref.sha256);
  assert.throws(() => disk.restore(image), RangeError);
  const clone = new SiteDisk({ site: image.site, random: new SeededRandom(2) }, image);
  disk.end();
  disk.restore(image);
  const factsOn = (one: SiteDisk): unknown =>
    one.read(({ records }) => records.get(site, 'site-facts', 'all')?.body);
  assert.deepEqual([factsOn(disk), factsOn(clone)], [{ at: 1 }, { at: 1 }]);
  assert.deepEqual([...disk.heldDigests()], [ref.sha256]);
  clone.open().database.write(({ records }) => records.putOwn('site-facts', 'all', { at: 7 }, 7));
  assert.deepEqual([factsOn(disk), factsOn(clone)], [{ at: 1 }, { at: 7 }]);
});

test('a restored backup of the database begins a higher epoch than either knew', async () => {
  const disk = newDisk();
  const { database, backups } = disk.open();
  database.write(({ settings }) => settings.put('mark', 'old'));
  const backup = await backups.make('before-1.0.0');
  database.write(({ settings, records }) => {
    settings.put('mark', 'new');
    records.raiseEpoch(4);
  });
  disk.crash('kill');
  assert.equal(disk.restoreDatabase(backup), 5);
  assert.equal(
    disk.read(({ settings }) => settings.get('mark')),
    'old',
  );
  assert.equal(disk.restoreDatabase(undefined, 9), 9);
  assert.equal(
    disk.open().database.read(({ records }) => records.epoch()),
    9,
  );
});

test('only the newest three backups of a family are kept', async () => {
  const disk = newDisk();
  const { backups } = disk.open();
  for (const name of ['before-4', 'before-3', 'before-2', 'nightly-1', 'before-1', 'before-2']) {
    await backups.make(name);
  }
  assert.deepEqual(
    disk.backups.map((path) => path.slice(path.lastIndexOf('/') + 1)),
    ['before-3.db', 'nightly-1.db', 'before-1.db', 'before-2.db'],
  );
});

test('a flipped bit at rest is found by whoever verifies', async () => {
  const disk = newDisk();
  const { blobs, compute } = disk.open();
  const ref = await blobs.putBytes(noise(100));
  assert.equal(disk.corrupt(refOf(noise(5)).sha256), false);
  assert.equal(disk.corrupt(ref.sha256), true);
  assert.deepEqual(disk.blobProblems(), [ref.sha256]);
  await assert.rejects(blobs.readBytes(ref.sha256, 100), contentError('HASH_MISMATCH'));
  assert.notEqual((await compute.hashFile(blobs.pathOf(ref.sha256), never())).sha256, ref.sha256);
});
