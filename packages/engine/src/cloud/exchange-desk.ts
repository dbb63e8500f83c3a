import type { Receipt, TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import { makeOffer } from '@sallyport/core/domain/exchange/offer';
import type { DigestOf, SignatureCheck, TrustKey } from '@sallyport/core/domain/trust/key';
import type { Digest, EpochMs, HierarchyId } from '@sallyport/core/shared/ids';
import { mebibytes } from '@sallyport/core/shared/units';
import { decodeBase64 } from '@sallyport/core/wire/base64';
import { isJsonObject, parseJson } from '@sallyport/core/wire/canonical-json';
import {
  type DsseEnvelope,
  encodeEnvelope,
  paeBytes,
  parseEnvelope,
  verifyEnvelope,
} from '@sallyport/core/wire/dsse';
import { enrolmentFormat } from '@sallyport/core/wire/enrolment';
import { parseTargetingFacts } from '@sallyport/core/wire/facts';
import { verifyOperatingKey } from '@sallyport/core/wire/hierarchy-documents';
import { offerFormat } from '@sallyport/core/wire/offer';
import { receiptFormat } from '@sallyport/core/wire/receipt';
import { parseOperatingKeyStatement } from '@sallyport/core/wire/roster';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import type { Clock } from '../ports/clock.ts';
import type { CloudDatabase } from '../ports/cloud-database.ts';
import type {
  EnrolmentAnswer,
  ExchangeAnswer,
  ExchangeService,
  RefusedEnvelope,
} from '../ports/exchange-service.ts';
import type { KeyRing } from '../ports/key-ring.ts';
import type { Signer } from '../ports/keys.ts';
import type { Log } from '../ports/log.ts';
import type { Sealing } from '../ports/sealing.ts';
import { hashCode } from './enrolment.ts';
import { EnvelopeOpener } from './envelope-opener.ts';
import { type CurrentPublication, offerProducts, type PublicationView } from './publication-view.ts';
import { type Accepted, enrolled, notEnrolled, Refusal, refusalOf } from './refusal.ts';
import { ReportJudge, withheldText } from './report-judge.ts';
import { sha256Of } from './sha256.ts';

/** A signed envelope: the largest usage report there may be fits, in base64 and with its signature. */
const envelopeMaxBytes = mebibytes(12);

/** Whatever is wrong with an envelope, its answer says so in a readable length. */
const messageMax = 2000;

export interface ExchangeDeskOptions {
  readonly database: CloudDatabase;
  readonly view: PublicationView;
  readonly check: SignatureCheck;
  readonly sealing: Pick<Sealing, 'open'>;
  /** Holds the keys that envelopes are sealed to. */
  readonly keys: Pick<KeyRing, 'sealSecret'>;
  readonly digestOf: DigestOf;
  readonly clock: Clock;
  readonly log: Log;
  readonly offerLifetimeMs: number;
  /** Told when usage reports were accepted and stored. */
  readonly onReports?: () => void;
}

/**
 * Takes what hierarchies send, sealed or not: facts, usage reports, and successors of their operating keys. Each
 * envelope is judged alone, stored durably, then receipted; a repeat is receipted again and counts once. The newest
 * facts of a hierarchy are answered by an offer.
 */
export class ExchangeDesk implements ExchangeService {
  readonly #options: ExchangeDeskOptions;
  readonly #opener: EnvelopeOpener;
  readonly #reports: ReportJudge;

  constructor(options: ExchangeDeskOptions) {
    this.#options = options;
    this.#opener = new EnvelopeOpener(options.sealing, options.keys);
    this.#reports = new ReportJudge(options);
  }

  async exchange(envelopes: readonly Uint8Array[]): Promise<ExchangeAnswer> {
    const refused: RefusedEnvelope[] = [];
    const accepted: Accepted[] = [];
    for (const [index, envelope] of envelopes.entries()) {
      try {
        accepted.push(await this.#judge(envelope));
      } catch (error) {
        const { code, message } = refusalOf(error);
        this.#options.log.info('envelope {index} refused ({code}): {reason}', {
          index,
          code,
          reason: message,
        });
        refused.push({ index, code, message: message.slice(0, messageMax) });
      }
    }
    if (accepted.length === 0) {
      return { envelopes: [], refused };
    }
    if (accepted.some(({ isReport }) => isReport === true)) this.#options.onReports?.();
    const publication = await this.#options.view.current();
    const receipts = accepted.map((item) => receiptFor(item, publication.offerSigner));
    const offers: Uint8Array[] = [];
    for (const item of newestFacts(accepted)) {
      offers.push(await this.#offer(item.facts, item.payloadSha256, publication));
    }
    return { envelopes: [...receipts, ...offers], refused };
  }

  async enrol(request: {
    readonly code: string;
    readonly hierarchyId: HierarchyId;
    readonly statement: Uint8Array;
  }): Promise<EnrolmentAnswer> {
    const { database, clock, log } = this.#options;
    let statement;
    try {
      statement = this.#statement(request.statement, request.hierarchyId);
    } catch (error) {
      return { kind: 'refused', code: 'REFUSED', message: refusalOf(error).message };
    }
    const verdict = await database.enrol({
      ...statement,
      codeSha256: hashCode(request.code),
      at: clock.now(),
    });
    switch (verdict) {
      case 'enrolled':
        log.info('hierarchy {id} enrolled', { id: request.hierarchyId });
        return { kind: 'enrolled' };
      case 'code-unknown':
      case 'code-used':
      case 'code-expired':
        log.warn('enrolment of {id} refused: {verdict}', { id: request.hierarchyId, verdict });
        return { kind: 'refused', code: 'CODE_REFUSED', message: codeMessages[verdict] };
      case 'statement-old':
        return {
          kind: 'refused',
          code: 'REFUSED',
          message:
            'the vendor knows a newer operating key of this hierarchy: enrol from the site server that is in force',
        };
    }
  }

  async #judge(received: Uint8Array): Promise<Accepted> {
    const bytes = await this.#opener.open(received);
    const envelope = parseEnvelope(bytes, { maxBytes: envelopeMaxBytes });
    switch (envelope.payloadType) {
      case payloadTypes.facts:
        return this.#acceptFacts(envelope);
      case payloadTypes.enrolment:
        return this.#acceptEnrolment(envelope);
      case payloadTypes.operatingKey:
        return this.#acceptStatement(bytes, envelope);
      case payloadTypes.usageReport:
        return this.#reports.accept(envelope);
      default:
        throw new Refusal(
          'UNKNOWN_TYPE',
          `this cloud does not read envelopes of the type ${envelope.payloadType.slice(0, 100)}: it may be older than the site`,
        );
    }
  }

  async #acceptFacts(envelope: DsseEnvelope): Promise<Accepted> {
    const { database, clock, check } = this.#options;
    const facts = parseTargetingFacts(envelope.payload);
    // The facts say whose key to look up; they are believed only when that key signed them.
    const hierarchy = await enrolled(database, facts.hierarchyId);
    const key: TrustKey = { keyType: 'ed25519', scheme: 'ed25519', publicValue: hierarchy.operatingKey };
    verifyEnvelope(envelope, new Map([[hierarchy.operatingKey, key]]), 1, check);
    const payloadSha256 = sha256Of(envelope.payload);
    const verdict = await database.acceptFacts(
      facts,
      { bytes: envelope.payload, sha256: payloadSha256 },
      clock.now(),
    );
    switch (verdict.kind) {
      case 'accepted':
        return { hierarchyId: facts.hierarchyId, payloadSha256, acceptedAt: verdict.acceptedAt, facts };
      case 'repeated':
        return {
          hierarchyId: facts.hierarchyId,
          payloadSha256,
          acceptedAt: verdict.acceptedAt,
          ...(verdict.newest ? { facts } : {}),
        };
      case 'older':
        throw new Refusal(
          'OLDER',
          `facts ${facts.sequence} of epoch ${facts.epoch} are older than facts ${verdict.newest.sequence} of epoch ${verdict.newest.epoch}, which were accepted before: report anew`,
        );
      case 'conflict':
        throw new Refusal(
          'CONFLICT',
          `other facts were accepted as number ${facts.sequence} of epoch ${facts.epoch}: a copy of this hierarchy may report too; report anew`,
        );
    }
  }

  /** A hierarchy that registers by an envelope, for want of a line. As `enrol`, and receipted. */
  async #acceptEnrolment(envelope: DsseEnvelope): Promise<Accepted> {
    const { hierarchyId, code, statement } = enrolmentFormat.parse(envelope.payload);
    const bytes = decodeBase64(statement) ?? new Uint8Array();
    const { operatingKey } = this.#statement(bytes, hierarchyId);
    const key: TrustKey = { keyType: 'ed25519', scheme: 'ed25519', publicValue: operatingKey };
    verifyEnvelope(envelope, new Map([[operatingKey, key]]), 1, this.#options.check);
    const answer = await this.enrol({ code, hierarchyId, statement: bytes });
    if (answer.kind === 'refused') throw new Refusal(answer.code, answer.message);
    return {
      hierarchyId,
      payloadSha256: sha256Of(envelope.payload),
      acceptedAt: this.#options.clock.now(),
    };
  }

  async #acceptStatement(bytes: Uint8Array, envelope: DsseEnvelope): Promise<Accepted> {
    const { database, clock } = this.#options;
    const statement = this.#statement(bytes, parseOperatingKeyStatement(envelope.payload).hierarchyId);
    const verdict = await database.renewStatement(statement);
    if (verdict === 'not-enrolled') throw notEnrolled(statement.hierarchyId);
    if (verdict === 'older') {
      throw new Refusal('OLDER', 'a newer operating key of this hierarchy is known here');
    }
    return {
      hierarchyId: statement.hierarchyId,
      payloadSha256: sha256Of(envelope.payload),
      acceptedAt: clock.now(),
    };
  }

  #statement(bytes: Uint8Array, id: HierarchyId) {
    const { check, digestOf } = this.#options;
    const json = parseJson(bytes, { maxBytes: envelopeMaxBytes });
    if (!isJsonObject(json)) {
      throw new Refusal('MALFORMED', 'the operating key statement is no envelope');
    }
    const { operatingKey, sequence } = verifyOperatingKey(json, id, { check, digestOf });
    return { hierarchyId: id, statement: bytes, statementSequence: sequence, operatingKey };
  }

  async #offer(
    facts: TargetingFacts,
    factsSha256: Digest,
    publication: CurrentPublication,
  ): Promise<Uint8Array> {
    const { database, clock, log, digestOf, offerLifetimeMs } = this.#options;
    const now = clock.now();
    const quarantine = await database.quarantineOf(facts.hierarchyId);
    const offer = makeOffer({
      facts,
      factsSha256,
      sequence: await database.nextOfferSequence(facts.hierarchyId),
      issuedAt: instant(now),
      expiresAt: instant(now + offerLifetimeMs),
      products: offerProducts(publication, now),
      sha256: (bytes) => digestOf('sha256', bytes),
      ...(quarantine && { withheld: withheldText(quarantine) }),
    });
    log.info('offer {sequence} made for {id}: {offered} of {packages} packages', {
      sequence: offer.sequence,
      id: facts.hierarchyId,
      offered: offer.packages.filter(({ offered }) => offered).length,
      packages: offer.packages.length,
    });
    return signed(payloadTypes.offer, offerFormat.print(offer), publication.offerSigner);
  }
}

const codeMessages = {
  'code-unknown':
    'the enrolment code is not known here: check it for typing errors, or ask the vendor for one',
  'code-used': 'the enrolment code was used by another hierarchy: ask the vendor for a new one',
  'code-expired': 'the enrolment code has expired: ask the vendor for a new one',
} as const;

/** One for each hierarchy that sent its newest facts: the last ones. */
function newestFacts(
  accepted: readonly Accepted[],
): readonly (Accepted & { readonly facts: TargetingFacts })[] {
  const newest = new Map<HierarchyId, Accepted & { readonly facts: TargetingFacts }>();
  for (const item of accepted) {
    const { facts } = item;
    if (facts !== undefined) {
      newest.set(item.hierarchyId, { ...item, facts });
    }
  }
  return [...newest.values()];
}

function receiptFor({ hierarchyId, payloadSha256, acceptedAt }: Accepted, signer: Signer): Uint8Array {
  const receipt: Receipt = { schema: 1, hierarchyId, payloadSha256, acceptedAt: instant(acceptedAt) };
  return signed(payloadTypes.receipt, receiptFormat.print(receipt), signer);
}

function signed(payloadType: string, payload: Uint8Array, signer: Signer): Uint8Array {
  const signature = signer.sign(paeBytes(payloadType, payload));
  return encodeEnvelope({ payloadType, payload, signatures: [{ keyId: signer.publicKey, signature }] });
}

function instant(at: EpochMs): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
