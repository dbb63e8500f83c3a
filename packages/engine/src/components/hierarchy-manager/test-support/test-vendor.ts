import { generateKeyPairSync } from 'node:crypto';
import type { Offer } from '@sallyport/core/domain/exchange/exchange';
import { makeOffer } from '@sallyport/core/domain/exchange/offer';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import {
  checkTestSignature,
  testDigestOf,
  TestSigner,
} from '@sallyport/core/domain/trust/test-support/signer';
import { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import type { CatalogueEntry, PackageDescriptor, RolloutEntry } from '@sallyport/core/domain/updates/package';
import { digest, packageGuid, type PackageGuid, productId } from '@sallyport/core/shared/ids';
import { catalogueFormat } from '@sallyport/core/wire/catalogue';
import { descriptorFormat } from '@sallyport/core/wire/descriptor';
import { encodeEnvelope, paeBytes, parseEnvelope, verifyEnvelope } from '@sallyport/core/wire/dsse';
import { parseTargetingFacts } from '@sallyport/core/wire/facts';
import { offerFormat } from '@sallyport/core/wire/offer';
import { receiptFormat } from '@sallyport/core/wire/receipt';
import { rolloutFormat } from '@sallyport/core/wire/rollout';
import { serviceInfoFormat } from '@sallyport/core/wire/service-info';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import { noise } from '../../../../test-support/bytes.ts';
import { LibrarySource } from '../../../../test-support/library-source.ts';
import { publish } from '../../../../test-support/published-package.ts';
import { ExchangeError, type VendorExchange } from '../../../ports/vendor-exchange.ts';
import { MemoryBlobs } from '../../../storage/memory/blobs.ts';
import type { ManualClock } from '../../../../test-support/manual-clock.ts';

export const product = productId('tool');

/** GUIDs that tests can tell apart. */
export function guidOf(number: number): PackageGuid {
  return packageGuid(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
}

export const guids = { base: guidOf(1), update: guidOf(2), hotfix: guidOf(3), other: guidOf(4) };

/**
 * A vendor in memory: signs catalogue and roll-out as a TUF repository, keeps blobs, takes facts and makes offers.
 * Tests change what it publishes, and how it answers.
 */
export class TestVendor implements VendorExchange {
  readonly name = 'the vendor of a test';
  readonly repository: TufRepository;
  readonly blobs = new MemoryBlobs();
  readonly content = new LibrarySource(this.blobs);
  readonly #offerKey = new TestSigner();
  readonly #clock: ManualClock;
  readonly entries = new Map<PackageGuid, CatalogueEntry>();
  readonly descriptors = new Map<PackageGuid, PackageDescriptor>();
  readonly rollout = new Map<PackageGuid, RolloutEntry>();
  requiresUsageData = true;
  /** The hierarchy's operating key, once it has enrolled. */
  operatingKey: string | undefined;
  /** Payloads of facts, as they came. */
  readonly received: Uint8Array[] = [];
  offerSequence = 0;
  offerLifetimeMs = 2 * 86_400_000;
  /** How far the vendor's clock is ahead. */
  skewMs = 0;
  /** What a test does to an answer on its way. */
  onAnswer: (envelopes: readonly Uint8Array[]) => readonly Uint8Array[] = (envelopes) => envelopes;
  /** Thrown instead of answering. */
  fault: Error | undefined;
  refuse: { readonly code: string; readonly message: string } | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.repository = new TufRepository({ nowMs: clock.now() });
    this.repository.delegate('targets', 'catalog', {
      paths: ['catalog/*', 'service.json'],
      terminating: true,
    });
    this.repository.delegate('targets', 'rollout', { paths: ['rollout/*'], terminating: true });
  }

  /** Adds a package to what `sign` publishes. */
  async add(
    guid: PackageGuid,
    version: string,
    more: Partial<PackageDescriptor> = {},
  ): Promise<PackageDescriptor> {
    const { content } = await publish(this.blobs, {
      'bin/tool.txt': noise(5_000, version.length),
      'version.txt': new TextEncoder().encode(version),
    });
    const descriptor: PackageDescriptor = {
      schema: 1,
      guid,
      product,
      name: 'Tool',
      description: 'What a test installs.',
      kind: 'version-update',
      version,
      appliesTo: {},
      supersedes: [],
      requires: [],
      ring: 'general',
      impact: ['site-server'],
      releasedAt: '2026-01-01',
      prerequisites: [],
      features: [],
      content,
      hooks: [],
      ...more,
    };
    this.descriptors.set(guid, descriptor);
    const ref: BlobRef = await this.blobs.putBytes(descriptorFormat.print(descriptor));
    this.entries.set(guid, { guid, kind: descriptor.kind, version, descriptor: ref });
    this.rollout.set(guid, { guid, percentage: 100, seed: 'seed' });
    return descriptor;
  }

  /** Signs everything anew. */
  sign(): void {
    const { repository } = this;
    const offerKeys = [this.#offerKey.keyJson.keyval.public];
    const service = serviceInfoFormat.print({ schema: 1, vendor: 'Test', products: [product], offerKeys });
    repository.addTarget('service.json', service, 'catalog');
    repository.addTarget('catalog/tool.json', catalogueFormat.print(this.#catalogue()), 'catalog');
    repository.addTarget('rollout/tool.json', rolloutFormat.print(this.#rollout()), 'rollout');
    repository.publishTargets();
  }

  async enrol(): Promise<void> {
    throw new ExchangeError('REFUSED', 'a test enrols by hand');
  }

  async exchange(envelopes: readonly Uint8Array[]): Promise<Awaited<ReturnType<VendorExchange['exchange']>>> {
    if (this.fault !== undefined) throw this.fault;
    const refused: { index: number; code: string; message: string }[] = [];
    const answers: Uint8Array[] = [];
    for (const [index, bytes] of envelopes.entries()) {
      const envelope = parseEnvelope(bytes, { maxBytes: 1_000_000 });
      if (envelope.payloadType === payloadTypes.operatingKey) continue;
      if (this.refuse !== undefined) {
        refused.push({ index, ...this.refuse });
        continue;
      }
      const publicValue = this.operatingKey ?? '';
      verifyEnvelope(
        envelope,
        new Map([[publicValue, { keyType: 'ed25519', scheme: 'ed25519', publicValue }]]),
        1,
        checkTestSignature,
      );
      this.received.push(envelope.payload);
      answers.push(...this.#answer(envelope.payload));
    }
    return { envelopes: this.onAnswer(answers), refused };
  }

  /** An offer as the cloud would sign it. */
  offerFor(payload: Uint8Array, sequence: number): Uint8Array {
    const now = this.#clock.now() + this.skewMs;
    const offer = makeOffer({
      facts: parseTargetingFacts(payload),
      factsSha256: digest(testDigestOf('sha256', payload)),
      sequence,
      issuedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + this.offerLifetimeMs).toISOString(),
      products: [
        {
          catalogue: this.#catalogue(),
          descriptors: this.descriptors,
          rollout: { kind: 'rollout', rollout: this.#rollout() },
        },
      ],
      sha256: (bytes) => testDigestOf('sha256', bytes),
    });
    return this.signedOffer(offer);
  }

  /** Any offer under the vendor's key: also what a thief of that key would say. */
  signedOffer(offer: Offer): Uint8Array {
    return this.#signed(payloadTypes.offer, offerFormat.print(offer));
  }

  #answer(payload: Uint8Array): readonly Uint8Array[] {
    this.offerSequence += 1;
    const { hierarchyId } = parseTargetingFacts(payload);
    const payloadSha256 = digest(testDigestOf('sha256', payload));
    const acceptedAt = new Date(this.#clock.now()).toISOString();
    return [
      this.#signed(
        payloadTypes.receipt,
        receiptFormat.print({ schema: 1, hierarchyId, payloadSha256, acceptedAt }),
      ),
      this.offerFor(payload, this.offerSequence),
    ];
  }

  #catalogue() {
    return {
      schema: 1,
      product,
      productName: 'Tool',
      requiresUsageData: this.requiresUsageData,
      packages: [...this.entries.values()],
    } as const;
  }

  #rollout() {
    return { schema: 1, product, packages: [...this.rollout.values()] } as const;
  }

  #signed(payloadType: string, payload: Uint8Array): Uint8Array {
    const signature = this.#offerKey.sign(paeBytes(payloadType, payload));
    return encodeEnvelope({
      payloadType,
      payload,
      signatures: [{ keyId: this.#offerKey.keyJson.keyval.public, signature }],
    });
  }
}

/** A key that is nobody's. */
export function strangersKey(): string {
  return generateKeyPairSync('ed25519')
    .publicKey.export({ format: 'der', type: 'spki' })
    .subarray(-32)
    .toString('hex');
}
