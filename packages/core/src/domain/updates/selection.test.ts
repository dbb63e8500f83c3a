import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest, hierarchyId, type PackageGuid } from '../../shared/ids.ts';
import type { Offer } from '../exchange/exchange.ts';
import type { PackageDescriptor, RolloutEntry } from './package.ts';
import { lot } from './rollout.ts';
import type { Rule } from './rule.ts';
import type { OfferInput, SelectionInput } from './selection-input.ts';
import type { ReasonCode, SelectionResult } from './selection-reason.ts';
import { applicabilityEvent, newestToDownload, select } from './selection.ts';
import {
  catalogue,
  descriptor,
  entry,
  guid,
  hierarchy,
  hierarchyFacts,
  rollout,
  selectionInput,
  sha256,
} from './test-support/packages.ts';

/** The one package of a selection, or the one with the GUID. */
function only(input: SelectionInput, of: PackageGuid = guid(1)): SelectionResult {
  const found = select(input).find((result) => result.guid === of);
  assert.ok(found !== undefined);
  return found;
}

function codes(result: SelectionResult): readonly ReasonCode[] {
  for (const { sentence, change } of result.reasons) {
    assert.ok(sentence.length > 0 && change.length > 0);
  }
  return result.reasons.map(({ code }) => code);
}

function offerOf(packages: Offer['packages']): OfferInput {
  return {
    kind: 'offer',
    offer: {
      schema: 1,
      hierarchyId: hierarchy,
      sequence: 1,
      issuedAt: '2025-09-01T00:00:00Z',
      expiresAt: '2025-10-01T00:00:00Z',
      factsSha256: digest('c'.repeat(64)),
      packages,
    },
  };
}

const update = descriptor();

test('makes an applicable package that is rolled out available, without reasons', () => {
  const result = only(selectionInput([update]));
  assert.deepEqual([result.verdict, result.reasons], ['available', []]);
});

test('never offers a baseline', () => {
  const baseline = descriptor({ kind: 'baseline' });
  assert.deepEqual(codes(only(selectionInput([baseline]))), ['BASELINE']);
});

test('says that an installed package is installed, also when it was withdrawn', () => {
  const facts = hierarchyFacts({ product: { version: '5.9.2', installed: [guid(100), guid(1)] } });
  assert.equal(only(selectionInput([update], { hierarchy: facts })).verdict, 'installed');
  const withdrawn = catalogue([entry(update, { withdrawn: { at: '2025-09-01', reason: 'It breaks.' } })]);
  assert.deepEqual(codes(only(selectionInput([update], { hierarchy: facts, catalogue: withdrawn }))), [
    'INSTALLED',
    'WITHDRAWN',
  ]);
});

test('gives the vendor’s reason for a withdrawn package and nothing else', () => {
  const withdrawn = catalogue([entry(update, { withdrawn: { at: '2025-09-01', reason: 'It breaks.' } })]);
  const result = only(
    selectionInput([update], { catalogue: withdrawn, rollout: { kind: 'absent', why: 'missing' } }),
  );
  assert.deepEqual(codes(result), ['WITHDRAWN']);
  assert.match(result.reasons[0]?.sentence ?? '', /2025-09-01: It breaks\./);
});

test('does not judge a package whose description is missing or is of another package', () => {
  assert.deepEqual(codes(only(selectionInput([update], { descriptors: new Map() }))), ['DESCRIPTOR_MISSING']);
  const other = new Map([[guid(1), descriptor({ version: '5.9.1' })]]);
  assert.deepEqual(codes(only(selectionInput([update], { descriptors: other }))), ['DESCRIPTOR_MISMATCH']);
});

test('compares versions with what is installed', () => {
  const cases: readonly (readonly [Partial<PackageDescriptor>, readonly ReasonCode[]])[] = [
    [{ version: '5.8.3' }, ['NOT_NEWER']],
    [{ version: '5.7.0' }, ['NOT_NEWER']],
    [{ kind: 'hotfix', version: '5.8.3' }, []],
    [{ kind: 'hotfix', version: '5.8.2' }, ['NOT_NEWER']],
    [{ appliesTo: { lowest: '5.8', highest: '5.8.3' } }, []],
    [{ appliesTo: { lowest: '5.8.4' } }, ['VERSION_TOO_LOW']],
    [{ appliesTo: { highest: '5.8.2' } }, ['VERSION_TOO_HIGH']],
  ];
  for (const [change, expected] of cases) {
    assert.deepEqual(codes(only(selectionInput([descriptor(change)]))), expected, JSON.stringify(change));
  }
  const unreadable = hierarchyFacts({ product: { version: 'nightly', installed: [] } });
  assert.deepEqual(codes(only(selectionInput([update], { hierarchy: unreadable }))), ['VERSION_UNREADABLE']);
});

test('offers nothing of a product that is not installed', () => {
  const { product: _, ...facts } = hierarchyFacts();
  assert.deepEqual(codes(only(selectionInput([update], { hierarchy: facts }))), ['PRODUCT_NOT_INSTALLED']);
});

test('names the packages that one requires', () => {
  const hotfix = descriptor({
    guid: guid(2),
    kind: 'hotfix',
    version: '5.9.3',
    requires: [guid(1), guid(9)],
  });
  const result = only(selectionInput([update, hotfix]), guid(2));
  assert.deepEqual(codes(result), ['REQUIRES', 'REQUIRES']);
  assert.match(result.reasons[0]?.sentence ?? '', /requires TypeScript 5\.9\.2 \(5\.9\.2, 0{8}-/);
  assert.match(result.reasons[1]?.sentence ?? '', /requires package 0{8}-/);
  assert.deepEqual([result.reasons[0]?.fact, result.reasons[0]?.value], [`package.${guid(1)}`, false]);
});

test('leaves an older version update to be downloaded by hand, superseded by the newer', () => {
  const newer = descriptor({ guid: guid(2), version: '5.10.0' });
  const results = select(selectionInput([update, newer]));
  assert.deepEqual(
    results.map(({ verdict }) => verdict),
    ['superseded', 'available'],
  );
  assert.match(
    results[0]?.reasons[0]?.sentence ?? '',
    /TypeScript 5\.10\.0 \(5\.10\.0\) is available and replaces it/,
  );
  // A newer one that is not available supersedes nothing.
  const held = selectionInput([update, newer], { rollout: { kind: 'rollout', rollout: rollout([guid(1)]) } });
  assert.deepEqual(
    select(held).map(({ verdict }) => verdict),
    ['available', 'not-available'],
  );
});

test('takes a package for superseded that an available or installed one names', () => {
  const first = descriptor({ guid: guid(2), kind: 'hotfix', version: '5.8.3' });
  const second = descriptor({ guid: guid(3), kind: 'hotfix', version: '5.8.3', supersedes: [guid(2)] });
  assert.equal(only(selectionInput([first, second]), guid(2)).verdict, 'superseded');
  const installed = hierarchyFacts({ product: { version: '5.8.3', installed: [guid(3)] } });
  const result = only(selectionInput([first, second], { hierarchy: installed }), guid(2));
  assert.deepEqual(codes(result), ['SUPERSEDED_BY_INSTALLED']);
});

test('keeps a ring to itself', () => {
  const early = descriptor({ ring: 'early' });
  assert.deepEqual(codes(only(selectionInput([early]))), ['RING']);
  assert.deepEqual(
    codes(only(selectionInput([early], { hierarchy: hierarchyFacts({ ring: 'early' }) }))),
    [],
  );
  const narrowed = { kind: 'rollout', rollout: rollout([guid(1)], { ring: 'early' }) } as const;
  assert.deepEqual(codes(only(selectionInput([update], { rollout: narrowed }))), ['ROLLOUT_RING']);
  // The roll-out cannot open what the descriptor keeps to a ring.
  const widened = { kind: 'rollout', rollout: rollout([guid(1)], { ring: 'general' }) } as const;
  assert.deepEqual(codes(only(selectionInput([early], { rollout: widened }))), ['RING']);
});

test('explains a rule by its failing facts; an unknown one never makes a package available', () => {
  const ruled = descriptor({
    applicability: {
      all: [
        { fact: 'platform.os', is: 'win32', says: 'Windows only.' },
        { fact: 'sites.tpm', is: true },
        { fact: `package.${guid(1)}`, is: false },
      ],
    },
  });
  const result = only(selectionInput([ruled]));
  assert.deepEqual(codes(result), ['RULE', 'RULE_UNKNOWN']);
  assert.deepEqual(
    result.reasons.map(({ fact, value, sentence }) => [fact, value, sentence]),
    [
      ['platform.os', 'linux', 'Windows only.'],
      ['sites.tpm', undefined, 'sites.tpm must be true; it is not known.'],
    ],
  );
});

test('makes nothing available without a valid roll-out, and says which', () => {
  for (const [why, code] of [
    ['missing', 'ROLLOUT_MISSING'],
    ['expired', 'ROLLOUT_EXPIRED'],
  ] as const) {
    assert.deepEqual(codes(only(selectionInput([update], { rollout: { kind: 'absent', why } }))), [code]);
  }
  assert.deepEqual(
    codes(only(selectionInput([update], { rollout: { kind: 'rollout', rollout: rollout([]) } }))),
    ['NOT_IN_ROLLOUT'],
  );
});

test('follows holds, stops and the lot of the hierarchy', () => {
  const change = { percentage: 0, held: { reason: 'Wait.' }, stopped: { reason: 'Broken.' } };
  const result = only(
    selectionInput([update], { rollout: { kind: 'rollout', rollout: rollout([guid(1)], change) } }),
  );
  assert.deepEqual(codes(result), ['STOPPED', 'HELD', 'LOT']);
  assert.match(
    result.reasons[2]?.sentence ?? '',
    new RegExp(`to 0 % .* drew lot ${lot('seed', hierarchy, sha256)} of 10000`),
  );
});

test('holds a package where a rule over reported facts holds or cannot be judged, and nowhere else', () => {
  const reasonsOf = (heldWhere: RolloutEntry['heldWhere']) =>
    only(
      selectionInput([update], {
        rollout: { kind: 'rollout', rollout: rollout([guid(1)], { ...(heldWhere && { heldWhere }) }) },
      }),
    ).reasons;
  const hold = (rule: Rule) => [{ reason: 'It loses settings.', rule }];
  const [held, ...others] = reasonsOf(hold({ fact: 'platform.os', is: 'linux' }));
  assert.deepEqual([held?.code, held?.fact, held?.value, others], ['HELD', 'platform.os', 'linux', []]);
  assert.match(held?.sentence ?? '', /configurations such as this one: It loses settings\./);
  assert.match(held?.change ?? '', /platform\.os must not be .* The vendor lifts the hold/);
  assert.deepEqual(reasonsOf(hold({ fact: 'platform.os', is: 'other' })), []);
  assert.deepEqual(
    reasonsOf(hold({ fact: 'nobody.reports', is: 'this' })).map(({ code }) => code),
    ['HELD'],
  );
  assert.deepEqual(
    reasonsOf(
      hold({
        all: [
          { fact: 'platform.os', is: 'other' },
          { fact: 'nobody.reports', is: 1 },
        ],
      }),
    ),
    [],
    'a part that is known not to hold is enough',
  );
});

test('lets nothing past a floor until it is installed', () => {
  const floor = descriptor({ guid: guid(2), version: '5.9.0' });
  const hotfix = descriptor({ guid: guid(3), kind: 'hotfix', version: '5.8.3' });
  const packages = [update, floor, hotfix];
  const withFloor = {
    schema: 1,
    product: update.product,
    packages: rollout([guid(1), guid(2), guid(3)]).packages.map((one) =>
      one.guid === guid(2) ? { ...one, floor: true } : one,
    ),
  } as const;
  const input = selectionInput(packages, { rollout: { kind: 'rollout', rollout: withFloor } });
  assert.deepEqual(codes(only(input)), ['FLOOR']);
  assert.equal(only(input, guid(2)).verdict, 'available');
  assert.equal(only(input, guid(3)).verdict, 'available');
  const past = hierarchyFacts({ product: { version: '5.9.0', installed: [guid(100), guid(2)] } });
  assert.equal(only({ ...input, hierarchy: past }).verdict, 'available');
  // A floor that was withdrawn holds nobody up.
  const withdrawn = catalogue([
    entry(update),
    entry(floor, { withdrawn: { at: '2025-09-01', reason: 'x' } }),
    entry(hotfix),
  ]);
  assert.equal(only({ ...input, catalogue: withdrawn }).verdict, 'available');
});

test('makes nothing available without a usable offer, and says what is wrong with it', () => {
  const cases = [
    ['missing', 'OFFER_MISSING'],
    ['expired', 'OFFER_EXPIRED'],
    ['older', 'OFFER_OLDER'],
    ['other-facts', 'OFFER_FOR_OTHER_FACTS'],
  ] as const;
  for (const [why, code] of cases) {
    assert.deepEqual(codes(only(selectionInput([update], { offer: { kind: 'absent', why } }))), [code]);
  }
});

test('takes away what the offer withholds or does not name', () => {
  assert.equal(
    only(selectionInput([update], { offer: offerOf([{ guid: guid(1), offered: true }]) })).verdict,
    'available',
  );
  assert.deepEqual(codes(only(selectionInput([update], { offer: offerOf([]) }))), ['NOT_OFFERED']);
  const withheld = only(
    selectionInput([update], { offer: offerOf([{ guid: guid(1), offered: false, reason: 'Not for you.' }]) }),
  );
  assert.match(withheld.reasons[0]?.sentence ?? '', /Not for you\./);
});

test('does not do without an offer where the catalogue requires usage data', () => {
  const strict = catalogue([entry(update)], { requiresUsageData: true });
  assert.deepEqual(codes(only(selectionInput([update], { catalogue: strict }))), ['USAGE_DATA_REQUIRED']);
  const offer = offerOf([{ guid: guid(1), offered: true }]);
  assert.equal(only(selectionInput([update], { catalogue: strict, offer })).verdict, 'available');
});

test('names everything that stands against a package, not the first thing only', () => {
  const result = only(
    selectionInput([descriptor({ ring: 'early', requires: [guid(9)] })], {
      rollout: { kind: 'absent', why: 'expired' },
      offer: { kind: 'absent', why: 'missing' },
    }),
  );
  assert.deepEqual(codes(result), ['REQUIRES', 'RING', 'ROLLOUT_EXPIRED', 'OFFER_MISSING']);
  assert.deepEqual(
    result.reasons.map(({ source }) => source),
    ['applicability', 'applicability', 'roll-out', 'offer'],
  );
});

test('downloads the newest version update; ties go by release date, then GUID', () => {
  const choose = (...descriptors: readonly PackageDescriptor[]): PackageGuid | undefined => {
    const input = selectionInput(descriptors);
    return newestToDownload(select(input), input.descriptors);
  };
  const a = descriptor({ guid: guid(1), version: '5.9.2', releasedAt: '2025-08-01' });
  assert.equal(choose(), undefined);
  assert.equal(
    choose(a, descriptor({ guid: guid(2), version: '5.10.0', releasedAt: '2025-01-01' })),
    guid(2),
  );
  assert.equal(
    choose(a, descriptor({ guid: guid(2), version: '5.9.2', releasedAt: '2025-08-01T10:00:00Z' })),
    guid(2),
  );
  assert.equal(choose(a, descriptor({ guid: guid(2) })), choose(descriptor({ guid: guid(2) }), a));
  assert.equal(choose(descriptor({ kind: 'hotfix' })), undefined);
});

test('tells the state machine what was found', () => {
  const event = (input: SelectionInput): string => applicabilityEvent(only(input)).event;
  assert.equal(event(selectionInput([update])), 'applicable');
  assert.equal(event(selectionInput([update, descriptor({ guid: guid(2), version: '6.0' })])), 'applicable');
  assert.equal(event(selectionInput([descriptor({ ring: 'early' })])), 'not-applicable');
  assert.equal(event(selectionInput([descriptor({ kind: 'baseline' })])), 'hidden');
  assert.equal(event(selectionInput([descriptor({ version: '5.0' })])), 'hidden');
  assert.equal(event(selectionInput([update], { descriptors: new Map() })), 'applicability-failed');
  assert.notEqual(applicabilityEvent(only(selectionInput([update]))).reason, '');
});

test('judges a catalogue of thousands in linear time', () => {
  const many = Array.from({ length: 5000 }, (_, index) =>
    descriptor({
      guid: guid(index + 1000),
      version: `5.9.${index}`,
      applicability: { fact: 'platform.os', is: 'linux' },
    }),
  );
  const results = select(
    selectionInput(many, { hierarchy: hierarchyFacts({ hierarchyId: hierarchyId('d'.repeat(64)) }) }),
  );
  assert.equal(results.filter(({ verdict }) => verdict === 'available').length, 1);
  assert.equal(results.filter(({ verdict }) => verdict === 'superseded').length, 4999);
});
