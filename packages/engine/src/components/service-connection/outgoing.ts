import type { Receipt } from '@sallyport/core/domain/exchange/exchange';
import { type Digest, digest } from '@sallyport/core/shared/ids';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import { enrolmentFormat } from '@sallyport/core/wire/enrolment';
import { envelopeOf, type EnvelopeJson, payloadTypes } from '@sallyport/core/wire/signed-document';
import type { Digests } from '../../ports/digests.ts';
import type { OutgoingEnvelope, OutgoingEnvelopes } from '../../ports/outgoing-envelopes.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { FactsOutbox } from '../dmp-downloader/facts-outbox.ts';
import { isFinal } from '../usage-reports/refusals.ts';
import type { ReportDesk } from '../usage-reports/report-desk.ts';
import { enrolmentDue, forgetEnrolment } from './enrolment.ts';
import type { HierarchySetting } from '../hierarchy-identity/hierarchy-setting.ts';

/** Several kinds of outgoing envelopes as one, in the order given. */
export function together(all: readonly OutgoingEnvelopes[]): OutgoingEnvelopes {
  return {
    *due() {
      for (const each of all) yield* each.due();
    },
    leaves: (sha256) => all.forEach((each) => each.leaves(sha256)),
    settle: (receipt) => all.map((each) => each.settle(receipt)).includes(true),
    refused: (sha256, refusal) => all.map((each) => each.refused(sha256, refusal)).includes(true),
  };
}

export interface IntroductionOptions {
  readonly database: SiteDatabase;
  /** The hierarchy's signed documents. */
  readonly documents: () => Pick<HierarchySetting, 'hierarchyId' | 'operatingKey'>;
  /** Signs with the hierarchy's operating key. */
  readonly sign: (payloadType: string, payload: Uint8Array) => EnvelopeJson;
  readonly digests: Digests;
}

/**
 * Who this hierarchy is: its enrolment until the vendor has registered it, from then on the operating key's
 * statement. That goes along each time, for a courier cannot come back to ask whether the key is known.
 */
export class Introduction implements OutgoingEnvelopes {
  readonly #options: IntroductionOptions;

  constructor(options: IntroductionOptions) {
    this.#options = options;
  }

  *due(): Iterable<OutgoingEnvelope> {
    const documents = this.#options.documents();
    const enrolment = this.#options.database.read(({ settings }) => enrolmentDue(settings, documents));
    if (enrolment === undefined) {
      const { operatingKey } = documents;
      const { payload } = envelopeOf(operatingKey);
      yield this.#outgoing('operating key', payloadTypes.operatingKey, payload, operatingKey);
      return;
    }
    const payload = enrolmentFormat.print(enrolment);
    const signed = this.#options.sign(payloadTypes.enrolment, payload);
    yield this.#outgoing('enrolment', payloadTypes.enrolment, payload, signed);
  }

  /** The same bytes each time. */
  leaves(): void {}

  settle({ payloadSha256 }: Receipt): boolean {
    const found = this.#due(payloadSha256);
    if (found?.payloadType === payloadTypes.enrolment) this.#options.database.write(forgetEnrolment);
    return found !== undefined;
  }

  /** A code that is refused stays: whoever gave it may yet be asked for another. */
  refused(payloadSha256: Digest): boolean {
    return this.#due(payloadSha256) !== undefined;
  }

  #due(payloadSha256: Digest): OutgoingEnvelope | undefined {
    return [...this.due()].find((each) => each.payloadSha256 === payloadSha256);
  }

  #outgoing(what: string, payloadType: string, payload: Uint8Array, signed: EnvelopeJson): OutgoingEnvelope {
    const payloadSha256 = digest(this.#options.digests.of('sha256', payload));
    return { what, payloadType, payloadSha256, payload, envelope: canonicalJson(signed) };
  }
}

/** The report of facts as something that goes out. */
export function outgoingFacts(outbox: FactsOutbox): OutgoingEnvelopes {
  const isNewest = (sha256: Digest): boolean => outbox.newest()?.payloadSha256 === sha256;
  return {
    *due() {
      const report = outbox.next();
      if (report === undefined) return;
      const { payload, payloadSha256, envelope, facts } = report;
      const what = `facts ${facts.sequence}`;
      yield { what, payloadType: payloadTypes.facts, payload, payloadSha256, envelope };
    },
    // Fixed when it was made.
    leaves: () => undefined,
    settle({ payloadSha256 }) {
      outbox.received(payloadSha256);
      return isNewest(payloadSha256);
    },
    refused(payloadSha256, { code, message }) {
      outbox.refused(payloadSha256, code, message);
      return isNewest(payloadSha256);
    },
  };
}

/** Usage reports as something that goes out. What a medium may have carried already is settled by whichever receipt comes first. */
export function outgoingReports(
  desk: ReportDesk,
  sign: (payload: Uint8Array) => EnvelopeJson,
): OutgoingEnvelopes {
  const waitingAs = (sha256: Digest) => desk.stored().find((report) => report.payloadSha256 === sha256);
  return {
    *due() {
      for (const { payload, payloadSha256, sequence } of desk.waiting()) {
        const envelope = canonicalJson(sign(payload));
        const what = `usage report ${sequence}`;
        yield { what, payloadType: payloadTypes.usageReport, payload, payloadSha256, envelope };
      }
    },
    leaves(payloadSha256) {
      const report = waitingAs(payloadSha256);
      if (report !== undefined) desk.noteSent([report]);
    },
    settle({ payloadSha256 }) {
      const report = waitingAs(payloadSha256);
      if (report !== undefined) desk.received(report);
      return report !== undefined;
    },
    refused(payloadSha256, { code, message }) {
      const report = waitingAs(payloadSha256);
      if (report !== undefined && isFinal(code)) desk.refused(report, code, message);
      return report !== undefined;
    },
  };
}
