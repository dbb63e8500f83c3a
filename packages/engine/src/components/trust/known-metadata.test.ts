import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { nodeDigests } from '../../compute/digest.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { MemoryTrustStore } from '../../storage/memory/trust-store.ts';
import { KnownMetadata } from './known-metadata.ts';
import { TrustRefresher } from './refresher.ts';

const nowMs = Date.UTC(2026, 10, 24);
const dayMs = 86_400_000;
const { signal } = new AbortController();

async function site(filesPerRole?: number) {
  const repo = new TufRepository({ nowMs });
  const store = new MemoryTrustStore();
  await store.saveRoot(1, repo.metadataFiles.get('1.root.json') ?? new Uint8Array());
  const asked = { checks: 0 };
  const check: SignatureCheck = (...given) => {
    asked.checks += 1;
    return checkSignature(...given);
  };
  const known = new KnownMetadata({ check, ...(filesPerRole === undefined ? {} : { filesPerRole }) });
  const refresher = new TrustRefresher({ store, source: repo, metadata: known, check, digests: nodeDigests });
  await refresher.refresh(nowMs, signal);
  const stored = new TrustRefresher({ store, metadata: known, check, digests: nodeDigests });
  return { repo, store, known, asked, refresher, stored };
}

test('looking at what is stored again and again checks no signature twice', async () => {
  const { asked, stored } = await site();
  await stored.openStored(nowMs);
  const before = asked.checks;
  assert.ok(before > 0);
  for (let look = 0; look < 20; look += 1) await stored.openStored(nowMs + look);
  assert.equal(asked.checks, before);
});

test('what is known still expires', async () => {
  const { stored } = await site();
  await stored.openStored(nowMs);
  await assert.rejects(stored.openStored(nowMs + 1_000 * dayMs), { code: 'EXPIRED' });
  await stored.openStored(nowMs);
});

test('bytes that somebody changes in the store, or in memory, are read and checked anew', async () => {
  const { store, stored } = await site();
  await stored.openStored(nowMs);
  const bytes = (await store.load('timestamp')) ?? new Uint8Array();
  const text = new TextDecoder().decode(bytes);
  const forged = new TextEncoder().encode(
    text.replace(/"expires":\s*"20../, (found) => found.replace(/20..$/, '2099')),
  );
  assert.notDeepEqual(forged, bytes);
  await store.save('timestamp', forged);
  await assert.rejects(stored.openStored(nowMs), { code: 'BAD_SIGNATURE' });
  const another = new KnownMetadata({ check: checkSignature });
  const first = another.parse('timestamp', bytes);
  bytes.set(forged);
  assert.notEqual(another.parse('timestamp', bytes).signed.expiresMs, first.signed.expiresMs);
});

test('a store that is put back to older metadata is seen as it is', async () => {
  const { repo, store, refresher, stored } = await site();
  const older = (await store.load('timestamp')) ?? new Uint8Array();
  assert.equal((await stored.openStored(nowMs)).timestamp, 1);
  repo.publish('snapshot', 'timestamp');
  await refresher.refresh(nowMs, signal);
  assert.equal((await stored.openStored(nowMs)).timestamp, 2);
  await store.save('timestamp', older);
  await assert.rejects(stored.openStored(nowMs), { code: 'MISMATCH' });
});

test('a signature that fits one document says nothing of another', async () => {
  const { repo, known } = await site();
  const root = known.parse('root', repo.metadataFiles.get('1.root.json') ?? new Uint8Array());
  const [keyId = '', signature = new Uint8Array()] = [...root.signatures][0] ?? [];
  const key = root.signed.keys.get(keyId);
  assert.ok(key !== undefined);
  assert.equal(known.check(key, signature, root.signedBytes), true);
  assert.equal(known.check(key, signature, Uint8Array.of(1, 2, 3)), false);
  assert.equal(known.check({ ...key, publicValue: '00'.repeat(32) }, signature, root.signedBytes), false);
});

test('only the newest files of a role are remembered', async () => {
  const { repo, known } = await site(1);
  const file = (name: string): Uint8Array => repo.metadataFiles.get(name) ?? new Uint8Array();
  const first = known.parse('timestamp', file('timestamp.json'));
  assert.equal(known.parse('timestamp', file('timestamp.json')), first);
  const spaced = new TextEncoder().encode(`${new TextDecoder().decode(file('timestamp.json'))} `);
  known.parse('timestamp', spaced);
  assert.notEqual(known.parse('timestamp', file('timestamp.json')), first);
});
