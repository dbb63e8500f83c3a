import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestSigner } from '@sallyport/core/domain/trust/test-support/signer';
import { timeText, TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { TrustError, type TrustErrorCode } from '@sallyport/core/domain/trust/trust-error';
import { nodeDigests } from '../../compute/digest.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import { MemoryTrustStore } from '../../storage/memory/trust-store.ts';
import { TrustRefresher, type TrustRefresherOptions } from './refresher.ts';
import { StoreRepository } from './store-repository.ts';

const nowMs = Date.UTC(2026, 10, 24);
const dayMs = 86_400_000;
const { signal } = new AbortController();

interface Site {
  readonly repo: TufRepository;
  readonly store: MemoryTrustStore;
  refresher(options?: Partial<TrustRefresherOptions>): TrustRefresher;
}

/** A site that has pinned the first root of a repository. */
async function site(repo = new TufRepository({ nowMs })): Promise<Site> {
  const store = new MemoryTrustStore();
  await store.saveRoot(1, repo.metadataFiles.get('1.root.json') ?? new Uint8Array());
  return {
    repo,
    store,
    refresher: (options) =>
      new TrustRefresher({ store, source: repo, check: checkSignature, digests: nodeDigests, ...options }),
  };
}

async function refuses(work: Promise<unknown>, code: TrustErrorCode, message?: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof TrustError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message ?? /./);
    return true;
  });
}

async function stored(store: MemoryTrustStore): Promise<Readonly<Record<string, string>>> {
  const roles = ['root', 'timestamp', 'snapshot', 'targets', 'catalog'];
  const all = await Promise.all(
    roles.map(async (role) => [role, Buffer.from((await store.load(role)) ?? []).toString()] as const),
  );
  return Object.fromEntries(all.filter(([, bytes]) => bytes !== ''));
}

describe('a refresh', () => {
  test('asks for what the specification says, in its order, and stores the bytes as they came', async () => {
    const { repo, store, refresher } = await site();
    assert.deepEqual(await refresher().refresh(nowMs, signal), {
      root: 1,
      timestamp: 1,
      snapshot: 1,
      targets: 1,
    });
    assert.deepEqual(repo.requests, ['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json']);
    for (const role of ['timestamp', 'snapshot', 'targets']) {
      assert.deepEqual(await store.load(role), repo.bytes(role));
    }
  });

  test('with nothing new asks only whether there is', async () => {
    const { repo, refresher } = await site();
    await refresher().refresh(nowMs, signal);
    repo.requests.length = 0;
    await refresher().refresh(nowMs, signal);
    assert.deepEqual(repo.requests, ['2.root.json', 'timestamp.json']);
  });

  test('asks for names without versions where snapshots are not consistent', async () => {
    const { repo, refresher } = await site(new TufRepository({ nowMs, consistentSnapshot: false }));
    repo.addTarget('a.json', Buffer.from('hello'));
    repo.publishTargets();
    const client = refresher();
    await client.refresh(nowMs, signal);
    assert.equal(Buffer.from(await client.fetchTarget('a.json', signal)).toString(), 'hello');
    assert.deepEqual(repo.requests, [
      '2.root.json',
      'timestamp.json',
      'snapshot.json',
      'targets.json',
      'a.json',
    ]);
  });

  test('keeps every root on the way, for sites that come later', async () => {
    const { repo, store, refresher } = await site();
    repo.rotateKeys('root');
    repo.publish('root', 'root');
    assert.equal((await refresher().refresh(nowMs, signal)).root, 3);
    assert.deepEqual(await store.loadRoot(2), repo.metadataFiles.get('2.root.json'));
    assert.deepEqual(await store.load('root'), repo.metadataFiles.get('3.root.json'));
  });

  test('stores each role as soon as it is believed, and none that is not', async () => {
    for (const [failing, kept] of [
      ['root', []],
      ['timestamp', ['root']],
      ['snapshot', ['root', 'timestamp']],
      ['targets', ['root', 'timestamp', 'snapshot']],
    ] as const) {
      const { repo, store, refresher } = await site();
      await refresher().refresh(nowMs, signal);
      const before = await stored(store);
      repo.signers.set(failing, [new TestSigner()]);
      repo.publish('root', 'targets', 'snapshot', 'timestamp');
      await refuses(
        refresher().refresh(nowMs, signal),
        'BELOW_THRESHOLD',
        new RegExp(`^${failing} version 2`),
      );
      const after = await stored(store);
      assert.deepEqual(
        Object.keys(after)
          .filter((role) => after[role] !== before[role])
          .toSorted(),
        [...kept].toSorted(),
      );
    }
  });

  test('goes on from where a broken one stopped', async () => {
    const { repo, refresher } = await site();
    repo.publish('root');
    const targets = repo.metadataFiles.get('1.targets.json') ?? new Uint8Array();
    repo.metadataFiles.delete('1.targets.json');
    await refuses(refresher().refresh(nowMs, signal), 'NOT_FOUND', /1\.targets\.json/);
    repo.metadataFiles.set('1.targets.json', targets);
    repo.requests.length = 0;
    await refresher().refresh(nowMs, signal);
    assert.deepEqual(repo.requests, ['3.root.json', 'timestamp.json', '1.targets.json']);
  });

  test('is told what a file that is missing is called', async () => {
    for (const file of ['timestamp.json', '1.snapshot.json', '1.targets.json']) {
      const { repo, refresher } = await site();
      repo.metadataFiles.delete(file);
      await refuses(refresher().refresh(nowMs, signal), 'NOT_FOUND', new RegExp(file.replaceAll('.', '\\.')));
    }
  });

  test('never takes a repository back to an older state', async () => {
    const { repo, store, refresher } = await site();
    const old = new Map(repo.metadataFiles);
    repo.publishTargets();
    await refresher().refresh(nowMs, signal);
    const before = await stored(store);
    repo.metadataFiles.clear();
    for (const [name, bytes] of old) {
      repo.metadataFiles.set(name, bytes);
    }
    await refuses(refresher().refresh(nowMs, signal), 'ROLLED_BACK');
    assert.deepEqual(await stored(store), before);
  });

  test('recovers with the publisher from versions that a thief drove up', async () => {
    const { repo, refresher } = await site();
    repo.timestamp.version = 1000;
    repo.snapshot.version = 1000;
    repo.publish('snapshot', 'timestamp');
    await refresher().refresh(nowMs, signal);
    repo.timestamp.version = 1;
    repo.snapshot.version = 1;
    repo.publish('snapshot', 'timestamp');
    await refuses(refresher().refresh(nowMs, signal), 'ROLLED_BACK');
    repo.rotateKeys('timestamp');
    repo.rotateKeys('snapshot');
    repo.publish('root', 'snapshot', 'timestamp');
    assert.deepEqual(await refresher().refresh(nowMs, signal), {
      root: 2,
      timestamp: 3,
      snapshot: 3,
      targets: 1,
    });
  });

  test('follows a limited number of roots at once, and goes on the next time', async () => {
    const { repo, refresher } = await site();
    repo.publish('root', 'root', 'root');
    await refuses(
      refresher({ limits: { rootRotationsMax: 2 } }).refresh(nowMs, signal),
      'TOO_MANY_ROOTS',
      /version 3 is stored/,
    );
    assert.equal((await refresher({ limits: { rootRotationsMax: 2 } }).refresh(nowMs, signal)).root, 4);
  });

  test('needs a pinned root', async () => {
    const repo = new TufRepository({ nowMs });
    const refresher = new TrustRefresher({
      store: new MemoryTrustStore(),
      source: repo,
      check: checkSignature,
      digests: nodeDigests,
    });
    await refuses(refresher.refresh(nowMs, signal), 'NO_ROOT');
    assert.deepEqual(repo.requests, []);
  });

  test('asks nobody for anything when its own root is not signed', async () => {
    const { repo, store, refresher } = await site();
    await store.saveRoot(1, repo.sign('root', [new TestSigner()]));
    await refuses(refresher().refresh(nowMs, signal), 'BELOW_THRESHOLD');
    assert.deepEqual(repo.requests, []);
  });

  test('limits what it lets a source send', async () => {
    const { repo, refresher } = await site();
    const asked: Record<string, number> = {};
    const source: RepositorySource = {
      name: 'watched',
      metadata: (name, limits) => {
        asked[name] = limits.maxBytes;
        return repo.metadata(name, limits);
      },
      target: (path) => repo.target(path),
    };
    await refresher({ source }).refresh(nowMs, signal);
    assert.deepEqual(asked, {
      '2.root.json': 512_000,
      'timestamp.json': 16_384,
      '1.snapshot.json': repo.bytes('snapshot').length,
      '1.targets.json': repo.bytes('targets').length,
    });
  });

  test('waits for the one before it', async () => {
    const { repo, refresher } = await site();
    const client = refresher();
    const results = await Promise.all([
      client.refresh(nowMs, signal),
      client.refresh(nowMs, signal),
      client.targetInfo('x', signal),
    ]);
    assert.deepEqual(results[0], results[1]);
    assert.deepEqual(repo.requests, [
      '2.root.json',
      'timestamp.json',
      '1.snapshot.json',
      '1.targets.json',
      '2.root.json',
      'timestamp.json',
    ]);
  });

  test('that fails leaves nothing open to look targets up in', async () => {
    const { repo, refresher } = await site();
    const client = refresher();
    await refuses(client.targetInfo('x', signal), 'OUT_OF_ORDER');
    await client.refresh(nowMs, signal);
    assert.equal(await client.targetInfo('x', signal), undefined);
    repo.metadataFiles.delete('timestamp.json');
    await refuses(client.refresh(nowMs, signal), 'NOT_FOUND');
    await refuses(client.targetInfo('x', signal), 'OUT_OF_ORDER');
    await client.openStored(nowMs);
    assert.equal(await client.targetInfo('x', signal), undefined);
  });
});

describe('what is stored', () => {
  test('is worked with for as long as it is fresh', async () => {
    const { repo, refresher } = await site();
    const expiresMs = Date.parse(repo.timestamp.expires);
    await refuses(refresher().openStored(nowMs), 'NOT_FOUND', /no trusted timestamp/);
    await refresher().refresh(nowMs, signal);
    const offline = (graceMs: number): TrustRefresher =>
      new TrustRefresher({
        store: refreshedStore,
        check: checkSignature,
        digests: nodeDigests,
        stalenessMs: () => graceMs,
      });
    const refreshedStore = (await site(repo)).store;
    await new TrustRefresher({
      store: refreshedStore,
      source: repo,
      check: checkSignature,
      digests: nodeDigests,
    }).refresh(nowMs, signal);
    assert.equal((await offline(0).openStored(expiresMs - 1)).targets, 1);
    await refuses(offline(0).openStored(expiresMs), 'EXPIRED', /timestamp/);
    // A staleness limit helps the online roles only: targets expire on the same day here.
    await refuses(offline(10 * dayMs).openStored(expiresMs), 'EXPIRED', /targets version 1/);
  });

  test('is used over its expiry within the staleness limit, where the offline roles allow it', async () => {
    const { repo, refresher } = await site();
    repo.targets().expires = timeText(nowMs + 300 * dayMs);
    repo.publishTargets();
    const expiresMs = Date.parse(repo.timestamp.expires);
    await refresher().refresh(nowMs, signal);
    await refresher({ stalenessMs: () => dayMs }).openStored(expiresMs + dayMs - 1);
    await refuses(refresher({ stalenessMs: () => dayMs }).openStored(expiresMs + dayMs), 'EXPIRED');
    await refuses(
      refresher({ stalenessMs: () => 900 * dayMs }).openStored(Date.parse(repo.root.expires)),
      'EXPIRED',
      /root/,
    );
  });

  test('that was altered is not worked with, and says why', async () => {
    for (const [role, code] of [
      ['timestamp', 'BELOW_THRESHOLD'],
      ['snapshot', 'TOO_LARGE'],
      ['targets', 'TOO_LARGE'],
    ] as const) {
      const { repo, store, refresher } = await site();
      await refresher().refresh(nowMs, signal);
      // Signed by the right keys, save for the timestamp: only it has no digest that names it.
      repo.json(role)['x'] = 1;
      await store.save(role, role === 'timestamp' ? repo.sign(role, []) : repo.sign(role));
      await refuses(refresher().openStored(nowMs), code, new RegExp(role));
    }
  });

  test('is fetched anew when somebody altered it', async () => {
    const { repo, store, refresher } = await site();
    await refresher().refresh(nowMs, signal);
    const events: string[] = [];
    for (const role of ['timestamp', 'snapshot', 'targets']) {
      await store.save(role, Buffer.from('{"signed": {}}'));
    }
    await refresher({ onEvent: (event) => events.push(`${event.kind} ${event.role}`) }).refresh(
      nowMs,
      signal,
    );
    assert.deepEqual(events, [
      'stored-ignored timestamp',
      'trusted timestamp',
      'stored-ignored snapshot',
      'trusted snapshot',
      'stored-ignored targets',
      'trusted targets',
    ]);
    assert.deepEqual(await store.load('targets'), repo.bytes('targets'));
  });

  test('raises the time floor when its publisher says when it was signed', async () => {
    const { repo, store, refresher } = await site();
    await refresher().refresh(nowMs, signal);
    assert.equal(await store.timeFloor(), 0);
    repo.timestamp['x-sallyport-issued'] = timeText(nowMs - 1000);
    repo.publish('timestamp');
    await refresher().refresh(nowMs, signal);
    assert.equal(await store.timeFloor(), nowMs - 1000);
  });
});

describe('a target', () => {
  async function published(): Promise<Site> {
    const made = await site();
    const { repo } = made;
    repo.delegate('targets', 'catalog', { paths: ['catalog/*'], terminating: true });
    repo.delegate('targets', 'rollout', { paths: ['rollout/*'], terminating: true });
    repo.addTarget('catalog/typescript.json', Buffer.from('the catalogue'), 'catalog');
    repo.addTarget('rollout/typescript.json', Buffer.from('the roll-out'), 'rollout');
    repo.publishTargets();
    return made;
  }

  test('is found by delegation, fetched under its digest and verified', async () => {
    const { repo, store, refresher } = await published();
    const client = refresher();
    await client.refresh(nowMs, signal);
    repo.requests.length = 0;
    assert.equal(
      Buffer.from(await client.fetchTarget('catalog/typescript.json', signal)).toString(),
      'the catalogue',
    );
    const [sha256] = (await client.targetInfo('catalog/typescript.json', signal))?.hashes.values() ?? [];
    assert.deepEqual(repo.requests, ['1.catalog.json', `catalog/${sha256}.typescript.json`]);
    assert.deepEqual(await store.load('catalog'), repo.bytes('catalog'));
  });

  test('of a role that is stored is found without asking', async () => {
    const { repo, refresher } = await published();
    const client = refresher();
    await client.refresh(nowMs, signal);
    await client.targetInfo('catalog/typescript.json', signal);
    repo.requests.length = 0;
    const later = refresher();
    await later.openStored(nowMs);
    assert.equal((await later.targetInfo('catalog/typescript.json', signal))?.lengthBytes, 13);
    assert.deepEqual(repo.requests, []);
  });

  test('is not looked for where nobody delegates', async () => {
    const { repo, refresher } = await published();
    const client = refresher();
    await client.refresh(nowMs, signal);
    repo.requests.length = 0;
    assert.equal(await client.targetInfo('elsewhere', signal), undefined);
    assert.equal(await client.targetInfo('catalog/a/b', signal), undefined);
    await refuses(client.fetchTarget('elsewhere', signal), 'NOT_FOUND', /no trusted role knows/);
    assert.deepEqual(repo.requests, []);
  });

  test('of a role that lost its keys is not believed from the store', async () => {
    const { repo, refresher } = await published();
    const client = refresher();
    await client.refresh(nowMs, signal);
    await client.targetInfo('catalog/typescript.json', signal);
    repo.rotateKeys('catalog');
    repo.publish('targets', 'snapshot', 'timestamp');
    await client.refresh(nowMs, signal);
    await refuses(
      client.targetInfo('catalog/typescript.json', signal),
      'BELOW_THRESHOLD',
      /catalog version 1/,
    );
  });

  test('with a flipped byte, too long or too short is refused, and the next try may succeed', async () => {
    const good = Buffer.from('the catalogue');
    const flipped = Buffer.from(good);
    flipped[3] = 0;
    for (const [bytes, code] of [
      [flipped, 'MISMATCH'],
      [Buffer.concat([good, good]), 'TOO_LARGE'],
      [good.subarray(1), 'MISMATCH'],
      [new Uint8Array(), 'MISMATCH'],
    ] as const) {
      const { repo, refresher } = await published();
      const client = refresher();
      await client.refresh(nowMs, signal);
      const name = [...repo.targetFiles.keys()].find((path) => path.startsWith('catalog/')) ?? '';
      repo.targetFiles.set(name, bytes);
      await refuses(client.fetchTarget('catalog/typescript.json', signal), code, /catalog\/typescript\.json/);
      repo.targetFiles.delete(name);
      await refuses(
        client.fetchTarget('catalog/typescript.json', signal),
        'NOT_FOUND',
        /has no file catalog/,
      );
      repo.targetFiles.set(name, good);
      assert.deepEqual(Buffer.from(await client.fetchTarget('catalog/typescript.json', signal)), good);
    }
  });

  test('that says it is huge is not read into memory', async () => {
    const { repo, refresher } = await published();
    const client = refresher({ limits: { targetFileMaxBytes: 12 } });
    await client.refresh(nowMs, signal);
    await refuses(client.fetchTarget('catalog/typescript.json', signal), 'TOO_LARGE', /13 bytes/);
    assert.equal(
      repo.requests.some((path) => path.endsWith('.typescript.json')),
      false,
    );
  });

  test('with digests of unknown kinds only is not fetched at all', async () => {
    const { repo, refresher } = await published();
    repo.targets('catalog').targets['catalog/odd'] = { length: 1, hashes: { crc32: '00' } };
    repo.publishTargets();
    const client = refresher();
    await client.refresh(nowMs, signal);
    await refuses(client.fetchTarget('catalog/odd', signal), 'MISMATCH', /only sha256 and sha512/);
  });
});

describe('a child site', () => {
  test('gets from its parent’s store exactly what the vendor published, every root included', async () => {
    const { repo, store, refresher } = await site();
    repo.delegate('targets', 'catalog', { paths: ['catalog/*'], terminating: true });
    repo.addTarget('catalog/x.json', Buffer.from('x'), 'catalog');
    repo.rotateKeys('root');
    repo.publish('root', 'root', 'catalog', 'targets', 'snapshot', 'timestamp');
    const parent = refresher();
    await parent.refresh(nowMs, signal);
    await parent.targetInfo('catalog/x.json', signal);

    const child = await site(repo);
    const source = new StoreRepository('the parent', store, (path) => repo.target(path));
    const client = child.refresher({ source });
    assert.deepEqual(await client.refresh(nowMs, signal), { root: 3, timestamp: 2, snapshot: 2, targets: 2 });
    assert.equal(Buffer.from(await client.fetchTarget('catalog/x.json', signal)).toString(), 'x');
    assert.deepEqual(await stored(child.store), await stored(store));
    assert.deepEqual(await child.store.loadRoot(2), await store.loadRoot(2));
  });

  test('is given no role in another version than it asks for', async () => {
    const { store, refresher } = await site();
    await refresher().refresh(nowMs, signal);
    const source = new StoreRepository('the parent', store, async () => undefined);
    for (const name of [
      '2.targets.json',
      '2.snapshot.json',
      '2.root.json',
      'targets.json',
      '1.timestamp.json',
      '0.root.json',
      '1.%.json',
      '1.nobody.json',
      '../root.json',
    ]) {
      assert.equal(await source.metadata(name, { maxBytes: 100_000 }, signal), undefined, name);
    }
    assert.deepEqual(
      await source.metadata('1.targets.json', { maxBytes: 100_000 }, signal),
      await store.load('targets'),
    );
    assert.equal(await source.metadata('1.targets.json', { maxBytes: 10 }, signal), undefined);
  });
});
