import assert from 'node:assert/strict';
import { TestSigner } from '@sallyport/core/domain/trust/test-support/signer';
import { type TargetsJson, timeText } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import type { Catalogue, RolloutEntry } from '@sallyport/core/domain/updates/package';
import { digest, hierarchyId } from '@sallyport/core/shared/ids';
import { catalogueFormat, parseCatalogue } from '@sallyport/core/wire/catalogue';
import { descriptorFormat } from '@sallyport/core/wire/descriptor';
import { rolloutFormat } from '@sallyport/core/wire/rollout';
import fc from 'fast-check';
import { nodeDigests } from '../../../compute/digest.ts';
import type { TestHierarchy } from './test-hierarchy.ts';
import { guidOf, guids, product } from './test-vendor.ts';

/** What the thief of the online keys would like to see installed; no offline key ever signed for it. */
export const evil = guidOf(66);
const listed = [1, 2, 3, 4, 66] as const;
const day = 86_400_000;

interface Offered {
  readonly guids: readonly number[];
  readonly sequence: number;
  readonly days: number;
  readonly isOurs: boolean;
}

/** What is signed next, by the vendor or with its stolen keys: those of roll-out, snapshot, timestamp and offers. */
export type Act =
  | { readonly kind: 'roll-out'; readonly entries: readonly RolloutEntry[] }
  | { readonly kind: 'offer'; readonly offer: Offered }
  | { readonly kind: 'forge'; readonly role: 'catalog' | 'root' | 'targets' }
  | {
      readonly kind:
        | 'catalog-back'
        | 'claim-catalog'
        | 'delegate-further'
        | 'drop-catalog'
        | 'fast-forward'
        | 'other-bytes'
        | 'replay'
        | 'tomorrow'
        | 'vendor-signs'
        | 'vendor-withdraws';
    };

const because = fc.option(fc.constant({ reason: 'x' }), { nil: undefined });
const entry: fc.Arbitrary<RolloutEntry> = fc
  .record({
    number: fc.constantFrom(...listed),
    percentage: fc.constantFrom(0, 50, 100),
    ring: fc.constantFrom('general', 'early'),
    stopped: because,
    floor: fc.boolean(),
  })
  .map(({ number, stopped, ...rest }) => ({
    guid: guidOf(number),
    seed: 's',
    ...rest,
    ...(stopped === undefined ? {} : { stopped }),
  }));

export const anyAct: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constant('roll-out'),
    entries: fc.uniqueArray(entry, { maxLength: 5, selector: ({ guid }) => guid }),
  }),
  fc.record({
    kind: fc.constant('offer'),
    offer: fc.record({
      guids: fc.subarray([...listed]),
      sequence: fc.integer({ min: 1, max: 9 }),
      days: fc.integer({ min: -2, max: 400 }),
      isOurs: fc.boolean(),
    }),
  }),
  fc.record({ kind: fc.constant('forge'), role: fc.constantFrom('catalog', 'root', 'targets') }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'catalog-back',
        'claim-catalog',
        'delegate-further',
        'drop-catalog',
        'fast-forward',
        'other-bytes',
        'replay',
        'tomorrow',
        'vendor-signs',
        'vendor-withdraws',
      ),
    }),
  },
);

/** A vendor whose online keys were stolen: what it signs itself, and what the thief does. */
export class Theft {
  readonly #hierarchy: TestHierarchy;
  /** Every catalogue that the offline keys signed, oldest first. */
  readonly signed: Catalogue[] = [];
  #replay: ReadonlyMap<string, Uint8Array>;

  constructor(hierarchy: TestHierarchy) {
    this.#hierarchy = hierarchy;
    this.#replay = new Map(hierarchy.vendor.repository.metadataFiles);
  }

  /** The vendor itself signs everything. */
  sign(): void {
    const { vendor } = this.#hierarchy;
    vendor.sign();
    this.signed.push(this.#catalogue());
    this.#replay = new Map(vendor.repository.metadataFiles);
  }

  do(next: Act): void {
    const { vendor } = this.#hierarchy;
    const { repository } = vendor;
    switch (next.kind) {
      case 'vendor-signs':
        return this.sign();
      case 'vendor-withdraws': {
        const found = vendor.entries.get(guids.update) ?? assert.fail();
        vendor.entries.set(guids.update, { ...found, withdrawn: { at: '2026-01-11', reason: 'x' } });
        return this.sign();
      }
      case 'roll-out': {
        const rollout = rolloutFormat.print({ schema: 1, product, packages: next.entries });
        repository.addTarget('rollout/tool.json', rollout, 'rollout');
        return repository.publish('rollout', 'snapshot', 'timestamp');
      }
      case 'offer':
        vendor.onAnswer = (envelopes) => [...envelopes.slice(0, 1), this.#offer(next.offer)];
        return undefined;
      case 'claim-catalog':
        repository.addTarget('catalog/tool.json', this.#evilCatalogue(), 'rollout');
        return repository.publish('rollout', 'snapshot', 'timestamp');
      case 'delegate-further': {
        const signer = repository.delegate('rollout', 'accomplice', { paths: ['*/*'] });
        repository.signers.set('accomplice', [signer]);
        repository.addTarget('catalog/tool.json', this.#evilCatalogue(), 'accomplice');
        const { roles } = repository.targets('rollout').delegations ?? assert.fail();
        roles.splice(0, roles.length - 1);
        return repository.publish('accomplice', 'rollout', 'snapshot', 'timestamp');
      }
      case 'forge':
        return this.#forge(next.role);
      case 'drop-catalog':
        delete repository.snapshot.meta['catalog.json'];
        return repository.publish('snapshot', 'timestamp');
      case 'catalog-back':
        repository.snapshot.meta['catalog.json'] = { version: 1 };
        return repository.publish('snapshot', 'timestamp');
      case 'fast-forward':
        repository.timestamp.version += 1000;
        repository.snapshot.version += 1000;
        return repository.publish('snapshot', 'timestamp');
      case 'tomorrow':
        repository.timestamp['x-sallyport-issued'] = timeText(this.#hierarchy.clock.now() + day);
        return repository.publish('timestamp');
      case 'other-bytes':
        for (const path of repository.targetFiles.keys()) {
          if (path.startsWith('catalog/')) repository.targetFiles.set(path, this.#evilCatalogue());
        }
        return undefined;
      case 'replay':
        for (const [name, bytes] of this.#replay) repository.metadataFiles.set(name, bytes);
        return undefined;
    }
  }

  /** Signs an offline role with what was stolen, and has the online roles vouch for it. */
  #forge(role: 'catalog' | 'root' | 'targets'): void {
    const { repository } = this.#hierarchy.vendor;
    const stolen = repository.signers.get('rollout') ?? [];
    if (role === 'root') {
      repository.metadataFiles.set(
        `${String(repository.root.version + 1)}.root.json`,
        repository.sign('root', stolen),
      );
      return;
    }
    const honest = repository.targets(role);
    const forged: TargetsJson = { ...structuredClone(honest), version: honest.version + 1 };
    repository.targetsRoles.set(role, forged);
    repository.addTarget('catalog/tool.json', this.#evilCatalogue(), role);
    if (role === 'targets') Reflect.deleteProperty(forged, 'delegations');
    repository.serve(role, repository.sign(role, [...stolen, new TestSigner()]));
    repository.publish('snapshot', 'timestamp');
    repository.targetsRoles.set(role, honest);
  }

  #offer({ guids: offered, sequence, days, isOurs }: Offered): Uint8Array {
    const { vendor, roster, clock } = this.#hierarchy;
    const now = clock.now();
    return vendor.signedOffer({
      schema: 1,
      hierarchyId: isOurs ? roster.hierarchyId : hierarchyId('e'.repeat(64)),
      sequence: vendor.offerSequence + sequence,
      issuedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + days * day).toISOString(),
      factsSha256: digest(nodeDigests.of('sha256', vendor.received.at(-1) ?? new Uint8Array())),
      packages: offered.map((number) => ({ guid: guidOf(number), offered: true })),
    });
  }

  #catalogue(): Catalogue {
    const { vendor } = this.#hierarchy;
    const bytes = [...vendor.repository.targetFiles].findLast(([path]) => path.startsWith('catalog/'))?.[1];
    return parseCatalogue(bytes ?? assert.fail());
  }

  /** Everything, and the thief's own package with a description that fits it. */
  #evilCatalogue(): Uint8Array {
    const { vendor } = this.#hierarchy;
    const [first] = vendor.descriptors.values();
    const bytes = descriptorFormat.print({
      ...(first ?? assert.fail()),
      guid: evil,
      kind: 'version-update',
      version: '9.0.0',
    });
    const sha256 = digest(nodeDigests.of('sha256', bytes));
    vendor.blobs.files.set(vendor.blobs.pathOf(sha256), bytes);
    return catalogueFormat.print({
      schema: 1,
      product,
      productName: 'Tool',
      requiresUsageData: false,
      packages: [
        ...[...vendor.entries.values()].map(({ guid, kind, version, descriptor }) => ({
          guid,
          kind,
          version,
          descriptor,
        })),
        {
          guid: evil,
          kind: 'version-update',
          version: '9.0.0',
          descriptor: { sha256, sizeBytes: bytes.length },
        },
      ],
    });
  }
}
