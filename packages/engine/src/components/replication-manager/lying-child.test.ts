import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { epochMax, orderSequenceMax, ordersPerEpoch } from '@sallyport/core/domain/sites/epoch';
import type { RecordFields } from '@sallyport/core/domain/sites/record';
import type { ReplicatedRecord, Roster } from '@sallyport/core/domain/sites/site';
import { siteCode } from '@sallyport/core/shared/ids';
import { signRoster } from '@sallyport/core/wire/hierarchy-documents';
import { linkProtocols } from '@sallyport/core/wire/link';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { replaceKey } from '../../../test-support/replace-key.ts';
import {
  joinedSite,
  type TestSite,
  type TopTierSite,
  topTierSite,
} from '../../../test-support/site-network.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { nodeKeys } from '../../compute/ed25519.ts';
import type { HierarchyProof, LinkHello } from '../../ports/parent-link.ts';
import { loadOrCreateKey, operatingKeyName } from '../hierarchy-identity/create-hierarchy.ts';
import { OrderBooks } from '../operations/order-books.ts';
import { provenOwnEpoch, readOnlyReason } from './old-copy.ts';

/** A hierarchy with a child that the test speaks for over its real link, and one that is well. */
async function compromised(t: TestContext) {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  const honest = await joinedSite(t, top, top, 'P02', 'primary');
  await child.log.line(/Linked with parent/);
  await child.manager.stop();
  const greet = (more: Partial<LinkHello>): Promise<unknown> =>
    linkOf(child).hello(
      {
        site: child.code,
        epoch: 1,
        protocols: linkProtocols,
        tufVersions: {},
        head: child.database.read(({ records }) => records.head()),
        cursor: 0,
        peerEpoch: 1,
        ...more,
      },
      AbortSignal.timeout(10_000),
    );
  return { top, child, honest, greet };
}

function linkOf({ link }: TestSite): NonNullable<TestSite['link']> {
  assert.ok(link !== undefined);
  return link;
}

function isReadOnly(site: TestSite): boolean {
  return site.database.read(readOnlyReason) !== undefined;
}

/** The roster as it would be had the top-tier site been restored, signed with the key in force at the call. */
async function restoredRoster(top: TopTierSite): Promise<HierarchyProof> {
  const { roster, statement, documents } = top.view.current();
  const { signer } = await loadOrCreateKey(top.vault, nodeKeys, operatingKeyName(statement.sequence));
  return {
    operatingKey: documents.operatingKey,
    roster: signRoster(inEpoch(roster, top, 7), signer),
  };
}

function inEpoch(roster: Roster, { code }: TestSite, epoch: number): Roster {
  return { ...roster, sites: roster.sites.map((site) => (site.code === code ? { ...site, epoch } : site)) };
}

test('a child that says its parent is an old copy, and cannot show it, halts its own link and nothing else', async (t) => {
  const { top, child, honest, greet } = await compromised(t);
  await assert.rejects(greet({ peerEpoch: epochMax }), {
    code: 'READ_ONLY',
    message: /shows no signed roster .* revoke P01/,
  });
  assert.equal(isReadOnly(top), false);
  assert.equal(
    top.database.read(({ settings }) => provenOwnEpoch(settings)),
    0,
  );
  await joinedSite(t, top, top, 'P03', 'primary');
  honest.database.write(({ records }) => records.putOwn('site-status', 'all', { ok: 1 }, 1));
  await top.until(({ records }) => records.get(honest.code, 'site-status', 'all') !== undefined);
  await replaceKey(top);
  top.authority.revokeSite(child.code, 'it lies');
  await assert.rejects(greet({}), { code: 'REVOKED' });
});

test('a link that a child has halted with such a word is well again once it greets honestly', async (t) => {
  const { top, child, greet } = await compromised(t);
  await assert.rejects(greet({ peerEpoch: 2 }), { code: 'READ_ONLY' });
  await assert.rejects(linkOf(child).pull(0, 0, AbortSignal.timeout(10_000)), { code: 'READ_ONLY' });
  await greet({});
  await linkOf(child).pull(0, 0, AbortSignal.timeout(10_000));
  assert.equal(isReadOnly(top), false);
});

test('a site believes that it is an old copy only what the operating key in force has signed', async (t) => {
  const { top, child, greet } = await compromised(t);
  const proof = await restoredRoster(top);
  const stranger = nodeKeys.open(nodeKeys.generate());
  const forged = signRoster(inEpoch(top.view.current().roster, top, 7), stranger);
  await assert.rejects(greet({ peerEpoch: 7, proof: { ...proof, roster: forged } }), { code: 'READ_ONLY' });
  const { operatingKey, roster } = top.view.current().documents;
  await assert.rejects(greet({ peerEpoch: 7, proof: { operatingKey, roster } }), { code: 'READ_ONLY' });
  assert.equal(isReadOnly(top), false);
  // The key before may have been stolen, which is why it was replaced.
  await replaceKey(top);
  await assert.rejects(greet({ peerEpoch: 7, proof }), { code: 'READ_ONLY' });
  assert.equal(isReadOnly(top), false);

  await assert.rejects(greet({ peerEpoch: 7, proof: await restoredRoster(top) }), {
    code: 'READ_ONLY',
    message: /has the signed roster to show for it: .* it is read-only now/,
  });
  assert.equal(
    top.database.read(({ settings }) => provenOwnEpoch(settings)),
    7,
  );
  await greet({});
  assert.throws(() => top.authority.revokeSite(child.code, 'because'), { code: 'READ_ONLY' });
  top.database.write(({ records }) => records.raiseEpoch(8));
  assert.equal(isReadOnly(top), false);
});

test('nobody takes an epoch beyond the highest there may be', async (t) => {
  const { top, child, greet } = await compromised(t);
  for (const field of ['epoch', 'peerEpoch']) await assert.rejects(greet({ [field]: epochMax + 1 }));
  await assert.rejects(pushStatus(child, 'all', {}, { epoch: epochMax + 1 }), { code: 'REFUSED' });
  assert.equal(top.view.current().roster.sites.find(({ code }) => code === child.code)?.epoch, 1);
  assert.throws(() => top.database.write(({ records }) => records.raiseEpoch(epochMax + 1)), {
    code: 'EPOCH_LIMIT',
  });
});

const well = { schema: 1, last: 0, deferred: [], refused: [] };
const component = { name: 'X', state: 'running', reason: 'runs', since: 0 };

const bad: readonly (readonly [what: string, key: string, body: unknown])[] = [
  ['no number of the last order', 'orders', { schema: 1, deferred: [], refused: [] }],
  ['a number that no order has', 'orders', { ...well, last: Number.MAX_SAFE_INTEGER }],
  ['null for the last order', 'orders', { ...well, last: null }],
  ['nothing for orders', 'orders', null],
  ['no list of waiting orders', 'orders', { ...well, deferred: 1 }],
  ['a refused order without a reason', 'orders', { ...well, refused: [{ sequence: 1, code: 'X', at: 1 }] }],
  ['no list of components', 'components', { schema: 1 }],
  ['a time that is none', 'components', { schema: 1, components: [{ ...component, nextAt: 2 ** 53 - 1 }] }],
  ['no list of transfers', 'content', { schema: 1, transfers: {} }],
];

test('a status that does not read is refused, whatever it is of, and orders go on', async (t) => {
  const { top, child, greet } = await compromised(t);
  await greet({});
  for (const [what, key, body] of bad) {
    await assert.rejects(pushStatus(child, key, body), { code: 'REFUSED', message: /cannot be taken/ }, what);
    assert.equal(nextOrder(top), 1, what);
  }
  await pushStatus(child, 'orders', well);
  await pushStatus(child, 'components', { schema: 1, components: [component] });
  assert.equal(nextOrder(top), 1);
});

test('a child that claims to have seen the last order there may be takes no numbers from the hierarchy', async (t) => {
  const { top, child, greet } = await compromised(t);
  await greet({});
  await pushStatus(child, 'orders', { ...well, last: orderSequenceMax });
  assert.equal(nextOrder(top), ordersPerEpoch / 2 + 1, 'half of the numbers of this epoch are left');
  top.authority.revokeSite(child.code, 'it lies');
  assert.equal(nextOrder(top), 1);
});

function nextOrder(top: TopTierSite): number {
  return new OrderBooks({ database: top.database, hierarchy: top.view }).open().nextSequence();
}

async function pushStatus(
  child: TestSite,
  key: string,
  body: unknown,
  more: Partial<RecordFields> = {},
): Promise<void> {
  const fields: RecordFields = {
    owner: siteCode(child.code),
    kind: 'site-status',
    key,
    epoch: 1,
    n: 1,
    body,
    ...more,
  };
  const record: ReplicatedRecord = { ...fields, hash: recordHash(fields, nodeDigests.of) };
  const head = child.database.read(({ records }) => records.head());
  await linkOf(child).push([record], head, AbortSignal.timeout(10_000));
}
