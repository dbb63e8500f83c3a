import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { BlobRef, Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import { digest, packageGuid, productId } from '@sallyport/core/shared/ids';
import type { CurrentRelease } from '../../ports/releases.ts';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { releasesSuite } from '../test-support/releases-suite.ts';
import type { ReleaseFilesPorts } from './release-files.ts';
import { FileReleases } from './releases.ts';

const product = productId('compiler');
const guidA = packageGuid('00000000-0000-4000-8000-00000000000a');
const guidB = packageGuid('00000000-0000-4000-8000-00000000000b');
const never = new AbortController().signal;
const posixOnly = process.platform === 'win32' ? { skip: 'modes are kept on POSIX systems' } : {};
releasesSuite('in folders', async (t) => {
  let folder = '';
  // Registered first, so that it runs before the folder is removed.
  t.after(() => makeWritable(folder));
  const blobs = await temporaryFolder(t);
  folder = await temporaryFolder(t);
  const pathOf = (sha256: string): string => join(blobs, sha256);
  const open = (): FileReleases =>
    new FileReleases({
      folder,
      blobs: {
        pathOf,
        read: (sha256) => createReadStream(pathOf(sha256)),
        remove: (sha256) => rm(pathOf(sha256), { force: true }),
        sizeOf: async (sha256) => (await stat(pathOf(sha256)).catch(() => undefined))?.size,
      },
      compute: { hashFile: async (path) => refOf(await readFile(path)) },
    });
  return {
    releases: open(),
    reopen: open,
    hold: (blob, bytes) => writeFile(pathOf(blob.sha256), bytes),
    isHeld: async (blob) => (await readdir(blobs)).includes(blob.sha256),
    damageFile: async (path, bytes) => {
      await chmod(path, 0o644);
      await writeFile(path, bytes);
      await chmod(path, 0o444);
    },
  };
});

let root: string;
let ports: ReleaseFilesPorts;
let releases: FileReleases;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-releases-'));
  const blobs = join(root, 'blobs');
  await mkdir(blobs);
  ports = {
    blobs: {
      pathOf: (sha256) => join(blobs, sha256),
      read: (sha256) => createReadStream(join(blobs, sha256)),
      remove: (sha256) => rm(join(blobs, sha256), { force: true }),
      sizeOf: async (sha256) => (await stat(join(blobs, sha256)).catch(() => undefined))?.size,
    },
    compute: { hashFile: async (path) => refOf(await readFile(path)) },
  };
  releases = new FileReleases({ folder: join(root, 'products'), ...ports });
});

afterEach(async () => {
  await makeWritable(root);
  await rm(root, { recursive: true, force: true });
});

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}

function refOf(bytes: Uint8Array): BlobRef {
  return { sha256: digest(createHash('sha256').update(bytes).digest('hex')), sizeBytes: bytes.length };
}

async function hold(bytes: Uint8Array): Promise<BlobRef> {
  const ref = refOf(bytes);
  await writeFile(ports.blobs.pathOf(ref.sha256), bytes);
  return ref;
}

async function fileOf(
  path: string,
  parts: readonly string[],
  mode: TreeFile['mode'] = 0o644,
): Promise<TreeFile> {
  const segments = await Promise.all(parts.map((part) => hold(Buffer.from(part))));
  return { path, mode, ...refOf(Buffer.from(parts.join(''))), segments };
}

async function sampleTree(): Promise<Tree> {
  return {
    schema: 1,
    files: [
      await fileOf('bin/tool', ['#!/bin/sh\necho 1\n'], 0o755),
      await fileOf('empty', []),
      await fileOf('lib/deep/big.txt', ['first segment,', 'second segment']),
      await fileOf('readme.md', ['hello']),
    ],
  };
}

const stage = (tree: Tree, folder = '1.0.0'): Promise<void> =>
  releases.stage(product, folder, tree, () => undefined, never);

function releaseOf(folder: string, guid = guidA): CurrentRelease {
  return { product, guid, version: folder, folder, treeSha256: 'a'.repeat(64), installed: [guid] };
}

test('a staged release holds exactly the tree, read-only', posixOnly, async () => {
  const done: number[] = [];
  const tree = await sampleTree();
  await releases.stage(product, '1.0.0', tree, (bytes) => done.push(bytes), never);
  const path = releases.pathOf(product, '1.0.0');
  assert.equal(await readFile(join(path, 'lib/deep/big.txt'), 'utf8'), 'first segment,second segment');
  assert.equal((await stat(join(path, 'bin/tool'))).mode & 0o777, 0o555);
  assert.equal((await stat(join(path, 'readme.md'))).mode & 0o777, 0o444);
  assert.equal((await stat(join(path, 'lib'))).mode & 0o777, 0o555);
  assert.deepEqual(await releases.verify(product, '1.0.0', tree, never), []);
  assert.deepEqual(await releases.list(product), ['1.0.0']);
  assert.equal(
    done.at(-1),
    tree.files.reduce((sum, file) => sum + file.sizeBytes, 0),
  );
});

test('writing into a release does not change the blob it was made from', async () => {
  const tree = await sampleTree();
  await stage(tree);
  const path = join(releases.pathOf(product, '1.0.0'), 'readme.md');
  await chmod(path, 0o644);
  await writeFile(path, 'HELLO');
  const blob = tree.files.find((file) => file.path === 'readme.md')?.segments[0];
  assert.equal(await readFile(ports.blobs.pathOf(blob?.sha256 ?? digest('')), 'utf8'), 'hello');
});

test(
  'verify names every path that differs, is missing, is too many, or has another mode',
  posixOnly,
  async () => {
    const tree = await sampleTree();
    await stage(tree);
    const path = releases.pathOf(product, '1.0.0');
    await makeWritable(path);
    await chmod(join(path, 'readme.md'), 0o644);
    await writeFile(join(path, 'readme.md'), 'jello');
    await rm(join(path, 'empty'));
    await mkdir(join(path, 'extra'));
    await writeFile(join(path, 'lib/stray'), '');
    await chmod(join(path, 'bin/tool'), 0o444);
    assert.deepEqual(await releases.verify(product, '1.0.0', tree, never), [
      'bin/tool',
      'empty',
      'extra',
      'lib/stray',
      'readme.md',
    ]);
    assert.deepEqual(
      await releases.verify(product, '9.9.9', tree, never),
      tree.files.map((file) => file.path),
    );
  },
);

test('a link in place of a file differs, even when it leads to the right bytes', posixOnly, async () => {
  const tree = await sampleTree();
  await stage(tree);
  const path = releases.pathOf(product, '1.0.0');
  await makeWritable(path);
  await rm(join(path, 'readme.md'));
  await writeFile(join(root, 'elsewhere'), 'hello');
  await symlink(join(root, 'elsewhere'), join(path, 'readme.md'));
  assert.deepEqual(await releases.verify(product, '1.0.0', tree, never), ['readme.md']);
});

test('goes on with what a killed staging left: right files stay, wrong ones and strangers go', async () => {
  const tree = await sampleTree();
  const staging = join(root, 'products', product, 'releases', '.staging-1.0.0');
  await mkdir(join(staging, 'old'), { recursive: true });
  await writeFile(join(staging, 'readme.md'), 'hello');
  await writeFile(join(staging, 'empty'), 'not empty');
  await writeFile(join(staging, 'old/file'), '');
  const before = (await lstat(join(staging, 'readme.md'))).ino;
  await stage(tree);
  assert.deepEqual(await releases.verify(product, '1.0.0', tree, never), []);
  assert.equal((await lstat(join(releases.pathOf(product, '1.0.0'), 'readme.md'))).ino, before);
});

test('staging again repairs a release that was damaged, and refuses to when it is in force', async () => {
  const tree = await sampleTree();
  await stage(tree);
  const file = join(releases.pathOf(product, '1.0.0'), 'readme.md');
  await chmod(file, 0o644);
  await writeFile(file, 'jello');
  await stage(tree);
  assert.equal(await readFile(file, 'utf8'), 'hello');
  await stage(tree);
  await releases.switchTo(releaseOf('1.0.0'));
  await chmod(file, 0o644);
  await writeFile(file, 'jello');
  await assert.rejects(stage(tree), { code: 'IN_USE' });
  assert.equal(await readFile(file, 'utf8'), 'jello');
});

test('refuses a damaged segment, removes it from the library, and leaves no release', async () => {
  for (const path of ['readme.md', 'lib/deep/big.txt']) {
    const tree = await sampleTree();
    const blob = tree.files.find((file) => file.path === path)?.segments[0];
    assert.ok(blob);
    await writeFile(ports.blobs.pathOf(blob.sha256), 'x'.repeat(blob.sizeBytes));
    await assert.rejects(stage(tree), { code: 'HASH_MISMATCH' });
    assert.equal(await ports.blobs.sizeOf(blob.sha256), undefined);
    assert.deepEqual(await releases.list(product), []);
    await assert.rejects(stage(tree), { code: 'NOT_HELD' });
    await hold(Buffer.from(path === 'readme.md' ? 'hello' : 'first segment,'));
    await stage(tree);
    await releases.remove(product, '1.0.0');
  }
});

test('where one segment is damaged, every other one that is goes with it: one replication mends all', async () => {
  const tree = await sampleTree();
  const segments = tree.files.flatMap((file) => file.segments);
  const damaged = segments.filter((_, index) => index % 2 === 0);
  assert.ok(damaged.length >= 2);
  for (const { sha256, sizeBytes } of damaged)
    await writeFile(ports.blobs.pathOf(sha256), 'x'.repeat(sizeBytes));
  await assert.rejects(stage(tree), { code: 'HASH_MISMATCH' });
  for (const segment of segments) {
    const held = (await ports.blobs.sizeOf(segment.sha256)) !== undefined;
    assert.equal(held, !damaged.includes(segment));
  }
});

test('refuses trees whose paths would leave the release', async () => {
  const [file] = (await sampleTree()).files;
  assert.ok(file);
  for (const path of ['../out', '/etc/passwd', 'a/../../out', 'a\\b', 'C:/x', '']) {
    await assert.rejects(stage({ schema: 1, files: [{ ...file, path }] }), { code: 'BAD_PATH' });
  }
  for (const folder of ['..', '.staging-x', 'a/b', '', 'x.']) {
    await assert.rejects(stage({ schema: 1, files: [file] }, folder), { code: 'BAD_NAME' });
  }
  assert.deepEqual(await readdir(root), ['blobs']);
});

test('a damaged pointer is an error that names the file', async () => {
  const path = join(root, 'products', product, 'current.json');
  await mkdir(dirname(path), { recursive: true });
  for (const text of ['', '{}', '{"schema":1,"product":"compiler"}', 'null', '{"schema":1']) {
    await writeFile(path, text);
    await assert.rejects(releases.current(product), (failure: Error & { code: string }) => {
      assert.equal(failure.code, 'BAD_POINTER');
      assert.match(failure.message, /current\.json/);
      return true;
    });
  }
});

test('remove takes the release and what staging left, but never the release in force', async () => {
  const tree = await sampleTree();
  await stage(tree);
  await stage(tree, '2.0.0');
  await releases.switchTo(releaseOf('2.0.0', guidB));
  await releases.remove(product, '1.0.0');
  await assert.rejects(releases.remove(product, '2.0.0'), { code: 'IN_USE' });
  await releases.remove(product, 'never-there');
  assert.deepEqual(await releases.list(product), ['2.0.0']);
  assert.deepEqual(await readdir(join(root, 'products', product, 'releases')), ['2.0.0']);
});
