import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digest, hierarchyId, type PackageGuid } from '../../shared/ids.ts';
import type { OfferedPackage } from '../exchange/exchange.ts';
import type { CatalogueEntry, PackageDescriptor, RolloutEntry } from './package.ts';
import type { OfferInput, RolloutInput, SelectionInput } from './selection-input.ts';
import { select } from './selection.ts';
import {
  catalogue,
  compiler,
  descriptor,
  entry,
  guid,
  hierarchy,
  hierarchyFacts,
  sha256,
} from './test-support/packages.ts';

const numbers = [1, 2, 3, 4, 5, 6] as const;
const ring = fc.constantFrom('general', 'early');
const version = fc.constantFrom('5.8.2', '5.8.3', '5.9.0', '5.9.2', '5.10.0');
const someGuids = fc.subarray([...numbers], { maxLength: 2 }).map((list) => list.map(guid));

const anyPackage = (
  number: number,
): fc.Arbitrary<{ readonly descriptor: PackageDescriptor; readonly entry: CatalogueEntry }> =>
  fc
    .record({
      kind: fc.constantFrom('baseline', 'version-update', 'hotfix', 'out-of-band'),
      version,
      ring,
      requires: someGuids,
      supersedes: someGuids,
      lowest: fc.option(version),
      isLinuxOnly: fc.boolean(),
      isWithdrawn: fc.boolean(),
    })
    .map(({ lowest, isLinuxOnly, isWithdrawn, ...rest }) => {
      const made = descriptor({
        ...rest,
        guid: guid(number),
        appliesTo: lowest === null ? {} : { lowest },
        ...(isLinuxOnly ? { applicability: { fact: 'platform.os', is: 'win32' } } : {}),
      });
      return {
        descriptor: made,
        entry: entry(made, isWithdrawn ? { withdrawn: { at: '2025-09-01', reason: 'x' } } : {}),
      };
    });

const because = fc.option(fc.constant({ reason: 'x' }), { nil: undefined });
const anyEntry = (number: number): fc.Arbitrary<RolloutEntry> =>
  fc
    .record({
      percentage: fc.nat(100),
      seed: fc.constantFrom('a', 'b'),
      ring: fc.option(ring, { nil: undefined }),
      held: because,
      stopped: because,
      floor: fc.boolean(),
    })
    .map(({ ring: own, held, stopped, ...rest }) => ({
      guid: guid(number),
      ...rest,
      ...(own === undefined ? {} : { ring: own }),
      ...(held === undefined ? {} : { held }),
      ...(stopped === undefined ? {} : { stopped }),
    }));

/** Entries for packages of the catalogue and for others: online keys may sign anything. */
const anyRollout: fc.Arbitrary<RolloutInput> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom<RolloutInput>(
      { kind: 'absent', why: 'missing' },
      { kind: 'absent', why: 'expired' },
    ),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(...[...numbers, 77].map(anyEntry))
      .chain((entries) => fc.subarray(entries))
      .map((packages): RolloutInput => ({
        kind: 'rollout',
        rollout: { schema: 1, product: compiler, packages },
      })),
  },
);

const anyOffer: fc.Arbitrary<OfferInput> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom<OfferInput>(
      { kind: 'absent', why: 'missing' },
      { kind: 'absent', why: 'other-facts' },
    ),
  },
  {
    weight: 5,
    arbitrary: fc
      .subarray([...numbers, 77])
      .chain((named) =>
        fc
          .tuple(...named.map(() => fc.boolean()))
          .map((flags): OfferInput =>
            offering(named.map((number, index) => [guid(number), flags[index] === true])),
          ),
      ),
  },
  { weight: 2, arbitrary: fc.constant<OfferInput>({ kind: 'local-only' }) },
);

function offering(packages: readonly (readonly [PackageGuid, boolean])[]): OfferInput {
  return {
    kind: 'offer',
    offer: {
      schema: 1,
      hierarchyId: hierarchy,
      sequence: 1,
      issuedAt: '2025-09-01T00:00:00Z',
      expiresAt: '2025-10-01T00:00:00Z',
      factsSha256: digest('c'.repeat(64)),
      packages: packages.map(([one, offered]): OfferedPackage =>
        offered ? { guid: one, offered } : { guid: one, offered, reason: 'x' },
      ),
    },
  };
}

const anyInput: fc.Arbitrary<SelectionInput> = fc
  .record({
    packages: fc.tuple(...numbers.map(anyPackage)),
    rollout: anyRollout,
    offer: anyOffer,
    ownRing: ring,
    installed: someGuids,
    requiresUsageData: fc.boolean(),
    id: fc.integer({ min: 0, max: 15 }),
  })
  .map(({ packages, rollout, offer, ownRing, installed, requiresUsageData, id }) => ({
    catalogue: catalogue(
      packages.map((one) => one.entry),
      { requiresUsageData },
    ),
    descriptors: new Map(packages.map((one) => [one.descriptor.guid, one.descriptor])),
    hierarchy: hierarchyFacts({
      hierarchyId: hierarchyId(id.toString(16).repeat(64)),
      ring: ownRing,
      product: { version: '5.8.3', installed: [guid(100), ...installed] },
    }),
    rollout,
    offer,
    sha256,
  }));

/** What may be downloaded, asked for or not. */
function obtainable(input: SelectionInput): ReadonlySet<PackageGuid> {
  return new Set(
    select(input)
      .filter(({ verdict }) => verdict === 'available' || verdict === 'superseded')
      .map((result) => result.guid),
  );
}

/** The same with roll-out and offer that allow everything: what the offline keys and the local facts allow. */
function signedAndApplicable(input: SelectionInput): ReadonlySet<PackageGuid> {
  const packages = input.catalogue.packages.map((one) => ({ guid: one.guid, percentage: 100, seed: '' }));
  return obtainable({
    ...input,
    rollout: { kind: 'rollout', rollout: { schema: 1, product: compiler, packages } },
    offer: offering(packages.map((one) => [one.guid, true])),
  });
}

test('whatever roll-out and offer say: available ⊆ offline-signed ∩ applicable', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const allowed = signedAndApplicable(input);
      for (const one of obtainable(input)) {
        assert.ok(allowed.has(one));
        const found = input.catalogue.packages.find((candidate) => candidate.guid === one);
        const described = input.descriptors.get(one);
        assert.ok(found !== undefined && described !== undefined);
        assert.equal(found.withdrawn, undefined);
        assert.notEqual(found.kind, 'baseline');
        assert.ok(described.requires.every((needed) => input.hierarchy.product?.installed.includes(needed)));
        assert.ok(!input.hierarchy.product?.installed.includes(one));
      }
    }),
    { numRuns: 500 },
  );
});

test('every package that is not available has reasons, and only those', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      for (const result of select(input)) {
        assert.equal(result.reasons.length === 0, result.verdict === 'available');
        assert.ok(result.reasons.every(({ sentence, change }) => sentence !== '' && change !== ''));
      }
    }),
    { numRuns: 300 },
  );
});

test('narrowing a roll-out or an offer never adds a package', () => {
  fc.assert(
    fc.property(
      anyInput,
      fc.nat(7),
      fc.constantFrom('drop', 'hold', 'stop', 'percentage', 'ring', 'floor'),
      (input, index, how) => {
        const before = obtainable(input);
        const narrower: SelectionInput = {
          ...input,
          rollout: narrowRollout(input.rollout, index, how),
          offer: narrowOffer(input.offer, index),
        };
        for (const one of obtainable(narrower)) {
          assert.ok(before.has(one));
        }
      },
    ),
    { numRuns: 500 },
  );
});

function narrowRollout(input: RolloutInput, index: number, how: string): RolloutInput {
  if (input.kind === 'absent') {
    return input;
  }
  const packages = input.rollout.packages.flatMap((one, at): readonly RolloutEntry[] => {
    if (at !== index) {
      return [one];
    }
    switch (how) {
      // Leaving a floor out lifts it: only entries that are none may be dropped.
      case 'drop':
        return one.floor === true ? [one] : [];
      case 'hold':
        return [{ ...one, held: { reason: 'x' } }];
      case 'stop':
        return [{ ...one, stopped: { reason: 'x' } }];
      case 'percentage':
        return [{ ...one, percentage: Math.floor(one.percentage / 2) }];
      case 'ring':
        return [one.ring === undefined || one.ring === 'general' ? { ...one, ring: 'early' } : one];
      default:
        return [{ ...one, floor: true }];
    }
  });
  return { kind: 'rollout', rollout: { ...input.rollout, packages } };
}

function narrowOffer(input: OfferInput, index: number): OfferInput {
  if (input.kind !== 'offer') {
    return input;
  }
  return {
    kind: 'offer',
    offer: { ...input.offer, packages: input.offer.packages.filter((_, at) => at !== index) },
  };
}

test('raising a percentage never takes a package from a hierarchy', () => {
  fc.assert(
    fc.property(anyInput, fc.nat(7), fc.nat(100), (input, index, more) => {
      if (input.rollout.kind === 'absent') {
        return;
      }
      const { rollout } = input.rollout;
      const packages = rollout.packages.map((one, at) =>
        at === index ? { ...one, percentage: Math.min(100, one.percentage + more) } : one,
      );
      const after = obtainable({ ...input, rollout: { kind: 'rollout', rollout: { ...rollout, packages } } });
      for (const one of obtainable(input)) {
        assert.ok(after.has(one));
      }
    }),
    { numRuns: 300 },
  );
});
