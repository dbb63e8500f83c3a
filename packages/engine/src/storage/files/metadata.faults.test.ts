import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { caseFolders, namesBelow } from '../../../test-support/case-folders.ts';
import { failsCleanly } from '../../../test-support/disk-faults.ts';
import { survivesPowerCuts } from '../../../test-support/power-cut-states.ts';
import { isTemporary, sweepTemporaries, writeFileDurably } from './durable-file.ts';
import { PublishedFolder } from './published-folder.ts';
import { FileTrustStore } from './trust-store.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);
/** Long enough to be torn. */
const version = (role: string, n: number): string => `${role} version ${n} `.repeat(20);
const time = (n: number): EpochMs => 1_700_000_000_000 + n;

/** Makes everything version `n`, in the order in which a refresh does. */
async function saveAll(store: FileTrustStore, n: number): Promise<void> {
  await store.saveRoot(n, bytesOf(version('root', n)));
  await store.save('timestamp', bytesOf(version('timestamp', n)));
  await store.save('snapshot', bytesOf(version('snapshot', n)));
  await store.raiseTimeFloor(time(n));
}

/** Every file is whole and none older than `atLeast`; a root that is trusted is in the history. */
async function assertTrusted(store: FileTrustStore, atLeast: number, newest: number): Promise<void> {
  for (const role of ['root', 'timestamp', 'snapshot']) {
    const found = textOf(await store.load(role));
    const allowed = atLeast === 0 ? [undefined] : [];
    const versions = Array.from({ length: newest - atLeast + 1 }, (_, index) =>
      version(role, atLeast + index),
    );
    assert.ok([...allowed, ...versions].includes(found), `${role} is ${String(found?.slice(0, 30))}`);
    if (role === 'root' && found !== undefined) {
      const n = versions.indexOf(found) + atLeast;
      assert.equal(textOf(await store.loadRoot(n)), found, 'the history has the trusted root');
    }
  }
  const floor = await store.timeFloor();
  assert.ok(floor >= (atLeast === 0 ? 0 : time(atLeast)) && floor <= time(newest), `the floor is ${floor}`);
}

async function assertNoTemporaries(folder: string): Promise<void> {
  const left = (await namesBelow(folder)).filter((path) =>
    isTemporary(path.slice(path.lastIndexOf('/') + 1)),
  );
  assert.deepEqual(left, []);
}

test('a disk that fails anywhere in a refresh keeps every role whole, old or new, and the next refresh succeeds', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) => {
      const store = new FileTrustStore(join(folder, 'trust'));
      await saveAll(store, 1);
      return store;
    },
    act: (store) => store.exclusively(() => saveAll(store, 2)),
    holds: async (store, folder, outcome) => {
      for (const seen of [store, new FileTrustStore(join(folder, 'trust'))]) {
        await assertTrusted(seen, outcome === 'succeeded' ? 2 : 1, 2);
      }
    },
    ends: async (store, folder) => {
      await assertTrusted(store, 2, 2);
      await saveAll(new FileTrustStore(join(folder, 'trust')), 3);
      await assertNoTemporaries(folder);
    },
  });
});

test('a trust store whose folders could not be made at first works as soon as they can, without a restart', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) => new FileTrustStore(join(folder, 'site', 'trust')),
    act: (store) => saveAll(store, 1),
    holds: (store) => assertTrusted(store, 0, 1),
    ends: (store) => assertTrusted(store, 1, 1),
  });
});

test('after a power cut no role is damaged, none is older than what was answered for, nor is the time', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<undefined, number>(await newFolder(), {
    prepare: async () => undefined,
    act: async (_, folder, promise) => {
      const store = new FileTrustStore(join(folder, 'site', 'trust'));
      for (const n of [1, 2, 3]) {
        await store.exclusively(() => saveAll(store, n));
        promise(n);
      }
    },
    recovers: async (folder, promised) => {
      const store = new FileTrustStore(join(folder, 'site', 'trust'));
      await assertTrusted(store, promised.at(-1) ?? 0, 3);
      await saveAll(store, 4);
      await assertTrusted(store, 4, 4);
      await assertNoTemporaries(folder);
    },
  });
});

/** As a publisher does: what is pointed to before what points to it. */
async function publish(repository: PublishedFolder, n: number): Promise<void> {
  await repository.putTarget(`catalog/${n}.tool.json`, bytesOf(version('catalogue', n)));
  await repository.putMetadata(`${n}.snapshot.json`, bytesOf(version('snapshot', n)));
  await repository.putMetadata('timestamp.json', bytesOf(`${n}`));
}

/** The newest version; everything it leads to is there. */
async function published(repository: PublishedFolder): Promise<number> {
  const n = Number(textOf(await repository.metadata('timestamp.json')) ?? 0);
  if (n === 0) return 0;
  assert.equal(textOf(await repository.metadata(`${n}.snapshot.json`)), version('snapshot', n));
  assert.equal(textOf(await repository.target(`catalog/${n}.tool.json`)), version('catalogue', n));
  return n;
}

test('a disk that fails anywhere in publishing leaves a repository that can be served, and publishing again succeeds', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) => {
      const repository = new PublishedFolder(join(folder, 'repository'));
      await publish(repository, 1);
      return repository;
    },
    act: (repository) => publish(repository, 2),
    holds: async (repository, _folder, outcome) => {
      const n = await published(repository);
      assert.ok(n === 2 || (n === 1 && outcome === 'failed'));
    },
    ends: async (repository, folder) => {
      assert.equal(await published(repository), 2);
      await publish(new PublishedFolder(join(folder, 'repository')), 3);
      await assertNoTemporaries(folder);
    },
  });
});

test('after a power cut a repository leads to nothing that is missing, and is not older than what was answered for', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<undefined, number>(await newFolder(), {
    prepare: async () => undefined,
    act: async (_, folder, promise) => {
      const repository = new PublishedFolder(join(folder, 'repository'));
      for (const n of [1, 2]) {
        await publish(repository, n);
        promise(n);
      }
    },
    recovers: async (folder, promised) => {
      const repository = new PublishedFolder(join(folder, 'repository'));
      assert.ok((await published(repository)) >= (promised.at(-1) ?? 0));
      await publish(repository, 3);
      assert.equal(await published(repository), 3);
      await assertNoTemporaries(folder);
    },
  });
});

test('a file that is replaced is the old one or the new one wherever the disk fails, and leaves nothing beside it', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: (folder) => writeFileDurably(join(folder, 'file'), bytesOf('old')),
    act: (_, folder) => writeFileDurably(join(folder, 'file'), bytesOf('new')),
    holds: async (_, folder, outcome, answered) => {
      const found = await readFile(join(folder, 'file'), 'utf8');
      assert.ok(found === 'new' || (found === 'old' && outcome === 'failed'), found);
      // A read-only disk keeps what was begun, and whoever writes next in the folder sweeps it: the stores do.
      if (answered === 'EROFS') await sweepTemporaries(folder);
      assert.deepEqual(await readdir(folder), ['file']);
    },
    ends: async (_, folder) => {
      assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'new');
      assert.deepEqual(await readdir(folder), ['file']);
    },
  });
});
