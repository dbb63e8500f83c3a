import { compareVersions, tryParseVersion } from '../../shared/version.ts';
import type { CatalogueEntry, RolloutEntry } from './package.ts';
import { evaluateRule } from './rule-evaluation.ts';
import { isDrawn, lot, lotCount, lotLimit } from './rollout.ts';
import { generalRing } from './selection-applicability.ts';
import type { SelectionContext } from './selection-input.ts';
import type { Reason } from './selection-reason.ts';

/** What the roll-out takes away from a package that the catalogue has. */
export function rolloutReasons(entry: CatalogueEntry, context: SelectionContext): readonly Reason[] {
  if (context.rollout.kind === 'absent') {
    const missing = context.rollout.why === 'missing';
    return [
      rollout(missing ? 'ROLLOUT_MISSING' : 'ROLLOUT_EXPIRED', {
        sentence: missing
          ? 'The vendor has published no roll-out, so nothing new is available.'
          : 'The roll-out has expired, so nothing new is available.',
        change: 'The next exchange brings a valid roll-out.',
      }),
    ];
  }
  const own = context.rolloutEntries.get(entry.guid);
  const reasons =
    own === undefined
      ? [
          rollout('NOT_IN_ROLLOUT', {
            sentence: 'The vendor has not begun to roll it out.',
            rule: 'packages',
            change: 'The vendor adds it to the roll-out.',
          }),
        ]
      : entryReasons(own, context);
  return [...reasons, ...floorReasons(entry, context)];
}

function entryReasons(own: RolloutEntry, context: SelectionContext): Reason[] {
  const reasons: Reason[] = [];
  const { ring, hierarchyId } = context.hierarchy;
  if (own.stopped !== undefined) {
    reasons.push(
      rollout('STOPPED', {
        sentence: `The vendor stopped it: ${own.stopped.reason}`,
        rule: 'stopped',
        change: 'The vendor lifts the stop.',
      }),
    );
  }
  if (own.held !== undefined) {
    reasons.push(
      rollout('HELD', {
        sentence: `The vendor holds it back: ${own.held.reason}`,
        rule: 'held',
        change: 'The vendor lifts the hold.',
      }),
    );
  }
  reasons.push(...conditionalHolds(own, context));
  if (own.ring !== undefined && own.ring !== generalRing && own.ring !== ring) {
    reasons.push(
      rollout('ROLLOUT_RING', {
        sentence: `It is being rolled out to the ring "${own.ring}" only; this hierarchy is in "${ring}".`,
        rule: 'ring',
        fact: 'hierarchy.ring',
        value: ring,
        change: `The hierarchy joins the ring "${own.ring}", or the vendor widens the roll-out.`,
      }),
    );
  }
  if (!isDrawn(own, hierarchyId, context.sha256)) {
    const drawn = lot(own.seed, hierarchyId, context.sha256);
    reasons.push(
      rollout('LOT', {
        sentence:
          `It is being rolled out to ${own.percentage} % of hierarchies; ` +
          `this one drew lot ${drawn} of ${lotCount}, and lots below ${lotLimit(own)} take part.`,
        rule: 'percentage',
        fact: 'hierarchy.lot',
        value: drawn,
        change: `The vendor raises the percentage above ${drawn / 100}.`,
      }),
    );
  }
  return reasons;
}

/** What cannot be judged is held: a known issue may hold too much up, never too little. */
function conditionalHolds({ heldWhere = [] }: RolloutEntry, { ruleFacts }: SelectionContext): Reason[] {
  return heldWhere.flatMap(({ reason, rule }) => {
    // What keeps "not the rule" from holding is what makes the rule hold.
    const { verdict, failing } = evaluateRule({ not: rule }, ruleFacts);
    if (verdict === 'yes') return [];
    const [leaf] = failing;
    return [
      rollout('HELD', {
        sentence: `The vendor holds it back on configurations such as this one: ${reason}`,
        rule: 'heldWhere',
        ...(leaf && { fact: leaf.fact }),
        ...(leaf?.value === undefined ? {} : { value: leaf.value }),
        change: `${leaf === undefined ? '' : `${leaf.change} Or: `}The vendor lifts the hold.`,
      }),
    ];
  });
}

function floorReasons(entry: CatalogueEntry, context: SelectionContext): readonly Reason[] {
  const { product } = context.hierarchy;
  if (product === undefined) {
    return [];
  }
  return context.floors
    .filter((floor) => isNewer(floor.version, product.version) && isNewer(entry.version, floor.version))
    .map((floor) =>
      rollout('FLOOR', {
        sentence: `${floor.version} must be installed before anything newer; ${product.version} is installed.`,
        rule: 'floor',
        fact: 'product.version',
        value: product.version,
        change: `The product is updated to ${floor.version} (${floor.guid}) first.`,
      }),
    );
}

/** What cannot be compared counts as newer: a floor may hold too much up, never too little. */
function isNewer(version: string, than: string): boolean {
  const left = tryParseVersion(version);
  const right = tryParseVersion(than);
  return left === undefined || right === undefined || compareVersions(left, right) > 0;
}

const absentOffers = {
  missing: {
    code: 'OFFER_MISSING',
    sentence: 'The vendor has made this hierarchy no offer yet, so nothing new is available.',
    change: 'The next exchange reports the hierarchy and brings an offer.',
  },
  expired: {
    code: 'OFFER_EXPIRED',
    sentence: 'The offer has expired, so nothing new is available.',
    change: 'The next exchange brings a new offer.',
  },
  older: {
    code: 'OFFER_OLDER',
    sentence: 'The offer received is older than one seen before, so it is not used.',
    change: 'The next exchange brings a newer offer.',
  },
  'other-facts': {
    code: 'OFFER_FOR_OTHER_FACTS',
    sentence: 'The offer answers other facts than this hierarchy has reported, so it is not used.',
    change: 'The next exchange reports the hierarchy as it is and brings a new offer.',
  },
} as const;

/** What the cloud's offer takes away, or its absence. */
export function offerReasons(entry: CatalogueEntry, context: SelectionContext): readonly Reason[] {
  const { offer } = context;
  switch (offer.kind) {
    case 'being-made':
      return [];
    case 'local-only':
      return context.catalogue.requiresUsageData
        ? [
            offerReason('USAGE_DATA_REQUIRED', {
              sentence:
                'The vendor offers updates of this product only in answer to reported facts, and this site reports none.',
              rule: 'requiresUsageData',
              change: 'The site is configured to exchange facts for offers.',
            }),
          ]
        : [];
    case 'absent': {
      const { code, ...rest } = absentOffers[offer.why];
      return [offerReason(code, rest)];
    }
    case 'offer': {
      const own = context.offered.get(entry.guid);
      if (own?.offered === true) {
        return [];
      }
      return [
        offerReason('NOT_OFFERED', {
          sentence:
            own === undefined
              ? 'The vendor did not name it in the offer for this hierarchy.'
              : `The vendor does not offer it to this hierarchy: ${own.reason}`,
          rule: 'packages',
          change: 'The hierarchy reports other facts, or the vendor decides otherwise, at the next exchange.',
        }),
      ];
    }
  }
}

function rollout(code: Reason['code'], rest: Omit<Reason, 'code' | 'source'>): Reason {
  return { code, source: 'roll-out', ...rest };
}

function offerReason(code: Reason['code'], rest: Omit<Reason, 'code' | 'source'>): Reason {
  return { code, source: 'offer', ...rest };
}
