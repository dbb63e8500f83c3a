import type { ImportResult } from '@sallyport/core/wire/api';
import { WireError } from '@sallyport/core/wire/wire-error';
import { decodeBase64 } from '@sallyport/core/wire/base64';
import { answersMaxBytes, mediumAnswerFormat, mediumPlaces } from '@sallyport/core/wire/medium';
import { readAnswer } from '../dmp-downloader/answer.ts';
import {
  channelAfter,
  type ChannelOutcome,
  exchangeSettingName,
  readExchange,
} from '../dmp-downloader/exchange-state.ts';
import { judgeOffer, type ReceivedOffer, settingAfter } from '../dmp-downloader/offer-judgement.ts';
import { offerSettingName, readOffer } from '../hierarchy-manager/offer-setting.ts';
import type { TrustedView } from '../hierarchy-manager/trusted-view.ts';
import type { ConnectionPorts } from './connection-ports.ts';
import { type IndexedMedium } from './media.ts';

/** What the vendor's answers came to. */
export interface TakenAnswers {
  /** Receipts for what is, or was last, due out here. */
  readonly receipts: number;
  readonly offer: ImportResult['offer'];
  /** Of the offer that is held now. */
  readonly sequence?: number;
  readonly notes: readonly string[];
}

/**
 * Settles what the receipts name, and takes the offer if it moves forward. An offer that is older than the one held,
 * or that answers other facts, is passed over: unlike an answer from the vendor itself, an old medium says nothing
 * about now.
 */
export async function takeAnswers(
  ports: ConnectionPorts,
  media: readonly IndexedMedium[],
  view: TrustedView,
): Promise<TakenAnswers> {
  if (!ports.reports) return { receipts: 0, offer: { result: 'none' }, notes: [] };
  const notes: string[] = [];
  const { envelopes, refused } = await answersOn(media, ports, notes);
  if (view.service === undefined) {
    return {
      receipts: 0,
      offer: { result: 'none' },
      notes: [...notes, 'No answer can be believed: the vendor’s service.json has never been verified here.'],
    };
  }
  const answer = readAnswer(envelopes, view.service, ports);
  for (const problem of answer.problems) notes.push(`An answer of the vendor was not believed: ${problem}`);
  let receipts = 0;
  for (const receipt of answer.receipts)
    if (receipt.hierarchyId === ports.hierarchyId && ports.outgoing.settle(receipt)) receipts += 1;
  for (const { payloadSha256, code, message } of refused) {
    if (!ports.outgoing.refused(payloadSha256, { code, message })) continue;
    notes.push(`The vendor refused what was sent (${code}): ${message}`);
  }
  return { receipts, ...takeOffer(ports, answer.offer, view), notes };
}

/** Says in the state of the exchange how each channel fared, as after any other. */
export function noteExchange(
  { database, clock, outbox, reports }: ConnectionPorts,
  metadata: ImportResult['metadata'],
  answers: TakenAnswers,
): void {
  const at = clock.now();
  const skipped: ChannelOutcome = {
    kind: 'skipped',
    reason: 'this site is configured for local applicability: nothing leaves it',
  };
  const channels = {
    metadata: outcomeOf(metadata.result === 'refused', metadata.code ?? 'REFUSED', metadata.message),
    facts: reports
      ? outcomeOf(
          outbox.newest() === undefined || answers.receipts === 0,
          'NO_RECEIPT',
          'the medium has no receipt for the newest report of facts',
        )
      : skipped,
    offer: reports
      ? outcomeOf(
          answers.offer.result === 'refused' || answers.offer.result === 'none',
          'OFFER_MISSING',
          answers.offer.message ?? 'the medium has no offer for this hierarchy',
        )
      : skipped,
  };
  database.write(({ settings }) => {
    const { nextAt: _, ...before } = readExchange(settings);
    settings.put(exchangeSettingName, {
      ...before,
      metadata: channelAfter(before.metadata, channels.metadata, at),
      facts: channelAfter(before.facts, channels.facts, at),
      offer: channelAfter(before.offer, channels.offer, at),
      startedAt: at,
      finishedAt: at,
      failures: 0,
    });
  });
}

function outcomeOf(failed: boolean, code: string, error = ''): ChannelOutcome {
  return failed ? { kind: 'failed', code, error } : { kind: 'ok' };
}

function takeOffer(
  { database, clock, hierarchyId, outbox }: ConnectionPorts,
  received: ReceivedOffer | undefined,
  view: TrustedView,
): Pick<TakenAnswers, 'offer' | 'sequence'> {
  const known = database.read(({ settings }) => readOffer(settings));
  const held = known.held === undefined ? {} : { sequence: known.held.offer.sequence };
  if (received === undefined)
    return { offer: { result: 'none', message: 'The medium has no offer for this hierarchy.' }, ...held };
  if (known.held?.payloadSha256 === received.payloadSha256) return { offer: { result: 'known' }, ...held };
  const newest = outbox.newest();
  if (newest === undefined)
    return { offer: { result: 'refused', message: 'No facts were ever sent from here.' }, ...held };
  const judgement = judgeOffer(received, known, {
    hierarchyId,
    factsSha256: newest.payloadSha256,
    referenceTime: view.referenceTime,
    unbelieved: [],
  });
  if (judgement.kind === 'refused')
    return { offer: { result: 'refused', message: judgement.message }, ...held };
  database.write(({ settings }) =>
    settings.put(offerSettingName, settingAfter(judgement, known, clock.now())),
  );
  return { offer: { result: 'taken' }, sequence: judgement.held.offer.sequence };
}

async function answersOn(media: readonly IndexedMedium[], { hierarchyId }: ConnectionPorts, notes: string[]) {
  const { answer: path } = mediumPlaces(hierarchyId);
  for (const { folder } of media) {
    const bytes = await folder.read(path, answersMaxBytes);
    if (bytes === undefined) continue;
    try {
      const { envelopes, refused } = mediumAnswerFormat.parse(bytes);
      return { envelopes: envelopes.flatMap((text) => decodeBase64(text) ?? []), refused };
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      notes.push(`The vendor’s answers on ${folder.place} cannot be read: ${error.message}`);
    }
  }
  return { envelopes: [], refused: [] };
}
