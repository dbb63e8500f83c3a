import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Metadata } from '@sallyport/core/domain/trust/documents';
import { timeText } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import type { Offer } from '@sallyport/core/domain/exchange/exchange';
import { select } from '@sallyport/core/domain/updates/selection';
import { digest, hierarchyId, siteCode } from '@sallyport/core/shared/ids';
import { propertyRuns, propertyTimeoutMs } from '@sallyport/core/shared/test-support/property';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import fc from 'fast-check';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { FileTrustStore } from '../../storage/files/trust-store.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { judgeOffer, settingAfter } from '../dmp-downloader/offer-judgement.ts';
import { KeptLog } from '../work/test-support/fixed-ports.ts';
import { offerInput, type OfferSetting } from './offer-setting.ts';
import { guids, product, TestVendor } from './test-support/test-vendor.ts';
import { TrustedDocuments } from './trusted-documents.ts';

const day = 86_400_000;
const startMs = Date.UTC(2026, 0, 10);
const never = new AbortController().signal;
const id = hierarchyId('a'.repeat(64));
const factsSha256 = digest('f'.repeat(64));
const roles = ['root', 'timestamp', 'snapshot', 'targets', 'catalog', 'rollout'] as const;
type Role = (typeof roles)[number];

type Act =
  /** Somebody sets the clock of the site, forward or back. */
  | { readonly kind: 'clock'; readonly days: number }
  /** Time passes at the vendor, who then signs everything anew, or what needs no offline key, each role for so many days. */
  | {
      readonly kind: 'sign';
      readonly days: number;
      readonly lifetimes: readonly number[];
      readonly saysWhen: boolean;
      readonly what: 'all' | 'snapshot and timestamp';
    }
  | { readonly kind: 'offer'; readonly days: number }
  | { readonly kind: 'refresh' | 'restart' };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('clock'), days: fc.integer({ min: -40, max: 25 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('sign'),
      days: fc.integer({ min: 0, max: 20 }),
      lifetimes: fc.tuple(...roles.map((name) => fc.integer({ min: 1, max: name === 'root' ? 90 : 20 }))),
      saysWhen: fc.constantFrom(true, true, true, false),
      what: fc.constantFrom('all', 'snapshot and timestamp', 'snapshot and timestamp'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('offer'), days: fc.integer({ min: 1, max: 30 }) }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Act>({ kind: 'refresh' }, { kind: 'refresh' }, { kind: 'restart' }),
  },
);

/** Histories in which something is available, and in which the floor alone holds something back. */
const telling: readonly [Act[]][] = [
  [[{ kind: 'offer', days: 30 }, { kind: 'refresh' }]],
  [
    [
      { kind: 'offer', days: 1 },
      { kind: 'sign', days: 15, lifetimes: [90, 20, 20, 20, 20, 20], saysWhen: true, what: 'all' },
      { kind: 'refresh' },
      { kind: 'clock', days: -20 },
      { kind: 'restart' },
    ],
  ],
];

/** One site and its vendor, each with a clock of its own. */
class Scene {
  readonly #folder: string;
  readonly #clock = new ManualClock(startMs);
  readonly #vendorClock = new ManualClock(startMs);
  readonly #vendor = new TestVendor(this.#vendorClock);
  readonly #database = memoryDatabase(siteCode('CAS'));
  readonly #blobs = new MemoryBlobs();
  #offers: OfferSetting = { schema: 1, highestSequence: 0 };
  #store: FileTrustStore;
  #documents: TrustedDocuments;
  /** The highest floor that was ever seen. */
  #floor = 0;
  available = 0;
  heldByFloor = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#store = new FileTrustStore(folder);
    this.#documents = this.#open();
  }

  async begin(): Promise<void> {
    const { repository } = this.#vendor;
    await this.#vendor.add(guids.update, '2.0.0');
    await this.#store.saveRoot(1, repository.metadataFiles.get('1.root.json') ?? assert.fail());
    this.#sign(0, [90, 30, 30, 30, 30, 30], true, 'all');
    await this.do({ kind: 'refresh' });
  }

  async do(next: Act): Promise<void> {
    switch (next.kind) {
      case 'clock':
        return this.#clock.set(this.#clock.now() + next.days * day);
      case 'sign':
        return this.#sign(next.days, next.lifetimes, next.saysWhen, next.what);
      case 'restart':
        this.#store = new FileTrustStore(this.#folder);
        this.#documents = this.#open();
        return undefined;
      case 'offer': {
        const received = { offer: this.#offer(next.days), payloadSha256: digest('0'.repeat(64)) };
        const referenceTime = await this.#documents.referenceTime();
        const judged = judgeOffer(received, this.#offers, {
          hierarchyId: id,
          factsSha256,
          referenceTime,
          unbelieved: [],
        });
        assert.equal(judged.kind === 'accepted', Date.parse(received.offer.expiresAt) > referenceTime);
        this.#offers = settingAfter(judged, this.#offers, this.#clock.now());
        return undefined;
      }
      case 'refresh':
        return this.#refresh();
    }
  }

  /** Nothing that has expired by the clock, or by the newest signed time ever seen, counts for anything. */
  async check(): Promise<void> {
    const floor = await this.#store.timeFloor();
    assert.ok(floor >= this.#floor, 'the floor fell');
    this.#floor = floor;
    const now = Math.max(this.#clock.now(), floor);
    const expired = new Set<string>();
    for (const role of roles) {
      const held = await this.#held(role);
      if (held !== undefined && held.expiresMs <= now) expired.add(role);
    }
    const view = await this.#documents.view();
    assert.equal(view.referenceTime, now);
    const whole = ['root', 'timestamp', 'snapshot', 'targets'].some((role) => expired.has(role));
    if (whole) assert.ok(view.problem !== undefined, [...expired].join());
    const known = view.products.get(product);
    if (known !== undefined) {
      if (whole || expired.has('catalog')) assert.ok(known.problem !== undefined, 'catalogue');
      if (whole || expired.has('rollout')) assert.equal(known.rollout.kind, 'absent', 'roll-out');
    }
    const { held, absent } = this.#offers;
    const offer = offerInput(this.#offers, view.referenceTime);
    const offerExpired = held !== undefined && Date.parse(held.offer.expiresAt) <= now;
    if (offerExpired) assert.equal(offer.kind, 'absent', 'offer');
    if (expired.size > 0 || offerExpired) {
      if (floor > this.#clock.now()) this.heldByFloor += 1;
    } else if (known !== undefined && view.problem === undefined && absent === undefined) {
      const [only] = select({
        catalogue: known.catalogue,
        descriptors: known.descriptors,
        hierarchy: {
          hierarchyId: id,
          ring: 'general',
          product: { version: '1.0.0', installed: [] },
          facts: {},
        },
        rollout: known.rollout,
        offer,
        sha256: (bytes) => nodeDigests.of('sha256', bytes),
      });
      if (only?.verdict === 'available') this.available += 1;
    }
  }

  async #refresh(): Promise<void> {
    const before = new Map<Role, Metadata | undefined>();
    for (const role of roles) before.set(role, await this.#held(role));
    const now = await this.#documents.referenceTime();
    await this.#documents.refresh(never).catch(() => undefined);
    for (const role of roles) {
      const after = await this.#held(role);
      if (role === 'root' || after === undefined || after.version === before.get(role)?.version) continue;
      assert.ok(after.expiresMs > now, `${role} was taken in although it had expired`);
    }
  }

  #sign(
    days: number,
    lifetimes: readonly number[],
    saysWhen: boolean,
    what: 'all' | 'snapshot and timestamp',
  ): void {
    const { repository } = this.#vendor;
    this.#vendorClock.set(this.#vendorClock.now() + days * day);
    const now = this.#vendorClock.now();
    for (const [index, role] of roles.entries()) {
      if (what !== 'all' && role !== 'snapshot' && role !== 'timestamp') continue;
      const json = repository.json(role);
      json.expires = timeText(now + (lifetimes[index] ?? 1) * day);
      if (saysWhen) json['x-sallyport-issued'] = timeText(now);
      else delete json['x-sallyport-issued'];
    }
    if (what !== 'all') return repository.publish('snapshot', 'timestamp');
    repository.publish('root');
    this.#vendor.sign();
  }

  #offer(days: number): Offer {
    const now = this.#vendorClock.now();
    this.#vendor.offerSequence += 1;
    return {
      schema: 1,
      hierarchyId: id,
      sequence: this.#vendor.offerSequence,
      issuedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + days * day).toISOString(),
      factsSha256,
      packages: [{ guid: guids.update, offered: true }],
    };
  }

  async #held(role: Role): Promise<Metadata | undefined> {
    const bytes = await this.#store.load(role);
    const kind = role === 'catalog' || role === 'rollout' ? 'targets' : role;
    return bytes && parseMetadata(kind, bytes).signed;
  }

  #open(): TrustedDocuments {
    return new TrustedDocuments({
      database: this.#database,
      blobs: this.#blobs,
      trust: this.#store,
      check: checkSignature,
      digests: nodeDigests,
      clock: this.#clock,
      log: new KeptLog(),
      products: [product],
      source: this.#vendor.repository,
      content: this.#vendor.content,
    });
  }
}

test(
  'setting the clock back never revives metadata, roll-out or offer that the floor has expired, restarts included',
  { timeout: propertyTimeoutMs },
  async () => {
    let available = 0;
    let heldByFloor = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 8, maxLength: 16, size: 'max' }), async (history) => {
        const folder = await mkdtemp(join(tmpdir(), 'sallyport-clock-'));
        try {
          const scene = new Scene(folder);
          await scene.begin();
          for (const next of history) {
            await scene.do(next);
            await scene.check();
          }
          available += scene.available;
          heldByFloor += scene.heldByFloor;
        } finally {
          await rm(folder, { recursive: true });
        }
      }),
      { ...propertyRuns(12), examples: [...telling] },
    );
    assert.ok(available > 0, 'something was available');
    assert.ok(heldByFloor > 0, 'the floor alone kept something expired');
  },
);
