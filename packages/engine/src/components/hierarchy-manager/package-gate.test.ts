import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { timeText } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import type { RolloutEntry } from '@sallyport/core/domain/updates/package';
import { flipped } from '../../../test-support/bytes.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { HierarchyView } from '../hierarchy-identity/hierarchy-view.ts';
import { fixedRandom } from '../work/test-support/fixed-ports.ts';
import { HierarchyManager } from './hierarchy-manager.ts';
import { TrustedPackageGate } from './package-gate.ts';
import { TestHierarchy } from './test-support/test-hierarchy.ts';
import { guids, product } from './test-support/test-vendor.ts';
import { TrustedDocuments } from './trusted-documents.ts';

const day = 86_400_000;
const never = new AbortController().signal;
const stop: RolloutEntry = {
  guid: guids.update,
  percentage: 100,
  seed: 's',
  stopped: { reason: 'it eats files' },
};

async function withUpdate(t: TestContext): Promise<TestHierarchy> {
  const hierarchy = await TestHierarchy.start(t);
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  return hierarchy;
}

async function stopUpdate(hierarchy: TestHierarchy): Promise<void> {
  hierarchy.vendor.rollout.set(guids.update, stop);
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
}

/** Days at once: whoever sleeps meanwhile is not woken every few seconds of them. */
async function passes({ clock }: TestHierarchy, ms: number): Promise<void> {
  clock.set(clock.now() + ms);
  await clock.settle();
}

/** Flips a byte of a document that the top-tier site holds. */
function damage({ top }: TestHierarchy, path: string): void {
  const targets = top.database.read(({ settings }) => settings.get('trusted')) as {
    readonly targets: Readonly<Record<string, BlobRef>>;
  };
  const blob = targets.targets[path];
  assert.ok(blob);
  const file = top.blobs.pathOf(blob.sha256);
  top.blobs.files.set(file, flipped(top.blobs.files.get(file) ?? new Uint8Array(), 20));
}

/** The top-tier site as it is after a new start: nothing is remembered but what is stored. */
async function startedAgain(
  t: TestContext,
  hierarchy: TestHierarchy,
): Promise<{
  readonly documents: TrustedDocuments;
  readonly gate: TrustedPackageGate;
  readonly manager: HierarchyManager;
}> {
  await hierarchy.top.downloader.stop();
  await hierarchy.top.manager.stop();
  const { database, blobs, trust, log, releases, identity: site } = hierarchy.top;
  const { clock, vendor } = hierarchy;
  const check = checkSignature;
  const documents = new TrustedDocuments({
    database,
    blobs,
    trust,
    log,
    clock,
    check,
    digests: nodeDigests,
    products: [product],
    source: vendor.repository,
    content: vendor.content,
  });
  const manager = new HierarchyManager({
    site,
    database,
    documents,
    releases,
    log,
    clock,
    hierarchy: new HierarchyView({ database, check, digestOf: nodeDigests.of }),
    digests: nodeDigests,
    random: fixedRandom(0),
    platform: { os: 'linux', arch: 'x64' },
    ring: 'general',
    exchange: 'vendor',
    components: () => [],
    linkProblems: () => [],
  });
  t.after(() => manager.stop());
  return { documents, manager, gate: new TrustedPackageGate({ site, documents, clock, log }) };
}

async function works(manager: HierarchyManager): Promise<void> {
  await manager.start(never);
  await manager.evaluate();
}

test('a stop closes the gate also when its roll-out, or everything, has expired', async (t) => {
  const hierarchy = await withUpdate(t);
  const { repository } = hierarchy.vendor;
  repository.targets('rollout').expires = timeText(hierarchy.clock.now() + day);
  await stopUpdate(hierarchy);
  await passes(hierarchy, 2 * day);
  const view = await hierarchy.top.documents.view();
  assert.equal(view.problem, undefined);
  assert.deepEqual(view.products.get(product)?.rollout, { kind: 'absent', why: 'expired' });
  const answer = await hierarchy.top.gate.gate(guids.update, never);
  assert.match(answer.go ? '' : answer.reason, /stopped .* it eats files/);
  await passes(hierarchy, 400 * day);
  assert.equal((await hierarchy.top.documents.view()).problem?.code, 'EXPIRED');
  assert.deepEqual(await hierarchy.top.gate.gate(guids.update, never), answer);
});

test('a stop that the vendor lifted opens the gate, and expiry closes none that was open', async (t) => {
  const hierarchy = await withUpdate(t);
  await stopUpdate(hierarchy);
  assert.equal((await hierarchy.top.gate.gate(guids.update, never)).go, false);
  hierarchy.vendor.rollout.set(guids.update, { guid: guids.update, percentage: 100, seed: 's' });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  assert.deepEqual(await hierarchy.top.gate.gate(guids.update, never), { go: true });
  await passes(hierarchy, 400 * day);
  assert.deepEqual(await hierarchy.top.gate.gate(guids.update, never), { go: true });
});

for (const path of ['catalog/tool.json', 'rollout/tool.json']) {
  test(`while ${path} is damaged nothing is decided, until it has been fetched again`, async (t) => {
    const hierarchy = await withUpdate(t);
    damage(hierarchy, path);
    const { documents, gate, manager } = await startedAgain(t, hierarchy);
    const answer = await gate.gate(guids.update, never);
    assert.equal(answer.go, false);
    assert.equal(answer.undecided, true);
    assert.match(answer.reason, /not known whether the vendor .* cannot be read here/);
    assert.deepEqual(
      (await documents.view()).damaged.map(({ what }) => what),
      [path],
    );
    await assert.rejects(documents.roots(), { code: 'NOT_HELD' }, 'nothing may be collected meanwhile');
    await works(manager);
    assert.deepEqual((await documents.view()).damaged, []);
    assert.deepEqual(await gate.gate(guids.update, never), { go: true });
    assert.ok((await documents.roots()).size > 3);
  });
}

test('a damaged roll-out comes back with the stop that it held', async (t) => {
  const hierarchy = await withUpdate(t);
  await stopUpdate(hierarchy);
  damage(hierarchy, 'rollout/tool.json');
  const { gate, manager } = await startedAgain(t, hierarchy);
  assert.equal((await gate.gate(guids.update, never)).go, false);
  await works(manager);
  const answer = await gate.gate(guids.update, never);
  assert.match(answer.go ? '' : answer.reason, /it eats files/);
});

test('a damaged descriptor comes back without an exchange', async (t) => {
  const hierarchy = await withUpdate(t);
  const { top, vendor } = hierarchy;
  const { sha256 } = vendor.entries.get(guids.update)?.descriptor ?? assert.fail();
  const file = top.blobs.pathOf(sha256);
  top.blobs.files.set(file, flipped(top.blobs.files.get(file) ?? new Uint8Array(), 20));
  const { documents, manager } = await startedAgain(t, hierarchy);
  assert.deepEqual(
    (await documents.view()).damaged.map(({ what, code }) => [what, code]),
    [[guids.update, 'HASH_MISMATCH']],
  );
  await works(manager);
  const view = await documents.view();
  assert.deepEqual(view.damaged, []);
  assert.equal(view.products.get(product)?.descriptors.size, 2);
});

test('a source that cannot be asked leaves a damaged document undecided, and is asked again a minute later', async (t) => {
  const hierarchy = await withUpdate(t);
  damage(hierarchy, 'catalog/tool.json');
  const { gate, manager } = await startedAgain(t, hierarchy);
  const { repository } = hierarchy.vendor;
  const files = [...repository.metadataFiles];
  repository.metadataFiles.clear();
  await gate.gate(guids.update, never);
  await works(manager);
  assert.equal((await gate.gate(guids.update, never)).go, false);
  for (const [name, bytes] of files) repository.metadataFiles.set(name, bytes);
  await works(manager);
  assert.equal((await gate.gate(guids.update, never)).go, false, 'not in the same minute');
  await hierarchy.clock.advance(60_000);
  await works(manager);
  assert.deepEqual(await gate.gate(guids.update, never), { go: true });
});
