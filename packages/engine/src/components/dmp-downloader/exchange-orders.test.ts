import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { parseTargetingFacts } from '@sallyport/core/wire/facts';
import { readOffer } from '../hierarchy-manager/offer-setting.ts';
import { TestHierarchy } from '../hierarchy-manager/test-support/test-hierarchy.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';
import { ExchangeError } from '../../ports/vendor-exchange.ts';

const numRuns = Number(process.env['SALLYPORT_PROPERTY_RUNS'] ?? 12);

/** What becomes of one exchange: which envelopes of its answer arrive, and what of earlier answers comes with them. */
type Exchange =
  | { readonly kind: 'answered'; readonly keeps: readonly boolean[]; readonly reversed: boolean }
  | { readonly kind: 'replayed'; readonly which: number }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'publishes' };

const exchange: fc.Arbitrary<Exchange> = fc.oneof(
  fc.record({
    kind: fc.constant('answered' as const),
    keeps: fc.array(fc.boolean(), { minLength: 2, maxLength: 2 }),
    reversed: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('replayed' as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant('unreachable' as const) }),
  fc.record({ kind: fc.constant('publishes' as const) }),
);

/** What an administrator sees at the end, without the numbers that count how often was asked. */
async function seen(hierarchy: TestHierarchy): Promise<unknown> {
  const { exchange: state, packages } = await hierarchy.top.operations.list({ all: true });
  const { held } = hierarchy.top.database.read(({ settings }) => readOffer(settings));
  const { siteCounts, products, ring } = parseTargetingFacts(
    hierarchy.vendor.received.at(-1) ?? new Uint8Array(),
  );
  return {
    results: [state.metadata.result, state.facts.result, state.offer.result],
    packages: packages.map(({ guid, verdict }) => [guid, verdict]),
    offered: held?.offer.packages,
    said: { siteCounts, products, ring },
  };
}

async function play(t: TestContext, exchanges: readonly Exchange[]): Promise<unknown> {
  const hierarchy = await TestHierarchy.start(t, { children: { PR1: 'primary' } });
  const { vendor, top } = hierarchy;
  const sent: Uint8Array[] = [];
  const publish = async (): Promise<void> => {
    if (vendor.entries.has(guids.update)) return;
    await vendor.add(guids.update, '2.0.0');
    vendor.sign();
  };
  for (const each of exchanges) {
    vendor.fault = each.kind === 'unreachable' ? new ExchangeError('UNREACHABLE', 'away') : undefined;
    if (each.kind === 'publishes') await publish();
    vendor.onAnswer = (envelopes) => {
      const earlier = [...sent];
      sent.push(...envelopes);
      if (each.kind === 'replayed') {
        return earlier.slice(each.which % (earlier.length + 1)).concat(earlier.slice(0, 2));
      }
      if (each.kind !== 'answered') return envelopes;
      const kept = envelopes.filter((_, index) => each.keeps[index] ?? false);
      return each.reversed ? kept.toReversed().concat(kept) : kept;
    };
    await top.operations.check();
  }
  // One full exchange: nothing is lost on the way any more.
  await publish();
  vendor.fault = undefined;
  vendor.onAnswer = (envelopes) => envelopes;
  await top.operations.check();
  await hierarchy.settle();
  const state = await seen(hierarchy);
  await hierarchy.stop();
  return state;
}

test('exchanges in any order, part and repetition, then one full: the same state as after that one alone', async (t) => {
  const alone = await play(t, []);
  await fc.assert(
    fc.asyncProperty(fc.array(exchange, { maxLength: 6 }), async (exchanges) => {
      assert.deepEqual(await play(t, exchanges), alone);
    }),
    { numRuns },
  );
});
