import type { ServiceInfo } from '@sallyport/core/domain/updates/package';
import type { HierarchyId } from '@sallyport/core/shared/ids';
import { mebibytes } from '@sallyport/core/shared/units';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import { printSealed, sealedInfo } from '@sallyport/core/wire/sealed';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { Sealing } from '../../ports/sealing.ts';
import type { VendorExchange } from '../../ports/vendor-exchange.ts';
import { isFinal } from '../usage-reports/refusals.ts';
import type { ReportDesk, WaitingReport } from '../usage-reports/report-desk.ts';
import { readAnswer } from './answer.ts';
import type { ChannelOutcome } from './exchange-state.ts';

/** What sends usage reports. */
export interface UsageUplink {
  readonly desk: ReportDesk;
  /** Signs a payload of type `payloadTypes.usageReport` with the hierarchy's operating key. */
  readonly sign: (payload: Uint8Array) => EnvelopeJson;
  readonly sealing: Pick<Sealing, 'seal'>;
}

export interface UsageChannelOptions {
  readonly vendor: VendorExchange;
  readonly uplink: UsageUplink;
  readonly service: ServiceInfo;
  readonly hierarchyId: HierarchyId;
  readonly check: SignatureCheck;
  readonly digests: Digests;
  readonly log: Log;
}

/** Reports in one message: its limit is twice that, and envelopes are base64 in base64. */
const batchMaxBytes = mebibytes(4);
const batchMax = 16;

/**
 * Sends the reports that wait, oldest first, sealed to the vendor's key, and settles those that are receipted. The bytes
 * of a report are the same at every attempt; its seal is a new one.
 */
export async function usageChannel(
  options: UsageChannelOptions,
  signal: AbortSignal,
): Promise<ChannelOutcome> {
  const { uplink, service } = options;
  const [sealKey] = service.sealKeys ?? [];
  const waiting = uplink.desk.waiting();
  if (sealKey === undefined) {
    const reason = `the vendor’s service.json names no key to which usage reports could be sealed, so none leaves; ${waiting.length} wait here`;
    return { kind: 'skipped', reason };
  }
  for (const batch of batches(waiting)) {
    const failed = await sendBatch(options, batch, sealKey, signal);
    if (failed !== undefined) return failed;
  }
  const quota = uplink.desk.quotaReached();
  return quota === undefined
    ? { kind: 'ok' }
    : {
        kind: 'failed',
        code: 'QUOTA',
        error: `${quota.count} usage reports wait for the vendor, and no more are made until it takes some`,
      };
}

async function sendBatch(
  options: UsageChannelOptions,
  batch: readonly WaitingReport[],
  sealKey: string,
  signal: AbortSignal,
): Promise<ChannelOutcome | undefined> {
  const { vendor, uplink, service, hierarchyId } = options;
  const envelopes: Uint8Array[] = [];
  for (const { payload } of batch) {
    const sealed = await uplink.sealing.seal(sealKey, sealedInfo, canonicalJson(uplink.sign(payload)));
    envelopes.push(printSealed(sealKey, sealed.key, sealed.ciphertext));
  }
  uplink.desk.noteSent(batch);
  const { envelopes: received, refused } = await vendor.exchange(envelopes, signal);
  const { receipts } = readAnswer(received, service, options);
  const receipted = new Set(
    receipts.filter((receipt) => receipt.hierarchyId === hierarchyId).map((receipt) => receipt.payloadSha256),
  );
  let failed: ChannelOutcome | undefined;
  for (const [index, report] of batch.entries()) {
    const refusal = refused.find((each) => each.index === index);
    if (receipted.has(report.payloadSha256)) uplink.desk.received(report);
    else if (refusal !== undefined && isFinal(refusal.code))
      uplink.desk.refused(report, refusal.code, refusal.message);
    else failed ??= notSettled(report, refusal);
  }
  return failed;
}

function notSettled(
  { sequence }: WaitingReport,
  refusal: { readonly code: string; readonly message: string } | undefined,
): ChannelOutcome {
  return refusal === undefined
    ? {
        kind: 'failed',
        code: 'NO_RECEIPT',
        error: `the answer holds no valid receipt for usage report ${sequence}: the same report is sent again`,
      }
    : {
        kind: 'failed',
        code: refusal.code,
        error: `the vendor does not take usage report ${sequence} now: ${refusal.message}`,
      };
}

function batches(waiting: readonly WaitingReport[]): readonly (readonly WaitingReport[])[] {
  const made: WaitingReport[][] = [];
  let sizeBytes = Infinity;
  for (const report of waiting) {
    const last = made.at(-1);
    if (last === undefined || last.length >= batchMax || sizeBytes + report.payload.length > batchMaxBytes) {
      made.push([report]);
      sizeBytes = report.payload.length;
    } else {
      last.push(report);
      sizeBytes += report.payload.length;
    }
  }
  return made;
}
