import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { days, hours } from '@sallyport/core/shared/units';
import { parseEnvelope } from '@sallyport/core/wire/dsse';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import type { KeyRole } from '@sallyport/engine/ports/key-ring';
import { TestHierarchy } from '../../../engine/src/transport/exchange-https/test-support/cloud-server.ts';
import { commandOf, parseCommand } from './commands.ts';
import { releaseTrain } from './release-train.ts';
import { newVendor, never, product, VendorReader } from './test-support/vendor-reader.ts';

const typesOf = (envelopes: readonly Uint8Array[]): readonly string[] =>
  envelopes.map((bytes) => parseEnvelope(bytes, { maxBytes: 1e6 }).payloadType);

test('the same seed publishes the same bytes, and another one others', async () => {
  const digestOf = async (seed: number): Promise<string> => {
    const { vendor, random } = await newVendor(seed);
    for (const item of releaseTrain(random, { product, count: 4 })) await vendor.publish(item);
    await vendor.rotate('snapshot');
    const timestamp = await vendor.repository.metadata('timestamp.json', { maxBytes: 1e6 }, never);
    return hash('sha256', timestamp ?? '');
  };
  const [first, second, other] = [await digestOf(1), await digestOf(1), await digestOf(2)];
  assert.equal(first, second);
  assert.notEqual(first, other);
});

test('every package of a release train is believed, fetched and built, mostly by patches', async () => {
  const { vendor, clock, random } = await newVendor(3);
  const reader = await VendorReader.of({ vendor, clock });
  const train = releaseTrain(random, { product, count: 8 });
  let patches = 0;
  for (const item of train) {
    const [published] = await vendor.publish(item);
    assert.ok(published);
    const { packages } = await reader.catalogue();
    assert.ok(packages.some(({ guid }) => guid === item.guid));
    patches += (await reader.build(published)).patch;
  }
  assert.ok(patches >= 6, `${patches} patches`);
  assert.deepEqual(
    (await reader.catalogue()).packages.map(({ guid }) => guid).toSorted(),
    [...vendor.offlineSigned()].toSorted(),
  );
});

test('release trains are plausible, whatever the seed: each publishes, and hotfixes name what they mend', async () => {
  const { vendor, random } = await newVendor(5, { requiresUsageData: false });
  const kinds = new Set<string>();
  for (let turn = 0; turn < 3; turn += 1) {
    const train = releaseTrain(random, { product, count: 8, major: 10 * turn + 1 });
    const seen = new Set<string>();
    for (const item of train) {
      kinds.add(item.kind);
      for (const needed of item.requires ?? []) assert.ok(seen.has(needed));
      seen.add(item.guid);
    }
    await vendor.publish(...train);
  }
  assert.deepEqual([...kinds].toSorted(), ['baseline', 'hotfix', 'version-update']);
  assert.equal(vendor.packages.size, 24);
});

test('renewed twice a day, the repository is believed for more than a year', async () => {
  const { vendor, clock } = await newVendor(6);
  const reader = await VendorReader.of({ vendor, clock });
  const end = clock.now() + days(400);
  while (clock.now() < end) {
    await clock.advance(hours(12));
    assert.deepEqual((await vendor.renew()).missing, []);
  }
  assert.deepEqual((await reader.catalogue()).packages, []);
  await clock.advance(hours(25));
  await assert.rejects(reader.catalogue(), { code: 'EXPIRED' });
});

test('a reader follows the vendor through new keys of every role', async () => {
  const { vendor, clock, random } = await newVendor(7);
  const reader = await VendorReader.of({ vendor, clock });
  const train = releaseTrain(random, { product, count: 8 });
  const roles: KeyRole[] = [
    'root',
    'targets',
    'catalog',
    'snapshot',
    'timestamp',
    'rollout',
    'offer',
    'seal',
  ];
  for (const [index, role] of roles.entries()) {
    const item = train[index];
    assert.ok(item);
    await vendor.rotate(role);
    await vendor.publish(item);
    assert.equal((await reader.catalogue()).packages.length, index + 1, role);
  }
});

test('withdrawing and narrowing a package is published', async () => {
  const { vendor, clock, random } = await newVendor(8);
  const reader = await VendorReader.of({ vendor, clock });
  const [, item] = releaseTrain(random, { product, count: 2 });
  assert.ok(item);
  await vendor.publish(item);
  await vendor.rollout(item.guid, { hold: 'wait', percentage: 20 });
  await vendor.withdraw(item.guid);
  const [entry] = (await reader.catalogue()).packages;
  assert.match(entry?.withdrawn?.reason ?? '', /harm/);
  assert.deepEqual([...vendor.withdrawn], [item.guid]);
});

test('what the desk accepted is known after its process died, and a repeat is receipted again', async () => {
  for (const kind of ['kill', 'power'] as const) {
    const { vendor } = await newVendor(9);
    const hierarchy = new TestHierarchy();
    const code = await vendor.enrolmentCode();
    const enrolment = { code, hierarchyId: hierarchy.id, statement: hierarchy.statement() };
    await vendor.exchange.enrol(enrolment, never);
    const report = hierarchy.report(hierarchy.facts(1));
    const first = await vendor.exchange.exchange([report], never);
    assert.deepEqual(
      [typesOf(first.envelopes), first.refused],
      [[payloadTypes.receipt, payloadTypes.offer], []],
    );
    vendor.crash(kind);
    await assert.rejects(vendor.exchange.exchange([report], never), { code: 'UNREACHABLE' });
    await assert.rejects(vendor.content.offers([], never), { code: 'UNREACHABLE' });
    const asked = vendor.repository.metadata('timestamp.json', { maxBytes: 1e6 }, never);
    await assert.rejects(asked, { code: 'UNREACHABLE' });
    vendor.restart();
    await vendor.exchange.enrol(enrolment, never);
    const second = await vendor.exchange.exchange([report], never);
    assert.deepEqual(second.envelopes[0], first.envelopes[0]);
    const [known] = await vendor.hierarchies();
    assert.deepEqual([known?.id, known?.facts?.sequence, known?.offerSequence], [hierarchy.id, 1, 2]);
    const stranger = new TestHierarchy();
    await assert.rejects(
      vendor.exchange.enrol({ code, hierarchyId: stranger.id, statement: stranger.statement() }, never),
      { code: 'CODE_REFUSED' },
    );
  }
});

test('programs of generated packages are known by their arguments, others are not', () => {
  const guid = '00000000-0000-4000-8000-00000000000a';
  for (const kind of ['hook', 'probe', 'undo', 'prerequisite', 'health'] as const) {
    const command = { kind, guid, ...(kind === 'health' ? {} : { id: 'drain' }) } as Parameters<
      typeof commandOf
    >[0];
    const argv = commandOf(command).map((part) => part.replace('{release}', 'memory:products/x'));
    assert.deepEqual(parseCommand(argv), command);
  }
  assert.equal(parseCommand(['/usr/bin/env', 'hook', guid, 'drain']), undefined);
  assert.equal(parseCommand(['tool-check']), undefined);
});
