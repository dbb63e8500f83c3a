import type { SiteFacts, TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import type { Roster } from '@sallyport/core/domain/sites/site';
import type { Digest, EpochMs } from '@sallyport/core/shared/ids';
import { digest } from '@sallyport/core/shared/ids';
import { decodeBase64, encodeBase64 } from '@sallyport/core/wire/base64';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import { parseTargetingFacts, targetingFactsFormat } from '@sallyport/core/wire/facts';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { Clock } from '../../ports/clock.ts';
import type { Digests } from '../../ports/digests.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { siteFactsOf, targetingFacts } from '../hierarchy-manager/hierarchy-facts.ts';
import { factsRecordKey } from '../hierarchy-manager/own-records.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';

/** A report of facts, fixed as the bytes that leave. */
export interface FixedReport {
  readonly facts: TargetingFacts;
  /** Exactly what is signed, and all that the vendor learns. */
  readonly payload: Uint8Array;
  readonly payloadSha256: Digest;
  readonly envelope: Uint8Array;
  readonly fixedAt: EpochMs;
}

/** The setting `facts-outbox`: the newest report, and what became of it. */
interface Outbox {
  readonly schema: 1;
  readonly epoch: number;
  readonly sequence: number;
  readonly payload: string;
  readonly payloadSha256: Digest;
  readonly envelope: string;
  readonly fixedAt: EpochMs;
  /** The cloud has it durably. */
  readonly receivedAt?: EpochMs;
  /** The cloud does not want it; the next report takes its place. */
  readonly refused?: { readonly code: string; readonly message: string; readonly at: EpochMs };
}

/** The setting that holds the newest report. */
export const outboxSettingName = 'facts-outbox';

export interface FactsOutboxOptions {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly roster: () => Roster;
  /** Signs a payload of type `payloadTypes.facts` with the hierarchy's operating key. */
  readonly signFacts: (payload: Uint8Array) => EnvelopeJson;
  readonly digests: Digests;
  readonly clock: Clock;
  /** The release ring that this hierarchy has joined. */
  readonly ring: string;
}

/**
 * The hierarchy's reports to its vendor. A report is fixed as bytes once, shown from these bytes, sent as these
 * bytes until the cloud has given its receipt for them, and only then followed by the next one.
 */
export class FactsOutbox {
  readonly #options: FactsOutboxOptions;
  /** What the newest report says of this site's own packages, read once. */
  #told: { readonly payload: string; readonly installed: string } | undefined;

  constructor(options: FactsOutboxOptions) {
    this.#options = options;
  }

  /**
   * The report to send or to show: the one that waits for its receipt, else a new one, which is fixed by this.
   * Undefined while the top-tier site has not recorded its own facts yet.
   */
  next(): FixedReport | undefined {
    const waiting = this.#read();
    if (waiting !== undefined && waiting.receivedAt === undefined && waiting.refused === undefined)
      return reportOf(waiting);
    const made = this.#make(waiting);
    if (made === undefined) return undefined;
    this.#write(made);
    return reportOf(made);
  }

  /** The newest report, whatever has become of it; undefined before the first. */
  newest(): FixedReport | undefined {
    const newest = this.#read();
    return newest === undefined ? undefined : reportOf(newest);
  }

  /** Whether the newest report says what is so now. */
  isCurrent(): boolean {
    const newest = this.#read();
    if (newest === undefined) return false;
    const facts = this.#collect(newest.epoch, newest.sequence, newest.fixedAt);
    return facts !== undefined && encodeBase64(targetingFactsFormat.print(facts)) === newest.payload;
  }

  /**
   * Whether the newest report says what this site has installed. What other sites have may wait for the next
   * exchange: only the top-tier site's packages decide what is offered next.
   */
  saysWhatIsInstalled(): boolean {
    const { database, site } = this.#options;
    const { newest, own } = database.read(({ settings, records }) => ({
      newest: settings.get(outboxSettingName) as Outbox | undefined,
      own: records.get(site.code, 'site-facts', factsRecordKey)?.body as SiteFacts | undefined,
    }));
    if (newest === undefined || own === undefined) return true;
    if (this.#told?.payload !== newest.payload) {
      this.#told = { payload: newest.payload, installed: installedOf(reportOf(newest).facts) };
    }
    return installedOf(own) === this.#told.installed;
  }

  /** The cloud has the report. */
  received(payloadSha256: Digest): void {
    this.#settle(payloadSha256, { receivedAt: this.#options.clock.now() });
  }

  /** The cloud refused the report. */
  refused(payloadSha256: Digest, code: string, message: string): void {
    this.#settle(payloadSha256, { refused: { code, message, at: this.#options.clock.now() } });
  }

  #settle(payloadSha256: Digest, outcome: Pick<Outbox, 'receivedAt' | 'refused'>): void {
    const newest = this.#read();
    if (newest?.payloadSha256 === payloadSha256) this.#write({ ...newest, ...outcome });
  }

  #make(before: Outbox | undefined): Outbox | undefined {
    const { database, signFacts, digests, clock } = this.#options;
    const epoch = database.read(({ records }) => records.epoch());
    const sequence = before !== undefined && before.epoch === epoch ? before.sequence + 1 : 1;
    const fixedAt = clock.now();
    const facts = this.#collect(epoch, sequence, fixedAt);
    if (facts === undefined) return undefined;
    const payload = targetingFactsFormat.print(facts);
    return {
      schema: 1,
      epoch,
      sequence,
      payload: encodeBase64(payload),
      payloadSha256: digest(digests.of('sha256', payload)),
      envelope: encodeBase64(canonicalJson(signFacts(payload))),
      fixedAt,
    };
  }

  #collect(epoch: number, sequence: number, at: EpochMs): TargetingFacts | undefined {
    const { database, site, ring } = this.#options;
    const roster = this.#options.roster();
    const sites = database.read(({ records }) => siteFactsOf(records, roster));
    return targetingFacts({ roster, sites, topTier: site.code, ring, epoch, sequence, at });
  }

  #read(): Outbox | undefined {
    return this.#options.database.read(({ settings }) => settings.get(outboxSettingName)) as
      | Outbox
      | undefined;
  }

  #write(outbox: Outbox): void {
    this.#options.database.write(({ settings }) => settings.put(outboxSettingName, outbox));
  }
}

function reportOf(outbox: Outbox): FixedReport {
  const payload = bytesOf(outbox.payload);
  return {
    facts: parseTargetingFacts(payload),
    payload,
    payloadSha256: outbox.payloadSha256,
    envelope: bytesOf(outbox.envelope),
    fixedAt: outbox.fixedAt,
  };
}

/** What decides on the next offer. */
function installedOf({ products }: Pick<SiteFacts | TargetingFacts, 'products'>): string {
  return JSON.stringify(products.map(({ product, version, installed }) => [product, version, installed]));
}

function bytesOf(base64: string): Uint8Array {
  const bytes = decodeBase64(base64);
  if (bytes === undefined)
    throw new TypeError('the setting facts-outbox is damaged: restore the site database');
  return bytes;
}
