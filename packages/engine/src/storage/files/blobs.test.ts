import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { blobsConformance } from '../../../test-support/blobs-conformance.ts';
import { chunked, collected, flipped, never, noise, refOf } from '../../../test-support/bytes.ts';
import { contentError } from '../../../test-support/content-errors.ts';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import type { OpenFile } from './blob-files.ts';
import { FileBlobs } from './blobs.ts';

const bytes = noise(700_000);
const ref = refOf(bytes);

blobsConformance('files', async (t) => {
  const folder = await temporaryFolder(t);
  const blobs = await FileBlobs.open({ folder });
  return {
    blobs,
    writeAt: (path, written) => writeFile(path, written),
    damage: async (held, changed) => {
      await chmod(blobs.pathOf(held.sha256), 0o644);
      await writeFile(blobs.pathOf(held.sha256), changed);
    },
  };
});

test('blobs lie read-only in the OCI layout, and nothing else is left', async (t) => {
  const folder = await temporaryFolder(t);
  const blobs = await FileBlobs.open({ folder });
  await blobs.put(chunked(bytes), ref, never());
  const path = join(folder, 'blobs', 'sha256', ref.sha256);
  assert.equal(blobs.pathOf(ref.sha256), path);
  assert.deepEqual(new Uint8Array(await readFile(path)), bytes);
  assert.equal((await stat(path)).mode & 0o777, 0o444);
  assert.deepEqual(await readdir(join(folder, 'partial')), []);
});

test('files that are no blobs are not listed', async (t) => {
  const folder = await temporaryFolder(t);
  const blobs = await FileBlobs.open({ folder });
  await blobs.putBytes(bytes);
  await writeFile(join(folder, 'blobs', 'sha256', 'README'), 'hello');
  assert.deepEqual(await Array.fromAsync(blobs.list()), [ref]);
});

test('a byte that flips in the partial while nobody runs ends in HASH_MISMATCH, and the next attempt begins anew', async (t) => {
  const folder = await temporaryFolder(t);
  const before = await FileBlobs.open({ folder });
  const writer = await before.resume(ref);
  await writer.write(bytes.subarray(0, 400_000));
  await writer.suspend();
  const path = join(folder, 'partial', ref.sha256);
  await writeFile(path, flipped(await readFile(path), 1234));

  const blobs = await FileBlobs.open({ folder });
  const resumed = await blobs.resume(ref);
  assert.equal(resumed.offset, 400_000);
  await resumed.write(bytes.subarray(400_000));
  await assert.rejects(resumed.commit(), contentError('HASH_MISMATCH'));
  assert.deepEqual(await readdir(join(folder, 'partial')), []);
  const again = await blobs.resume(ref);
  assert.equal(again.offset, 0);
  await again.write(bytes);
  await again.commit();
  assert.equal(await blobs.has(ref.sha256), true);
});

test('a partial longer than its blob is dropped', async (t) => {
  const folder = await temporaryFolder(t);
  const blobs = await FileBlobs.open({ folder });
  await writeFile(join(folder, 'partial', ref.sha256), noise(700_001));
  const writer = await blobs.resume(ref);
  assert.equal(writer.offset, 0);
  await writer.discard();
});

test('a writer that is killed leaves bytes to go on with', async (t) => {
  const folder = await temporaryFolder(t);
  const script = `
    import { FileBlobs } from ${JSON.stringify(new URL('./blobs.ts', import.meta.url).href)};
    import { noise, refOf } from ${JSON.stringify(new URL('../../../test-support/bytes.ts', import.meta.url).href)};
    const bytes = noise(700_000);
    const blobs = await FileBlobs.open({ folder: process.argv[1] });
    const writer = await blobs.resume(refOf(bytes));
    await writer.write(bytes.subarray(0, 300_000));
    process.stdout.write('written');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');

  const blobs = await FileBlobs.open({ folder });
  const writer = await blobs.resume(ref);
  assert.equal(writer.offset, 300_000);
  await writer.write(bytes.subarray(300_000));
  await writer.commit();
  assert.deepEqual(await collected(blobs.read(ref.sha256)), bytes);
});

test('a held file that was cut off is replaced by the next put', async (t) => {
  const folder = await temporaryFolder(t);
  const blobs = await FileBlobs.open({ folder });
  await blobs.putBytes(bytes);
  await chmod(blobs.pathOf(ref.sha256), 0o644);
  await writeFile(blobs.pathOf(ref.sha256), bytes.subarray(0, 10));
  await blobs.put(chunked(bytes), ref, never());
  assert.deepEqual(await blobs.readBytes(ref.sha256, ref.sizeBytes), bytes);
});

test('temporary files of processes that ended go after an hour, fresh ones stay', async (t) => {
  const folder = await temporaryFolder(t);
  const blobs = await FileBlobs.open({ folder });
  const old = join(folder, 'partial', 'put-old');
  await writeFile(old, 'left');
  await writeFile(join(folder, 'partial', 'put-fresh'), 'written by somebody else');
  await utimes(old, 1_000_000, 1_000_000);
  assert.equal(await blobs.dropPartials(() => false), 4);
  assert.deepEqual(await readdir(join(folder, 'partial')), ['put-fresh']);
});

/** Opens files whose writes fail with `code` once `bytesLeft` are written. */
function failing(code: string, bytesLeft: number): OpenFile {
  return async (path, flags, mode) => {
    const file = await open(path, flags, mode);
    const write = file.write.bind(file) as (
      chunk: Uint8Array,
      from: number,
      length: number,
      at: number,
    ) => ReturnType<typeof file.write>;
    let left = bytesLeft;
    const limited = async (chunk: Uint8Array, from: number, length: number, at: number): Promise<unknown> => {
      if (left === 0) {
        throw Object.assign(new Error(`${code}: write`), { code });
      }
      const some = Math.min(left, length);
      left -= some;
      return write(chunk, from, some, at);
    };
    return Object.assign(file, { write: limited as typeof file.write });
  };
}

for (const [code, expected] of [
  ['ENOSPC', 'DISK_FULL'],
  ['EROFS', 'READ_ONLY'],
  ['EIO', 'DISK_FAILED'],
] as const) {
  test(`${code} is ${expected}, names the place, and loses nothing that was there`, async (t) => {
    const folder = await temporaryFolder(t);
    const blobs = await FileBlobs.open({ folder, open: failing(code, 250_000) });
    await assert.rejects(blobs.put(chunked(bytes), ref, never()), contentError(expected));
    assert.deepEqual(await readdir(join(folder, 'partial')), []);

    const writer = await blobs.resume(ref);
    await writer.write(bytes.subarray(0, 200_000));
    await assert.rejects(
      writer.write(bytes.subarray(200_000)),
      (thrown: Error) => contentError(expected)(thrown) && thrown.message.includes(folder),
    );
    await assert.rejects(writer.write(bytes.subarray(200_000)), contentError('CLOSED'));
    await writer.suspend();

    const roomy = await FileBlobs.open({ folder });
    const again = await roomy.resume(ref);
    assert.equal(again.offset, 200_000);
    await again.write(bytes.subarray(200_000));
    await again.commit();
    assert.equal(await roomy.has(ref.sha256), true);
  });
}

test('a folder that may not be written is named with a remedy', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'blobs'), 'a file where a folder should be');
  await assert.rejects(FileBlobs.open({ folder }), contentError('DISK_FAILED'));
});
