import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, link, mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { treeProblems } from '@sallyport/core/domain/content/tree-rules';
import { parseTree } from '@sallyport/core/wire/tree';
import { never, noise, refOf } from '../../../test-support/bytes.ts';
import { type TarEntry, tarball } from '../../../test-support/tarball.ts';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { type BuiltTree, buildTree } from './build-tree.ts';
import type { PayloadLimits, PayloadSource } from './payload-source.ts';

async function folderOf(
  t: TestContext,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const folder = await temporaryFolder(t);
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

async function tarOf(
  t: TestContext,
  entries: readonly TarEntry[],
  compression?: 'none' | 'gzip' | 'zstd',
): Promise<string> {
  const path = join(await temporaryFolder(t), 'payload.tar');
  await writeFile(path, await tarball(entries, compression));
  return path;
}

const build = (blobs: MemoryBlobs, ...sources: PayloadSource[]): Promise<BuiltTree> =>
  buildTree({ sources }, { blobs }, never());

async function built(
  blobs: MemoryBlobs,
  ...sources: PayloadSource[]
): Promise<Extract<BuiltTree, { kind: 'built' }>> {
  const answer = await build(blobs, ...sources);
  assert.ok(answer.kind === 'built', JSON.stringify(answer));
  return answer;
}

/** The problems of payload that is refused, without the folder of this test; nothing must have been stored. */
async function problemsOf(
  sources: PayloadSource | readonly PayloadSource[],
  limits?: PayloadLimits,
): Promise<readonly string[]> {
  const blobs = new MemoryBlobs();
  const list = [sources].flat();
  const answer = await buildTree(
    { sources: list, ...(limits === undefined ? {} : { limits }) },
    { blobs },
    never(),
  );
  assert.ok(answer.kind === 'refused', JSON.stringify(answer));
  assert.deepEqual(await Array.fromAsync(blobs.list()), []);
  assert.ok(answer.problems.every(({ remedy }) => remedy !== ''));
  return answer.problems.map(
    ({ path, problem }) =>
      `${list.reduce((text, source) => text.replaceAll(source.path, '@'), path)} ${problem}`,
  );
}

test('a folder becomes a tree whose segments are held, whatever its times and owners', async (t) => {
  const files = {
    'b.txt': 'bee',
    'a/x': 'exe',
    'a.txt': 'eh',
    empty: '',
    Z: 'last in English, first by code unit',
  };
  const folder = await folderOf(t, files);
  await mkdir(join(folder, 'void'));
  await chmod(join(folder, 'a/x'), 0o700);
  const blobs = new MemoryBlobs();
  const first = await built(blobs, { kind: 'folder', path: folder });
  assert.deepEqual(
    first.tree.files.map(({ path, mode, sizeBytes }) => `${path} ${mode.toString(8)} ${String(sizeBytes)}`),
    ['Z 644 35', 'a.txt 644 2', 'a/x 755 3', 'b.txt 644 3', 'empty 644 0'],
  );
  assert.deepEqual([first.fileCount, first.totalBytes], [5, 43]);
  assert.deepEqual(treeProblems(first.tree), []);
  assert.deepEqual(parseTree(await blobs.readBytes(first.ref.sha256, 10_000)), first.tree);
  assert.deepEqual(
    await blobs.readBytes(refOf(Buffer.from('bee')).sha256, 10),
    new Uint8Array(Buffer.from('bee')),
  );

  await utimes(join(folder, 'b.txt'), 1, 1);
  await chmod(join(folder, 'b.txt'), 0o400);
  assert.deepEqual((await built(new MemoryBlobs(), { kind: 'folder', path: folder })).ref, first.ref);
});

test('the same files give the same tree from a folder and from tarballs of every kind', async (t) => {
  const folder = await folderOf(t, { 'lib/a.js': 'let a;', 'bin/run': 'go', 'package.json': '{}' });
  await chmod(join(folder, 'bin/run'), 0o755);
  const { ref } = await built(new MemoryBlobs(), { kind: 'folder', path: folder });
  const entries: TarEntry[] = [
    { name: 'package/', type: 'directory', mode: 0o755 },
    { name: 'package/package.json', mode: 0o600, mtime: new Date(5), uid: 7, bytes: Buffer.from('{}') },
    { name: './package/bin/run', mode: 0o711, bytes: Buffer.from('go') },
    { name: 'package/lib/a.js', type: 'contiguous-file', bytes: Buffer.from('let a;') },
  ];
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    const path = await tarOf(t, entries, compression);
    assert.deepEqual(
      (await built(new MemoryBlobs(), { kind: 'tarball', path, strip: 1 })).ref,
      ref,
      compression,
    );
  }
});

test('several sources go where they are told, and only what is accepted', async (t) => {
  const folder = await folderOf(t, { 'docs/a.md': 'a', 'docs/b.map': 'b', 'docs/link-elsewhere.map': 'c' });
  const path = await tarOf(t, [{ name: 'package/tool', bytes: Buffer.from('t') }]);
  const { tree } = await built(
    new MemoryBlobs(),
    { kind: 'folder', path: folder, strip: 1, into: 'share/doc', accepts: (name) => !name.endsWith('.map') },
    { kind: 'tarball', path, strip: 1, into: 'bin' },
  );
  assert.deepEqual(
    tree.files.map((file) => file.path),
    ['bin/tool', 'share/doc/a.md'],
  );
});

test('every problem of a tarball is reported at once, and nothing is stored', async (t) => {
  const path = await tarOf(t, [
    { name: '../evil', bytes: Buffer.from('x') },
    { name: 'package/../../evil', bytes: Buffer.from('x') },
    { name: '/etc/passwd', bytes: Buffer.from('x') },
    { name: 'package/back\\slash', bytes: Buffer.from('x') },
    { name: 'package/soft', type: 'symlink', linkname: '/etc/passwd' },
    { name: 'package/hard', type: 'link', linkname: 'package/good' },
    { name: 'package/dev', type: 'character-device' },
    { name: 'package/blk', type: 'block-device' },
    { name: 'package/fifo', type: 'fifo' },
    { name: 'package', bytes: Buffer.from('x') },
    { name: 'package/good', bytes: Buffer.from('x') },
    { name: 'package/Good', bytes: Buffer.from('x') },
    { name: 'package/good', bytes: Buffer.from('y') },
    { name: 'package/good/below', bytes: Buffer.from('y') },
  ]);
  assert.deepEqual(await problemsOf({ kind: 'tarball', path, strip: 1 }), [
    '@: ../evil has a part ".."',
    '@: package/../../evil has a part ".."',
    '@: /etc/passwd is absolute',
    '@: package/back\\slash has a backslash',
    '@: package/soft is a symbolic link',
    '@: package/hard is a hard link',
    '@: package/dev is a device',
    '@: package/blk is a device',
    '@: package/fifo is a pipe',
    '@: package has no more than the 1 leading parts that are left out',
    '@: package/Good differs from "good" only in upper and lower case or in Unicode composition',
    '@: package/good is there twice',
    '@: package/good/below "good" is a file and a folder at once',
  ]);
});

test('links and pipes in a folder are refused and never followed; hard links are files', async (t) => {
  const folder = await folderOf(t, { 'a/file': 'x' });
  const outside = await folderOf(t, { secret: 'do not publish' });
  await symlink(join(outside, 'secret'), join(folder, 'to-file'));
  await symlink(outside, join(folder, 'a/to-folder'));
  await symlink('nowhere', join(folder, 'to-nothing'));
  await link(join(folder, 'a/file'), join(folder, 'a/same'));
  const expected = [
    '@: a/to-folder is a symbolic link',
    '@: to-file is a symbolic link',
    '@: to-nothing is a symbolic link',
  ];
  if (process.platform !== 'win32') {
    spawnSync('mkfifo', [join(folder, 'zpipe')]);
    expected.push('@: zpipe is a device, pipe or socket');
  }
  assert.deepEqual(await problemsOf({ kind: 'folder', path: folder }), expected);
});

test('the same path from two sources is refused', async (t) => {
  const one = await folderOf(t, { 'a/file': 'x' });
  const two = await folderOf(t, { 'A/file': 'x', other: 'y' });
  const [problem, ...more] = await problemsOf([
    { kind: 'folder', path: one },
    { kind: 'folder', path: two },
  ]);
  assert.match(problem ?? '', /A\/file differs from "a" only in upper and lower case/);
  assert.equal(more.length, 1);
});

test('files that are no tar files, are cut off or are not there are refused', async (t) => {
  const whole = await tarball([{ name: 'a', bytes: noise(5000) }]);
  const folder = await folderOf(t, {
    text: 'not a tar file '.repeat(100),
    cut: whole.subarray(0, 3000),
    short: gzipSync(noise(700)),
    nothing: '',
  });
  const plain = await tarball([{ name: 'a', bytes: noise(5000) }], 'none');
  await writeFile(join(folder, 'cut-plain'), plain.subarray(0, 2000));
  for (const name of ['text', 'cut', 'short', 'cut-plain', 'missing']) {
    const problems = await problemsOf({ kind: 'tarball', path: join(folder, name) });
    assert.match(problems.join(), /^@ is no complete tar file, or cannot be read/, name);
  }
  assert.match(
    (await problemsOf({ kind: 'tarball', path: join(folder, 'nothing') })).join(),
    /no files|no complete/,
  );
  assert.match(
    (await problemsOf({ kind: 'folder', path: join(folder, 'missing') })).join(),
    /^@ cannot be read/,
  );
  assert.match(
    (await problemsOf({ kind: 'folder', path: join(folder, 'text') })).join(),
    /^@ cannot be read/,
  );
});

test('a source with nothing to publish, or a place outside the release, is refused', async (t) => {
  const folder = await folderOf(t, { a: 'x' });
  assert.deepEqual(await problemsOf({ kind: 'folder', path: folder, accepts: () => false }), [
    '@ has no files to publish',
  ]);
  assert.deepEqual(await problemsOf({ kind: 'folder', path: folder, into: '../..' }), [
    '@ goes into "../..", which has a part ".."',
  ]);
});

test('bombs end early: by entries, by bytes, and by what they unpack to', async (t) => {
  const limits = { entriesMax: 3, totalBytesMax: 2_000_000 };
  const many = await folderOf(
    t,
    Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`f${String(index)}`, 'x'])),
  );
  assert.deepEqual(await problemsOf({ kind: 'folder', path: many }, limits), [
    '@ goes beyond the 3 entries that a package may have',
  ]);
  const large = await folderOf(t, { large: '' });
  await truncate(join(large, 'large'), 3_000_000);
  assert.deepEqual(await problemsOf({ kind: 'folder', path: large }, limits), [
    '@ goes beyond the 2000000 bytes that a package may have',
  ]);
  const bomb = join(large, 'bomb.tgz');
  const small = await tarball([{ name: 'a', bytes: noise(10) }], 'none');
  await writeFile(bomb, gzipSync(Buffer.concat([small, new Uint8Array(5_000_000)])));
  assert.deepEqual(await problemsOf({ kind: 'tarball', path: bomb }, limits), [
    '@ unpacks to more than 2000000 bytes',
  ]);
});

test('building can be cancelled', async (t) => {
  const folder = await folderOf(t, { a: 'x', b: 'y' });
  const reason = new Error('enough');
  await assert.rejects(
    buildTree(
      { sources: [{ kind: 'folder', path: folder }] },
      { blobs: new MemoryBlobs() },
      AbortSignal.abort(reason),
    ),
    reason,
  );
});

test('a large file is cut into segments that are the file again', async (t) => {
  const bytes = noise(40 * 1024 * 1024, 3);
  const folder = await folderOf(t, { large: bytes });
  const blobs = new MemoryBlobs();
  const { tree } = await built(blobs, { kind: 'folder', path: folder });
  const [file] = tree.files;
  assert.ok(file !== undefined && file.segments.length > 1);
  assert.equal(file.sha256, refOf(bytes).sha256);
  const parts = await Promise.all(
    file.segments.map((segment) => blobs.readBytes(segment.sha256, segment.sizeBytes)),
  );
  assert.ok(Buffer.concat(parts).equals(bytes));
  assert.deepEqual(treeProblems(tree), []);
});

test('progress ends at all bytes and files', async (t) => {
  const folder = await folderOf(t, { a: 'xx', b: 'yyy' });
  const told: unknown[] = [];
  await buildTree(
    { sources: [{ kind: 'folder', path: folder }] },
    { blobs: new MemoryBlobs() },
    never(),
    (progress) => told.push(progress),
  );
  assert.deepEqual(told.at(-1), { doneBytes: 5, totalBytes: 5, files: 2 });
});
