import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { nodeDigests } from '../../compute/digest.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { MemoryTrustStore } from '../../storage/memory/trust-store.ts';
import { KnownMetadata } from './known-metadata.ts';
import { PeerVersions } from './peer-versions.ts';
import { TrustRefresher } from './refresher.ts';

const nowMs = Date.UTC(2026, 10, 24);
const { signal } = new AbortController();

async function setUp() {
  const repo = new TufRepository({ nowMs });
  const store = new MemoryTrustStore();
  await store.saveRoot(1, repo.metadataFiles.get('1.root.json') ?? new Uint8Array());
  const refresher = new TrustRefresher({ store, source: repo, check: checkSignature, digests: nodeDigests });
  await refresher.refresh(nowMs, signal);
  const time = { now: nowMs };
  const lines: string[] = [];
  const line = (message: string): void => void lines.push(message);
  const state = { looks: 0, refresh: (): Promise<unknown> => Promise.resolve() };
  const versions = new PeerVersions({
    trust: store,
    metadata: new KnownMetadata({ check: checkSignature }),
    clock: { now: () => time.now },
    log: { debug: line, info: line, warn: line, error: line },
    refresh: () => {
      state.looks++;
      return state.refresh();
    },
  });
  return { versions, store, time, state, lines };
}

test('metadata that the disk has damaged keep no link from working: their role is left out', async () => {
  const { versions, store } = await setUp();
  await store.save('root', new Uint8Array([0x7b, 0xff]));
  assert.deepEqual(await versions.own(), { timestamp: 1, snapshot: 1, targets: 1 });
});

test('tells which versions this site trusts', async () => {
  const { versions } = await setUp();
  assert.deepEqual(await versions.own(), { root: 1, timestamp: 1, snapshot: 1, targets: 1 });
});

test('looks for newer metadata when a neighbour is ahead in any role, and only then', async () => {
  const { versions, state } = await setUp();
  await versions.heard({ root: 1, timestamp: 1 }, signal);
  await versions.heard({}, signal);
  assert.equal(state.looks, 0);
  await versions.heard({ root: 1, timestamp: 2 }, signal);
  assert.equal(state.looks, 1);
});

test('a neighbour that always claims to be ahead makes this site look every ten minutes and no more', async () => {
  const { versions, state, time } = await setUp();
  for (let minute = 0; minute < 30; minute++) {
    await versions.heard({ root: 1_000_000 }, signal);
    time.now += 60_000;
  }
  assert.equal(state.looks, 3);
});

test('a look that fails is told and harms nothing', async () => {
  const { versions, state, lines } = await setUp();
  state.refresh = () => Promise.reject(new Error('the cloud is away'));
  await versions.heard({ snapshot: 9 }, signal);
  assert.ok(lines.includes('Newer metadata could not be taken: {error}'));
});
