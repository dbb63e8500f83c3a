import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import { packageGuid, productId } from '@sallyport/core/shared/ids';
import { never, noise, refOf } from '../../../test-support/bytes.ts';
import { caseFolders } from '../../../test-support/case-folders.ts';
import { contentError } from '../../../test-support/content-errors.ts';
import { failsCleanly } from '../../../test-support/disk-faults.ts';
import { failingSync, survivesPowerCuts } from '../../../test-support/power-cut-states.ts';
import type { CurrentRelease } from '../../ports/releases.ts';
import { FileBlobs } from './blobs.ts';
import { FileReleases } from './releases.ts';

const product = productId('compiler');
const guids = {
  '1.0.0': packageGuid('00000000-0000-4000-8000-00000000000a'),
  '2.0.0': packageGuid('00000000-0000-4000-8000-00000000000b'),
};
type Version = keyof typeof guids;

interface Site {
  readonly releases: FileReleases;
  readonly trees: Readonly<Record<Version, Tree>>;
}

/** What lies in a folder, opened as after a start of the server. */
async function open(folder: string): Promise<Site> {
  const blobs = await FileBlobs.open({ folder: join(folder, 'content') });
  const compute = { hashFile: async (path: string) => refOf(await readFile(path)) };
  const [only, begin, end] = [noise(700, 1), noise(900, 2), noise(800, 3)] as const;
  const file = async (path: string, ...parts: readonly Uint8Array[]): Promise<TreeFile> => ({
    path,
    mode: 0o755,
    ...refOf(Buffer.concat(parts)),
    segments: await Promise.all(parts.map((part) => blobs.putBytes(part))),
  });
  const treeOf = async (seed: number): Promise<Tree> => ({
    schema: 1,
    files: [
      await file('bin/tool', only),
      await file('lib/deep/big', begin, end),
      await file('version', noise(50, seed)),
    ],
  });
  const trees = { '1.0.0': await treeOf(10), '2.0.0': await treeOf(20) };
  return { releases: new FileReleases({ folder: join(folder, 'site', 'products'), blobs, compute }), trees };
}

function currentOf(version: Version): CurrentRelease {
  const guid = guids[version];
  return { product, guid, version, folder: version, treeSha256: 'a'.repeat(64), installed: [guid] };
}

async function install(
  { releases, trees }: Site,
  version: Version,
  after = (): void => undefined,
): Promise<void> {
  const folder = await releases.folderFor(product, guids[version], version);
  assert.equal(folder, version);
  await releases.stage(product, folder, trees[version], () => undefined, never());
  await releases.switchTo(currentOf(version));
  after();
}

async function openOnFirst(folder: string): Promise<Site> {
  const site = await open(folder);
  await install(site, '1.0.0');
  return site;
}

/** The release in force, whole. Every release that has a name is. */
async function runs({ releases, trees }: Site): Promise<string | undefined> {
  for (const version of await releases.list(product)) {
    const tree = trees[version as Version];
    assert.deepEqual(await releases.verify(product, version, tree, never()), [], `${version} is not whole`);
  }
  const current = await releases.current(product);
  if (current === undefined) return undefined;
  assert.ok(
    (await releases.list(product)).includes(current.folder),
    `${current.folder} is in force and missing`,
  );
  return current.version;
}

async function assertTidy(folder: string, versions: readonly Version[]): Promise<void> {
  const place = join(folder, 'site', 'products', 'compiler');
  assert.deepEqual((await readdir(place)).toSorted(), ['current.json', 'releases']);
  assert.deepEqual(
    (await readdir(join(place, 'releases'))).toSorted(),
    [...versions.map((version) => `.owner-${version}`), ...versions].toSorted(),
  );
}

test('a disk that fails anywhere in an install leaves the release before in force, and the next attempt succeeds', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: openOnFirst,
    act: (site) => install(site, '2.0.0'),
    holds: async (site, folder, outcome) => {
      const version = await runs(site);
      if (outcome === 'succeeded') assert.equal(version, '2.0.0');
      else assert.ok(version === '1.0.0' || version === '2.0.0');
      assert.equal(await runs(await open(folder)), version, 'as after a start');
    },
    ends: async (site, folder) => {
      assert.equal(await runs(site), '2.0.0');
      // The next stage sweeps what could not be removed while the disk failed.
      await install(site, '2.0.0');
      await assertTidy(folder, ['1.0.0', '2.0.0']);
    },
  });
});

test('a disk that fails anywhere in the first install of a site leaves nothing that looks installed', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: open,
    act: (site) => install(site, '1.0.0'),
    holds: async (site, _folder, outcome) => {
      const version = await runs(site);
      if (outcome === 'succeeded') assert.equal(version, '1.0.0');
    },
    ends: async (site) => assert.equal(await runs(site), '1.0.0'),
  });
});

test('a disk that fails anywhere in a removal takes the release away whole or leaves it, and never the one in force', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) => {
      const site = await openOnFirst(folder);
      await install(site, '2.0.0');
      return site;
    },
    act: ({ releases }) => releases.remove(product, '1.0.0'),
    holds: async (site) => assert.equal(await runs(site), '2.0.0'),
    ends: async (site, folder) => {
      assert.deepEqual(await site.releases.list(product), ['2.0.0']);
      await install(site, '2.0.0');
      await assertTidy(folder, ['2.0.0']);
    },
  });
});

test('after a power cut anywhere in an install the site runs one complete release: the new one once that was answered', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<Site, Version>(await newFolder(), {
    prepare: open,
    act: async (site, _folder, promise) => {
      await install(site, '1.0.0', () => promise('1.0.0'));
      await install(site, '2.0.0', () => promise('2.0.0'));
      await site.releases.remove(product, '1.0.0');
    },
    recovers: async (folder, promised) => {
      const site = await open(folder);
      const version = await runs(site);
      const newest = promised.at(-1);
      if (newest !== undefined) {
        assert.ok(
          version === newest || version === '2.0.0',
          `${newest} was in force, now ${String(version)}`,
        );
      }
      await install(site, '2.0.0');
      assert.equal(await runs(site), '2.0.0');
    },
  });
});

test('a release is durable before it is in force, also when the sync of its name failed at first', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<Site, Version>(await newFolder(), {
    prepare: async (folder) => {
      const site = await openOnFirst(folder);
      await site.releases.folderFor(product, guids['2.0.0'], '2.0.0');
      return site;
    },
    fails: failingSync('releases'),
    act: async (site, _folder, promise) => {
      await assert.rejects(install(site, '2.0.0'), contentError('DISK_FAILED'));
      await install(site, '2.0.0', () => promise('2.0.0'));
    },
    recovers: async (folder, promised) => {
      const version = await runs(await open(folder));
      assert.ok(version === '2.0.0' || (version === '1.0.0' && promised.length === 0));
    },
  });
});
