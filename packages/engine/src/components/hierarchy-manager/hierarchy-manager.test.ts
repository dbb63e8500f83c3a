import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { timeText } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { flipped, refOf } from '../../../test-support/bytes.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { TestHierarchy, type TestHierarchyOptions } from './test-support/test-hierarchy.ts';
import { guids, product } from './test-support/test-vendor.ts';
import { TrustedDocuments } from './trusted-documents.ts';

const day = 86_400_000;
const never = new AbortController().signal;

/** A hierarchy that has found, and downloaded, version 2.0.0. */
async function withUpdate(t: TestContext, options: TestHierarchyOptions = {}): Promise<TestHierarchy> {
  const hierarchy = await TestHierarchy.start(t, options);
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  return hierarchy;
}

async function codesOf(hierarchy: TestHierarchy, id: string): Promise<readonly string[]> {
  return (await hierarchy.top.operations.why({ id })).reasons.map(({ code }) => code);
}

test('the newest applicable version update is selected and downloads by itself', async (t) => {
  const hierarchy = await TestHierarchy.start(t);
  await hierarchy.vendor.add(guids.update, '2.0.0');
  await hierarchy.vendor.add(guids.other, '1.5.0');
  hierarchy.vendor.sign();
  const { available, exchange } = await hierarchy.top.operations.check();
  assert.deepEqual(
    [exchange.metadata.result, exchange.facts.result, exchange.offer.result],
    ['ok', 'ok', 'ok'],
  );
  assert.deepEqual(
    available.map(({ version, verdict }) => [version, verdict]),
    [
      ['2.0.0', 'available'],
      ['1.5.0', 'superseded'],
    ],
  );
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS');
  assert.equal(
    hierarchy.state('CAS', guids.other),
    'APPLICABILITY_SUCCESS',
    'a superseded one waits to be asked for',
  );
  const own = hierarchy.top.database.read(({ updates }) => updates.events({ guid: guids.update }));
  assert.deepEqual(
    own.map(({ event }) => event),
    ['applicable', 'download-started', 'download-succeeded'],
  );
});

test('a hotfix that requires the update waits, with the reason, until the update is installed', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.vendor.add(guids.hotfix, '2.0.1', { kind: 'hotfix', requires: [guids.update] });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  const before = await hierarchy.top.operations.why({ id: '2.0.1' });
  assert.equal(before.verdict, 'not-available');
  assert.ok(
    before.reasons.some(({ code, fact }) => code === 'REQUIRES' && fact === `package.${guids.update}`),
  );
  await hierarchy.top.operations.install({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  await hierarchy.installs('CAS', guids.update);
  await hierarchy.settle();
  assert.equal((await hierarchy.top.operations.why({ id: '2.0.1' })).verdict, 'available');
  assert.equal(
    hierarchy.state('CAS', guids.hotfix),
    'APPLICABILITY_SUCCESS',
    'hotfixes wait to be asked for',
  );
});

test('expired metadata make nothing new available, and why says so; what is here stays', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.clock.jump(31 * day);
  const { packages, problem } = await hierarchy.top.operations.list({});
  assert.equal(problem?.code, 'EXPIRED');
  assert.equal(packages.find(({ guid }) => guid === guids.update)?.verdict, 'not-available');
  const why = await hierarchy.top.operations.why({ id: '2.0.0' });
  assert.equal(why.reasons[0]?.code, 'NOT_TRUSTED');
  assert.match(why.reasons[0]?.sentence ?? '', /expired/);
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS', 'nothing is thrown away');
  await assert.rejects(hierarchy.top.operations.install({ id: '2.0.0', by: 'eve' }), {
    code: 'NOT_AVAILABLE',
  });
});

test('rolled back metadata bring nothing new, keep what is trusted, and say so', async (t) => {
  const hierarchy = await withUpdate(t);
  const { repository } = hierarchy.vendor;
  repository.timestamp.version -= 2;
  repository.publish('timestamp');
  const { exchange } = await hierarchy.top.operations.check();
  assert.equal(exchange.metadata.result, 'failed');
  assert.equal(exchange.metadata.code, 'ROLLED_BACK');
  assert.equal(exchange.offer.result, 'ok', 'the other channels go on');
  const why = await hierarchy.top.operations.why({ id: '2.0.0' });
  assert.equal(why.verdict, 'available');
  assert.equal(why.exchange.metadata.code, 'ROLLED_BACK');
});

test('an expired roll-out makes nothing new available, and says so', async (t) => {
  const hierarchy = await TestHierarchy.start(t);
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.repository.targets('rollout').expires = timeText(hierarchy.clock.now() + day);
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  assert.equal((await hierarchy.top.operations.why({ id: '2.0.0' })).verdict, 'available');
  hierarchy.vendor.fault = new Error('away');
  await hierarchy.clock.jump(day + 1);
  assert.ok((await codesOf(hierarchy, '2.0.0')).includes('ROLLOUT_EXPIRED'));
});

test('what is held back by the roll-out does not start to download', async (t) => {
  const hierarchy = await TestHierarchy.start(t);
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.rollout.set(guids.update, {
    guid: guids.update,
    percentage: 100,
    seed: 's',
    held: { reason: 'a bug is being looked into' },
  });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_NA');
  assert.match(hierarchy.projection('CAS', guids.update)?.reason ?? '', /a bug is being looked into/);
  hierarchy.vendor.rollout.set(guids.update, { guid: guids.update, percentage: 100, seed: 's' });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS');
});

test('a withdrawn package is hidden at every site that has it in hand, and never installed', async (t) => {
  const hierarchy = await withUpdate(t, { children: { PR1: 'primary' } });
  await hierarchy.top.operations.checkPrerequisites({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATION_SUCCESS');
  const entry = hierarchy.vendor.entries.get(guids.update);
  assert.ok(entry);
  hierarchy.vendor.entries.set(guids.update, {
    ...entry,
    withdrawn: { at: '2026-01-11', reason: 'it eats files' },
  });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_HIDE');
  assert.deepEqual(await codesOf(hierarchy, guids.update), ['WITHDRAWN']);
  const gate = await hierarchy.site('PR1').gate.gate(guids.update, never);
  assert.equal(gate.go, false);
  assert.match(gate.go ? '' : gate.reason, /eats files/);
  await hierarchy.settle();
  await hierarchy.clock.advance(5_000);
  assert.equal(hierarchy.state('PR1', guids.update), 'APPLICABILITY_HIDE');
  await assert.rejects(hierarchy.top.operations.install({ id: guids.update, by: 'eve' }), {
    code: 'NOT_AVAILABLE',
  });
});

test('a stopped roll-out closes the gate of installs that were ordered', async (t) => {
  const hierarchy = await withUpdate(t);
  assert.deepEqual(await hierarchy.top.gate.gate(guids.update, never), { go: true });
  hierarchy.vendor.rollout.set(guids.update, {
    guid: guids.update,
    percentage: 100,
    seed: 's',
    stopped: { reason: 'stop it' },
  });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  assert.equal((await hierarchy.top.gate.gate(guids.update, never)).go, false);
  assert.equal(
    (await hierarchy.top.gate.gate(guids.other, never)).go,
    false,
    'nor is there one for a package that nobody knows',
  );
});

test('local applicability needs no offer, unless the catalogue requires usage data', async (t) => {
  const hierarchy = await TestHierarchy.start(t, { exchange: 'none' });
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  const { exchange } = await hierarchy.top.operations.check();
  assert.deepEqual(
    [exchange.mode, exchange.metadata.result, exchange.facts.result],
    ['none', 'ok', 'skipped'],
  );
  assert.deepEqual(await codesOf(hierarchy, '2.0.0'), ['USAGE_DATA_REQUIRED']);
  hierarchy.vendor.requiresUsageData = false;
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  assert.equal((await hierarchy.top.operations.why({ id: '2.0.0' })).verdict, 'available');
  assert.equal(hierarchy.vendor.received.length, 0, 'nothing left the hierarchy');
  assert.equal(hierarchy.top.operations.usage().kind, 'nothing-leaves');
});

test('every site records what it runs, once for each change', async (t) => {
  const hierarchy = await TestHierarchy.start(t, { children: { PR1: 'primary' } });
  const { sites } = await hierarchy.top.operations.sites();
  const [child] = sites.filter(({ code }) => code === 'PR1');
  assert.deepEqual(child?.products, [
    { product: 'tool', version: '1.0.0', installed: [guids.base], missing: [] },
  ]);
  const before = hierarchy.top.database.read(({ records }) =>
    records.get(hierarchy.top.identity.code, 'site-facts', 'facts'),
  )?.n;
  await hierarchy.top.manager.evaluate();
  assert.equal(
    hierarchy.top.database.read(({ records }) =>
      records.get(hierarchy.top.identity.code, 'site-facts', 'facts'),
    )?.n,
    before,
  );
});

test('a damaged document is a visible problem, and the next exchange mends it', async (t) => {
  const hierarchy = await withUpdate(t);
  const catalogue = [...hierarchy.vendor.repository.targetFiles].findLast(([path]) =>
    path.includes('catalog/'),
  )?.[1];
  assert.ok(catalogue);
  const { sha256 } = refOf(catalogue);
  hierarchy.top.blobs.files.set(hierarchy.top.blobs.pathOf(sha256), flipped(catalogue, 20));
  // What was parsed is kept: a server that starts again reads it.
  await hierarchy.top.manager.stop();
  const { database, blobs, trust, log } = hierarchy.top;
  const again = new TrustedDocuments({
    database,
    blobs,
    trust,
    log,
    clock: hierarchy.clock,
    check: checkSignature,
    digests: nodeDigests,
    products: [product],
    source: hierarchy.vendor.repository,
    content: hierarchy.vendor.content,
  });
  assert.equal((await again.view()).problem?.code, 'HASH_MISMATCH');
  assert.deepEqual(await again.refresh(never), []);
  const view = await again.view();
  assert.equal(view.problem, undefined);
  assert.equal(view.products.get(product)?.descriptors.size, 2);
});
