import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import type { HierarchyId } from '@sallyport/core/shared/ids';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { VendorExchange } from '../../ports/vendor-exchange.ts';
import type { Clock } from '../../ports/clock.ts';
import { offerSettingName, readOffer } from '../hierarchy-manager/offer-setting.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';
import { readAnswer, type VerifiedAnswer } from './answer.ts';
import type { ChannelOutcome } from './exchange-state.ts';
import type { FactsOutbox, FixedReport } from './facts-outbox.ts';
import { judgeOffer, settingAfter } from './offer-judgement.ts';
import { usageChannel, type UsageUplink } from './usage-channel.ts';

/** What one exchange came to, channel by channel. */
export interface ExchangeOutcome {
  readonly metadata: ChannelOutcome;
  readonly facts: ChannelOutcome;
  readonly offer: ChannelOutcome;
  readonly usage: ChannelOutcome;
}

export interface ExchangeRunOptions {
  readonly documents: TrustedDocuments;
  readonly database: SiteDatabase;
  readonly hierarchyId: () => HierarchyId;
  readonly check: SignatureCheck;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: local applicability only, nothing leaves and no offer is needed. */
  readonly reporting?: Reporting;
}

/** How this hierarchy reports to its vendor. */
export interface Reporting {
  readonly vendor: VendorExchange;
  readonly outbox: FactsOutbox;
  /** The recovery key's word for the operating key in force, which the vendor may not have seen yet. */
  readonly statement: () => EnvelopeJson;
  readonly usage: UsageUplink;
}

const nothingLeaves: ChannelOutcome = {
  kind: 'skipped',
  reason: 'this site is configured for local applicability: nothing leaves it',
};
const notTrusted: ChannelOutcome = {
  kind: 'failed',
  code: 'NOT_TRUSTED',
  error:
    'the vendor’s service.json has never been verified here, so no answer could be believed: see the metadata channel',
};
const ok: ChannelOutcome = { kind: 'ok' };
/** A report that waited since before something changed is followed by one that says it; so is one signed by a new key. */
const roundsMax = 3;

/**
 * One exchange: the vendor's metadata in, the facts that are due out, the offer in. The channels fail apart: none
 * keeps another from its work.
 */
export async function runExchange(
  options: ExchangeRunOptions,
  signal: AbortSignal,
): Promise<ExchangeOutcome> {
  const metadata = await metadataChannel(options, signal);
  if (options.reporting === undefined) {
    return { metadata, facts: nothingLeaves, offer: nothingLeaves, usage: nothingLeaves };
  }
  let outcome: Pick<ExchangeOutcome, 'facts' | 'offer'> = { facts: nothingLeaves, offer: nothingLeaves };
  let introduce = false;
  for (let round = 0; round < roundsMax; round += 1) {
    outcome = await reportingChannels(options, options.reporting, introduce, signal);
    const forged = outcome.facts.kind === 'failed' && outcome.facts.code === 'FORGED';
    const done = outcome.facts.kind === 'ok' ? options.reporting.outbox.isCurrent() : !forged || introduce;
    if (done) break;
    introduce ||= forged;
  }
  return { metadata, ...outcome, usage: await reportedUsage(options, options.reporting, signal) };
}

/** After the facts, which introduce a new operating key where need be. A message of its own: reports can be large. */
async function reportedUsage(
  options: ExchangeRunOptions,
  { vendor, usage }: Reporting,
  signal: AbortSignal,
): Promise<ChannelOutcome> {
  const { documents, hierarchyId, log } = options;
  try {
    const { service } = await documents.view();
    if (service === undefined) return notTrusted;
    const channel = { ...options, vendor, uplink: usage, service, hierarchyId: hierarchyId() };
    const outcome = await usageChannel(channel, signal);
    if (outcome.kind === 'failed')
      log.warn('Usage channel failed ({code}): {error}', { code: outcome.code, error: outcome.error });
    return outcome;
  } catch (error) {
    return failedBy(error, 'Usage channel failed ({code}): {error}', log, signal);
  }
}

async function metadataChannel(
  { documents, log }: ExchangeRunOptions,
  signal: AbortSignal,
): Promise<ChannelOutcome> {
  try {
    const [first, ...others] = await documents.refresh(signal);
    if (first === undefined) {
      log.info('Metadata channel: the catalogue is verified and up to date');
      return ok;
    }
    for (const problem of [first, ...others]) {
      log.warn('Metadata channel: {what} could not be taken ({code}): {error}', {
        what: problem.what,
        code: problem.code,
        error: problem.message,
      });
    }
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    return { kind: 'failed', code: first.code, error: `${first.message}${more}` };
  } catch (error) {
    return failedBy(error, 'Metadata channel failed ({code}): {error}', log, signal);
  }
}

async function reportingChannels(
  options: ExchangeRunOptions,
  { vendor, outbox, statement }: Reporting,
  /** The vendor did not know the key that signed: its successor's introduction goes along. */
  introduce: boolean,
  signal: AbortSignal,
): Promise<Pick<ExchangeOutcome, 'facts' | 'offer'>> {
  const { documents, log } = options;
  try {
    const { service, referenceTime } = await documents.view();
    if (service === undefined) return { facts: notTrusted, offer: notTrusted };
    const report = outbox.next();
    if (report === undefined) {
      const failed = {
        kind: 'failed',
        code: 'FACTS_NOT_READY',
        error: 'this site has not recorded its own facts yet: SMS_HIERARCHY_MANAGER does it when it starts',
      } as const;
      return { facts: failed, offer: failed };
    }
    const sent = introduce ? [canonicalJson(statement()), report.envelope] : [report.envelope];
    const { envelopes, refused } = await vendor.exchange(sent, signal);
    const answer = readAnswer(envelopes, service, options);
    for (const problem of answer.problems)
      log.warn('An envelope of the answer was not believed: {error}', { error: problem });
    return {
      facts: settleFacts(
        options,
        outbox,
        report,
        answer,
        refused.find(({ index }) => index === sent.length - 1),
      ),
      offer: settleOffer(options, report, answer, referenceTime),
    };
  } catch (error) {
    const failed = failedBy(error, 'Facts and offer channels failed ({code}): {error}', log, signal);
    return { facts: failed, offer: failed };
  }
}

function settleFacts(
  { log, hierarchyId }: ExchangeRunOptions,
  outbox: FactsOutbox,
  report: FixedReport,
  answer: VerifiedAnswer,
  refusal: { readonly code: string; readonly message: string } | undefined,
): ChannelOutcome {
  const { sequence } = report.facts;
  if (refusal !== undefined) {
    outbox.refused(report.payloadSha256, refusal.code, refusal.message);
    log.warn('Facts channel: report {sequence} was refused ({code}): {error}', {
      sequence,
      code: refusal.code,
      error: refusal.message,
    });
    return {
      kind: 'failed',
      code: refusal.code,
      error: `the vendor refused the report of facts: ${refusal.message}`,
    };
  }
  const receipt = answer.receipts.find(
    (candidate) =>
      candidate.payloadSha256 === report.payloadSha256 && candidate.hierarchyId === hierarchyId(),
  );
  if (receipt === undefined) {
    const error = 'the answer holds no valid receipt for the report of facts: the same report is sent again';
    log.warn('Facts channel: report {sequence} was not acknowledged', { sequence });
    return { kind: 'failed', code: 'NO_RECEIPT', error };
  }
  outbox.received(report.payloadSha256);
  log.info('Facts channel: report {sequence} was accepted at {at}', { sequence, at: receipt.acceptedAt });
  return ok;
}

function settleOffer(
  options: ExchangeRunOptions,
  report: FixedReport,
  answer: VerifiedAnswer,
  referenceTime: number,
): ChannelOutcome {
  const { database, log, clock } = options;
  const known = database.read(({ settings }) => readOffer(settings));
  const judgement = judgeOffer(answer.offer, known, {
    hierarchyId: options.hierarchyId(),
    factsSha256: report.payloadSha256,
    referenceTime,
    unbelieved: answer.problems,
  });
  database.write(({ settings }) =>
    settings.put(offerSettingName, settingAfter(judgement, known, clock.now())),
  );
  if (judgement.kind === 'refused') {
    log.warn('Offer channel: no offer may be used ({code}): {error}', {
      code: judgement.why,
      error: judgement.message,
    });
    return {
      kind: 'failed',
      code: `OFFER_${judgement.why.toUpperCase().replace('-', '_')}`,
      error: judgement.message,
    };
  }
  const { offer } = judgement.held;
  log.info(
    'Offer channel: offer {sequence} accepted, {offered} of {packages} packages are offered, until {expiresAt}',
    {
      sequence: offer.sequence,
      offered: offer.packages.filter(({ offered }) => offered).length,
      packages: offer.packages.length,
      expiresAt: offer.expiresAt,
    },
  );
  return ok;
}

function failedBy(
  error: unknown,
  message: string,
  log: Log,
  signal: AbortSignal,
): Extract<ChannelOutcome, { kind: 'failed' }> {
  signal.throwIfAborted();
  const code = error instanceof SallyportError ? error.code : 'FAILED';
  log.warn(message, { code, error: messageOf(error) });
  return { kind: 'failed', code, error: messageOf(error) };
}
