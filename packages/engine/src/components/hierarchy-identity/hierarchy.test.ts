import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import type { Order } from '@sallyport/core/domain/updates/order';
import { digest, hierarchyId, packageGuid, productId, siteCode } from '@sallyport/core/shared/ids';
import {
  signRoster,
  verifyOperatingKey,
  verifyOrder,
  verifyRoster,
} from '@sallyport/core/wire/hierarchy-documents';
import { payloadTypes, signDocument } from '@sallyport/core/wire/signed-document';
import { rosterFormat } from '@sallyport/core/wire/roster';
import { MemoryVault } from '../../storage/memory/vault.ts';
import { replaceKey } from '../../../test-support/replace-key.ts';
import { passphrase, topTierSite } from '../../../test-support/site-network.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { nodeKeys } from '../../compute/ed25519.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { createHierarchy, operatingKeyStatement } from './create-hierarchy.ts';
import { verifyHierarchy } from './hierarchy-view.ts';

const tools = { check: checkSignature, digestOf: nodeDigests.of };

async function made(vault = new MemoryVault()) {
  return createHierarchy({
    vault,
    keys: nodeKeys,
    digests: nodeDigests,
    code: siteCode('CAS'),
    type: 'central',
    passphrase,
  });
}

test('a hierarchy verifies from its id alone, and the recovery key is sealed', async () => {
  const vault = new MemoryVault();
  const hierarchy = await made(vault);
  const { roster, statement } = verifyHierarchy(hierarchy, tools);
  assert.deepEqual(
    roster.sites.map(({ code, epoch }) => [code, epoch]),
    [['CAS', 1]],
  );
  const operating = await vault.load('operating');
  assert.equal(nodeKeys.open(operating ?? new Uint8Array()).publicKey, statement.operatingKey);
  const recovery = nodeKeys.open(nodeKeys.unseal(hierarchy.recoveryKeyPem, passphrase));
  assert.equal(nodeDigests.of('sha256', Buffer.from(recovery.publicKey, 'hex')), hierarchy.hierarchyId);
});

test('a set-up that was cut short goes on with the keys it made', async () => {
  const vault = new MemoryVault();
  const first = verifyHierarchy(await made(vault), tools);
  const second = verifyHierarchy(await made(vault), tools);
  assert.equal(second.statement.operatingKey, first.statement.operatingKey);
  assert.notEqual(second.hierarchyId, first.hierarchyId, 'the recovery key of the first was never stored');
});

test('documents of another hierarchy, key or type are forged', async () => {
  const ours = await made();
  const theirs = await made();
  const statement = verifyOperatingKey(ours.operatingKey, ours.hierarchyId, tools);
  const forged = (work: () => unknown, pattern: RegExp) =>
    assert.throws(
      work,
      (error) => error instanceof HierarchyError && error.code === 'FORGED' && pattern.test(error.message),
    );
  forged(() => verifyOperatingKey(theirs.operatingKey, ours.hierarchyId, tools), /speaks for the hierarchy/);
  forged(() => verifyRoster(theirs.roster, statement, tools), /not made by the hierarchy's keys/);
  forged(() => verifyOperatingKey(ours.roster, ours.hierarchyId, tools), /operating key statement/);
  forged(
    () => verifyRoster({ ...ours.roster, payload: theirs.roster.payload }, statement, tools),
    /do not fit its bytes/,
  );
  forged(() => verifyRoster('nonsense', statement, tools), /malformed/);
  const impostor = nodeKeys.open(nodeKeys.generate());
  forged(
    () =>
      verifyOperatingKey(
        operatingKeyStatement(ours.hierarchyId, 2, impostor, impostor.publicKey),
        ours.hierarchyId,
        tools,
      ),
    /speaks for the hierarchy/,
  );
});

test('a roster signed as something else, or one that cannot be followed, is refused', async () => {
  const vault = new MemoryVault();
  const hierarchy = await made(vault);
  const { statement, roster } = verifyHierarchy(hierarchy, tools);
  const signer = nodeKeys.open((await vault.load('operating')) ?? new Uint8Array());
  const asOrder = signDocument(payloadTypes.order, rosterFormat.print(roster), signer);
  assert.throws(() => verifyRoster(asOrder, statement, tools), {
    code: 'FORGED',
    message: /signed as something else/,
  });
  const twice = { ...roster, sites: [...roster.sites, ...roster.sites] };
  assert.throws(() => verifyRoster(signRoster(twice, signer), statement, tools), { code: 'BAD_ROSTER' });
  const foreign = { ...roster, hierarchyId: hierarchyId('0'.repeat(64)) };
  assert.throws(() => verifyRoster(signRoster(foreign, signer), statement, tools), { code: 'FORGED' });
});

const order: Omit<Order, 'hierarchyId'> = {
  schema: 1,
  sequence: 1,
  action: 'install',
  product: productId('typescript'),
  guid: packageGuid('11111111-2222-3333-4444-555555555555'),
  descriptor: { sha256: digest('a'.repeat(64)), sizeBytes: 10 },
  attempt: 1,
  sites: 'primaries',
  issuedAt: '2026-01-01T00:00:00Z',
  issuedBy: 'admin\nwith a line break',
  features: [],
};

test('an order is signed at the top-tier site and verified from the pinned id', async (t) => {
  const top = await topTierSite(t);
  const whole = { ...order, hierarchyId: top.view.current().hierarchyId };
  const envelope = top.authority.signOrder(whole);
  assert.deepEqual(top.view.verifyOrder(envelope), whole);
  assert.throws(
    () => top.view.verifyOrder({ ...envelope, payload: `${envelope.payload.slice(0, -8)}AAAAAAAA` }),
    { code: 'FORGED' },
  );
  const elsewhere = top.authority.signOrder({ ...order, hierarchyId: hierarchyId('0'.repeat(64)) });
  assert.throws(() => top.view.verifyOrder(elsewhere), {
    code: 'FORGED',
    message: /made for the hierarchy 0000/,
  });
});

test('the recovery key puts a successor in force, and the key before signs nothing any more', async (t) => {
  const top = await topTierSite(t);
  const { hierarchyId: id, statement } = top.view.current();
  const before = top.authority.signOrder({ ...order, hierarchyId: id });
  await replaceKey(top);
  assert.equal(top.view.current().statement.sequence, 2);
  assert.equal(top.view.current().roster.version, 2);
  assert.throws(() => top.view.verifyOrder(before), { code: 'FORGED' });
  assert.deepEqual(
    verifyOrder(before, statement, tools).guid,
    order.guid,
    'the old statement would still believe it',
  );
  const recovery = nodeKeys.open(nodeKeys.unseal(top.recoveryKeyPem, passphrase));
  const signer = nodeKeys.open(nodeKeys.generate());
  assert.throws(
    () => top.authority.replaceOperatingKey(operatingKeyStatement(id, 2, recovery, signer.publicKey), signer),
    { code: 'OLDER' },
  );
  const other = nodeKeys.open(nodeKeys.generate());
  assert.throws(
    () => top.authority.replaceOperatingKey(operatingKeyStatement(id, 3, recovery, signer.publicKey), other),
    { code: 'WRONG_KEY' },
  );
});

test('revoking names what it cannot do', async (t) => {
  const top = await topTierSite(t);
  assert.throws(() => top.authority.revokeSite(siteCode('XYZ'), 'x'), { code: 'UNKNOWN_SITE' });
  assert.throws(() => top.authority.revokeSite(top.code, 'x'), { code: 'NOT_TOP_TIER' });
});
