import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { BlobRef, Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import { digest, packageGuid, productId } from '@sallyport/core/shared/ids';
import type { CurrentRelease, Releases } from '../../ports/releases.ts';

/** How the suite makes releases of the kind under test, and reaches what they are built from. */
export interface ReleasesUnderTest {
  readonly releases: Releases;
  /** The same as a process finds them that was started after the one before was killed. */
  readonly reopen: () => Releases;
  /** Puts a blob into the content library that releases are built from. */
  readonly hold: (blob: BlobRef, bytes: Uint8Array) => Promise<void>;
  readonly isHeld: (blob: BlobRef) => Promise<boolean>;
  /** Changes a file of a release behind its back. */
  readonly damageFile: (path: string, bytes: Uint8Array) => Promise<void>;
}

const product = productId('compiler');
const guidA = packageGuid('00000000-0000-4000-8000-00000000000a');
const guidB = packageGuid('00000000-0000-4000-8000-00000000000b');
const never = new AbortController().signal;

/** The promises of the port `Releases`, to be run on each of its adapters. */
export function releasesSuite(kind: string, make: (t: TestContext) => Promise<ReleasesUnderTest>): void {
  test(`${kind}: a staged release is complete, and only then has its name`, async (t) => {
    const { releases, hold, reopen } = await make(t);
    const tree = await sampleTree(hold);
    const done: number[] = [];
    await stage(releases, tree, '1.0.0', (bytes) => done.push(bytes));
    assert.deepEqual(await releases.verify(product, '1.0.0', tree, never), []);
    assert.deepEqual(await releases.list(product), ['1.0.0']);
    assert.equal(
      done.at(-1),
      tree.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    );
    assert.deepEqual(await reopen().verify(product, '1.0.0', tree, never), []);
  });

  test(`${kind}: what is cut short leaves no release, and is finished when asked again`, async (t) => {
    const under = await make(t);
    const tree = await sampleTree(under.hold);
    const abort = new AbortController();
    const cut = under.releases.stage(
      product,
      '1.0.0',
      tree,
      () => abort.abort(new Error('stop')),
      abort.signal,
    );
    await assert.rejects(cut, /stop/);
    assert.deepEqual(await under.releases.list(product), []);
    const again = under.reopen();
    assert.deepEqual(await again.list(product), []);
    await stage(again, tree);
    assert.deepEqual(await again.verify(product, '1.0.0', tree, never), []);
  });

  test(`${kind}: what is damaged is named, repaired by staging again, and left alone while in force`, async (t) => {
    const { releases, hold, damageFile } = await make(t);
    const tree = await sampleTree(hold);
    await stage(releases, tree);
    const path = `${releases.pathOf(product, '1.0.0')}/readme.md`;
    await damageFile(path, Buffer.from('jello'));
    assert.deepEqual(await releases.verify(product, '1.0.0', tree, never), ['readme.md']);
    await stage(releases, tree);
    assert.deepEqual(await releases.verify(product, '1.0.0', tree, never), []);
    await releases.switchTo(releaseOf('1.0.0'));
    await damageFile(path, Buffer.from('jello'));
    await assert.rejects(stage(releases, tree), { code: 'IN_USE' });
    assert.deepEqual(await releases.verify(product, '1.0.0', tree, never), ['readme.md']);
    assert.deepEqual(
      await releases.verify(product, '9.9.9', tree, never),
      tree.files.map((file) => file.path),
    );
  });

  test(`${kind}: a damaged segment is refused and dropped from the library; one that lacks is told`, async (t) => {
    const { releases, hold, isHeld } = await make(t);
    for (const path of ['readme.md', 'lib/deep/big.txt']) {
      const tree = await sampleTree(hold);
      const blob = tree.files.find((file) => file.path === path)?.segments[0];
      assert.ok(blob);
      const right = Buffer.from(path === 'readme.md' ? 'hello' : 'first segment,');
      await hold(
        blob,
        right.map((byte) => byte ^ 1),
      );
      await assert.rejects(stage(releases, tree), { code: 'HASH_MISMATCH' });
      assert.equal(await isHeld(blob), false);
      await assert.rejects(stage(releases, tree), { code: 'NOT_HELD' });
      assert.deepEqual(await releases.list(product), []);
      await hold(blob, right);
      await stage(releases, tree);
      await releases.remove(product, '1.0.0');
    }
  });

  test(`${kind}: the pointer names what it was switched to, and never a release that is missing`, async (t) => {
    const { releases, hold, reopen } = await make(t);
    assert.equal(await releases.current(product), undefined);
    assert.deepEqual(await releases.products(), []);
    await assert.rejects(releases.switchTo(releaseOf('1.0.0')), { code: 'MISSING' });
    await stage(releases, await sampleTree(hold));
    await releases.switchTo(releaseOf('1.0.0'));
    assert.deepEqual(await releases.current(product), releaseOf('1.0.0'));
    const again = reopen();
    assert.deepEqual(await again.current(product), releaseOf('1.0.0'));
    assert.deepEqual(await again.products(), [product]);
  });

  test(`${kind}: two builds of one version have two folders, the same ones every time`, async (t) => {
    const { releases, reopen } = await make(t);
    assert.equal(await releases.folderFor(product, guidA, '1.0.0'), '1.0.0');
    assert.equal(await releases.folderFor(product, guidB, '1.0.0'), `1.0.0-${guidB}`);
    const again = reopen();
    assert.equal(await again.folderFor(product, guidA, '1.0.0'), '1.0.0');
    await again.remove(product, '1.0.0');
    assert.equal(await again.folderFor(product, guidB, '1.0.0'), `1.0.0-${guidB}`);
    assert.equal(await again.folderFor(product, guidA, '../../1'), guidA);
    assert.deepEqual(await again.list(product), []);
  });

  test(`${kind}: a release is removed, but never the one in force`, async (t) => {
    const { releases, hold } = await make(t);
    const tree = await sampleTree(hold);
    await stage(releases, tree);
    await stage(releases, tree, '2.0.0');
    await releases.switchTo(releaseOf('2.0.0'));
    await releases.remove(product, '1.0.0');
    await assert.rejects(releases.remove(product, '2.0.0'), { code: 'IN_USE' });
    await releases.remove(product, 'never-there');
    assert.deepEqual(await releases.list(product), ['2.0.0']);
  });

  test(`${kind}: names and paths that lead out are refused`, async (t) => {
    const { releases, hold } = await make(t);
    const [file] = (await sampleTree(hold)).files;
    assert.ok(file);
    for (const path of ['../out', '/etc/passwd', 'a\\b', '']) {
      await assert.rejects(stage(releases, { schema: 1, files: [{ ...file, path }] }), { code: 'BAD_PATH' });
    }
    for (const folder of ['..', '.staging-x', 'a/b', '', 'x.']) {
      await assert.rejects(stage(releases, { schema: 1, files: [file] }, folder), { code: 'BAD_NAME' });
    }
    assert.ok((await releases.freeBytes()) > 0);
  });
}

function stage(
  releases: Releases,
  tree: Tree,
  folder = '1.0.0',
  progress: (doneBytes: number) => void = () => undefined,
): Promise<void> {
  return releases.stage(product, folder, tree, progress, never);
}

async function sampleTree(hold: ReleasesUnderTest['hold']): Promise<Tree> {
  const file = async (path: string, parts: readonly string[], mode: TreeFile['mode'] = 0o644) => {
    const segments: BlobRef[] = [];
    for (const part of parts) {
      const bytes = Buffer.from(part);
      segments.push(refOf(bytes));
      await hold(refOf(bytes), bytes);
    }
    return { path, mode, ...refOf(Buffer.from(parts.join(''))), segments };
  };
  return {
    schema: 1,
    files: [
      await file('bin/tool', ['#!/bin/sh\necho 1\n'], 0o755),
      await file('empty', []),
      await file('lib/deep/big.txt', ['first segment,', 'second segment']),
      await file('readme.md', ['hello']),
    ],
  };
}

function releaseOf(folder: string): CurrentRelease {
  return {
    product,
    guid: guidA,
    version: folder,
    folder,
    treeSha256: 'a'.repeat(64),
    installed: [guidA],
  };
}

function refOf(bytes: Uint8Array): BlobRef {
  return { sha256: digest(hash('sha256', bytes, 'hex')), sizeBytes: bytes.length };
}
