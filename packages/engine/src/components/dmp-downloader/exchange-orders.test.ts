import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { UpdateProjection } from '@sallyport/core/domain/updates/event';
import { propertyRuns, propertyTimeoutMs } from '@sallyport/core/shared/test-support/property';
import { parseTargetingFacts } from '@sallyport/core/wire/facts';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { type OfferSetting, readOffer } from '../hierarchy-manager/offer-setting.ts';
import { TestHierarchy, type TestSite } from '../hierarchy-manager/test-support/test-hierarchy.ts';
import { guids, type TestVendor } from '../hierarchy-manager/test-support/test-vendor.ts';
import { ExchangeError } from '../../ports/vendor-exchange.ts';

const never = new AbortController().signal;

/** What becomes of one exchange: which envelopes of its answer arrive, and what of earlier answers comes with them. */
type Exchange =
  | { readonly kind: 'answered'; readonly keeps: readonly boolean[]; readonly reversed: boolean }
  | { readonly kind: 'replayed'; readonly from: number; readonly count: number }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'vendor-acts' };

const exchange: fc.Arbitrary<Exchange> = fc.oneof(
  fc.record({
    kind: fc.constant('answered' as const),
    keeps: fc.array(fc.boolean(), { minLength: 2, maxLength: 2 }),
    reversed: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('replayed' as const),
    from: fc.nat(20),
    count: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({ kind: fc.constant('unreachable' as const) }),
  fc.record({ kind: fc.constant('vendor-acts' as const) }),
);

/**
 * What the vendor does by and by: packages come, one is withdrawn, and one’s roll-out narrowed. These two are superseded
 * from the first, and so fetched by hand only: what was fetched once would stay, and tell of the way there.
 */
const vendorActs: readonly ((vendor: TestVendor) => Promise<unknown>)[] = [
  (vendor) => vendor.add(guids.update, '2.0.0', { supersedes: [guids.hotfix, guids.other] }),
  (vendor) => vendor.add(guids.hotfix, '1.1.0'),
  (vendor) => vendor.add(guids.other, '1.2.0'),
  async ({ entries }) => {
    const entry = entries.get(guids.hotfix) ?? assert.fail();
    entries.set(guids.hotfix, { ...entry, withdrawn: { at: '2026-01-11', reason: 'it breaks' } });
  },
  async ({ rollout }) => {
    const entry = rollout.get(guids.other) ?? assert.fail();
    rollout.set(guids.other, { ...entry, percentage: 0 });
  },
];

/** Roles, and of what type their metadata is. */
const roles = {
  root: 'root',
  timestamp: 'timestamp',
  snapshot: 'snapshot',
  targets: 'targets',
  catalog: 'targets',
  rollout: 'targets',
} as const;

/** The versions that a site trusts, in the order of `roles`. */
async function trustedVersions({ trust }: TestSite): Promise<readonly number[]> {
  return Promise.all(
    Object.entries(roles).map(async ([role, type]) => {
      const bytes = await trust.load(role);
      return bytes === undefined ? 0 : parseMetadata(type, bytes).signed.version;
    }),
  );
}

function offerSeen({ top }: TestHierarchy): OfferSetting {
  return top.database.read(({ settings }) => readOffer(settings));
}

/** Each hierarchy of these tests is another one and draws other lots; and what was held before need not travel. */
function withoutChance(reason: string | undefined): string | undefined {
  return reason?.replaceAll(/drew lot \d+|: [\d.]+ k?B travelled/g, '');
}

function lasting(projection: UpdateProjection | undefined): unknown {
  if (projection === undefined) return undefined;
  const { state, reason, contentHeld, stepsDone } = projection;
  return { state, reason: withoutChance(reason), contentHeld, stepsDone };
}

/** What everybody sees at the end, without times, attempts and what counts how often was asked. */
async function seen(hierarchy: TestHierarchy): Promise<unknown> {
  const { vendor, top } = hierarchy;
  const { exchange: state, packages } = await top.operations.list({ all: true });
  const { held, highestSequence, absent } = offerSeen(hierarchy);
  const { siteCounts, products, ring } = parseTargetingFacts(vendor.received.at(-1) ?? new Uint8Array());
  return {
    results: [state.metadata.result, state.facts.result, state.offer.result],
    packages: packages.map(({ guid, verdict }) => [guid, verdict]),
    offered: held?.offer.packages.map((each) =>
      each.offered ? each : { ...each, reason: withoutChance(each.reason) },
    ),
    absent,
    // Numbers of offers count the exchanges: the one held is the vendor's newest.
    behind: [held?.offer.sequence, highestSequence].map((number = 0) => vendor.offerSequence - number),
    said: { siteCounts, products, ring },
    trusted: await Promise.all(hierarchy.sites().map(trustedVersions)),
    projections: hierarchy
      .sites()
      .flatMap(({ identity: { code } }) =>
        [...vendor.entries.keys()].map((guid) => [code, guid, lasting(hierarchy.projection(code, guid))]),
      ),
  };
}

async function play(t: TestContext, exchanges: readonly Exchange[]): Promise<unknown> {
  const hierarchy = await TestHierarchy.start(t, { children: { PR1: 'primary' } });
  const { vendor, top } = hierarchy;
  const sent: Uint8Array[] = [];
  const due = [...vendorActs];
  const vendorActsOnce = async (): Promise<void> => {
    const act = due.shift();
    if (act === undefined) return;
    await act(vendor);
    vendor.sign();
  };
  for (const each of exchanges) {
    vendor.fault = each.kind === 'unreachable' ? new ExchangeError('UNREACHABLE', 'away') : undefined;
    if (each.kind === 'vendor-acts') await vendorActsOnce();
    vendor.onAnswer = (envelopes) => {
      const earlier = [...sent];
      sent.push(...envelopes);
      if (each.kind === 'replayed') {
        const from = each.from % (earlier.length + 1);
        return earlier.slice(from, from + each.count);
      }
      if (each.kind !== 'answered') return envelopes;
      const kept = envelopes.filter((_, index) => each.keeps[index] ?? false);
      return each.reversed ? kept.toReversed().concat(kept) : kept;
    };
    const [{ highestSequence }, versions] = [offerSeen(hierarchy), await trustedVersions(top)];
    await top.operations.check();
    await hierarchy.settle();
    assert.ok(offerSeen(hierarchy).highestSequence >= highestSequence, 'no older offer is taken');
    for (const [index, version] of (await trustedVersions(top)).entries()) {
      assert.ok(
        version >= (versions[index] ?? 0),
        `${Object.keys(roles)[index]} falls to version ${version}`,
      );
    }
  }
  // One full exchange: nothing is lost on the way any more.
  while (due.length > 0) await vendorActsOnce();
  vendor.fault = undefined;
  vendor.onAnswer = (envelopes) => envelopes;
  await top.operations.check();
  for (const { documents } of hierarchy.children.values()) await documents.refresh(never);
  await hierarchy.settle();
  const state = await seen(hierarchy);
  await hierarchy.stop();
  return state;
}

/** The first offer is lost and the second is taken, its report not acknowledged; then the first one comes after all. */
const olderOffer: readonly Exchange[] = [
  { kind: 'answered', keeps: [false, false], reversed: false },
  { kind: 'answered', keeps: [false, true], reversed: false },
  { kind: 'replayed', from: 0, count: 2 },
];

test(
  'exchanges in any order, part and repetition, then one full: the same state as after that one alone',
  { timeout: propertyTimeoutMs },
  async (t) => {
    const alone = await play(t, []);
    await fc.assert(
      fc.asyncProperty(fc.array(exchange, { maxLength: 9 }), async (exchanges) => {
        assert.deepEqual(await play(t, exchanges), alone);
      }),
      { ...propertyRuns(12), examples: [[olderOffer]] },
    );
  },
);
