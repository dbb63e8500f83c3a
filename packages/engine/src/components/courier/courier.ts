import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import { forEachBounded } from '@sallyport/core/shared/bounded';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Digest } from '@sallyport/core/shared/ids';
import { formatBytes } from '@sallyport/core/shared/units';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { ExchangeError } from '../../ports/vendor-exchange.ts';
import { BlobDownload } from '../content/blob-download.ts';
import { defaultRetry } from '../content/retry.ts';
import { readAnswer } from '../dmp-downloader/answer.ts';
import type {
  CourierPorts,
  CourierProgress,
  CourierResult,
  CourierTask,
  MediumPart,
  VendorWays,
} from './courier-ports.ts';
import { namingMedium } from './medium-faults.ts';
import { MediumWriting } from './medium-writing.ts';
import { dealOut, type PartPlan } from './parts.ts';
import { descriptorsOf, planFor } from './plan.ts';
import { CourierMeter } from './progress.ts';
import { type OpenRequest, openRequests } from './requests.ts';
import { type SentRequest, sendRequest } from './send.ts';
import { entriesOf, resultOf, type Stop, sum } from './trip-result.ts';
import { documentsFor, vendorUrlOf } from './vendor-choice.ts';
import type { VendorDocuments } from './vendor-documents.ts';

/** Downloads side by side. */
const parallel = 4;

/**
 * A courier's trip where there is internet: hands the vendor what hierarchies have sealed for it, and writes a medium
 * with the vendor's newest metadata, the answers, and what each hierarchy lacks of the packages that are chosen for it.
 * Everything is verified on the way, and verified again where it arrives. Repeating it goes on where it ended.
 *
 * @throws {MediumError} {TrustError} {ExchangeError} {RepositorySourceError} {ContentError}
 */
export async function makeTrip(
  ports: CourierPorts,
  task: CourierTask,
  onProgress: (progress: CourierProgress) => void,
  signal: AbortSignal,
): Promise<CourierResult> {
  const { archives, check, digests } = ports;
  const tools = { check, digestOf: digests.of };
  const { requests, notes } = await openRequests(task.requests, archives, tools);
  try {
    return await new Trip(ports, task, [...notes], onProgress, signal).make(requests);
  } catch (error) {
    throw namingMedium(error);
  } finally {
    for (const { archive } of requests) await archive.close();
  }
}

class Trip {
  readonly #ports: CourierPorts;
  readonly #task: CourierTask;
  readonly #notes: string[];
  readonly #onProgress: (progress: CourierProgress) => void;
  readonly #signal: AbortSignal;

  constructor(
    ports: CourierPorts,
    task: CourierTask,
    notes: string[],
    onProgress: (progress: CourierProgress) => void,
    signal: AbortSignal,
  ) {
    this.#ports = ports;
    this.#task = task;
    this.#notes = notes;
    this.#onProgress = onProgress;
    this.#signal = signal;
  }

  async make(all: readonly OpenRequest[]): Promise<CourierResult> {
    const url = vendorUrlOf(all, this.#task.vendorUrl);
    const ways = this.#ports.vendor(url);
    const { documents, requests } = await documentsFor(
      all,
      ways,
      this.#ports,
      this.#task,
      this.#notes,
      this.#signal,
    );
    const vendor = { name: documents.service.vendor, url };
    this.#ports.log.info(
      '{vendor}: metadata verified (root {root}, timestamp {timestamp}), for {count} hierarchies',
      {
        vendor: vendor.name,
        root: documents.versions.root,
        timestamp: documents.versions.timestamp,
        count: requests.length,
      },
    );
    const first = await this.#ports.parts.open(1);
    const writing = await MediumWriting.begin(this.#ports, vendor, documents, first);
    const stops = await this.#visit(requests, ways, documents, first);
    const wanted = new Map<Digest, BlobRef>(stops.flatMap(({ plan }) => [...plan.blobs]));
    const writingBytes = writing.overheadBytes(stops.map(({ sent, plan }) => ({ sent, plan })));
    const { parts, dealt } = await this.#deal([...wanted.values()], first, writingBytes);
    const sizeBytes = sum(wanted.values());
    if (this.#task.planOnly === true) {
      const present = await heldOf(parts, dealt);
      return resultOf(vendor, documents, stops, this.#notes, {
        parts,
        dealt,
        wanted,
        present,
        fetchedBytes: 0,
      });
    }
    for (const [at, part] of parts.entries())
      await writing.writePart(
        part,
        { part: at + 1, parts: parts.length, complete: false },
        entriesOf(stops, wanted),
        stops,
      );
    const fetchedBytes = await this.#fetch(parts, dealt, ways, sizeBytes);
    const present = await heldOf(parts, dealt);
    const entries = entriesOf(stops, present);
    for (const [at, part] of parts.entries())
      await writing.writeIndex(part, { part: at + 1, parts: parts.length, complete: true }, entries);
    return resultOf(vendor, documents, stops, this.#notes, { parts, dealt, wanted, present, fetchedBytes });
  }

  async #visit(
    requests: readonly OpenRequest[],
    { exchange, content: source }: VendorWays,
    { service, catalogues }: VendorDocuments,
    first: MediumPart,
  ): Promise<readonly Stop[]> {
    const { clock, random, check, digests, log } = this.#ports;
    const download = new BlobDownload({ blobs: first.blobs, clock, random }, defaultRetry);
    const planPorts = { documents: first.blobs, source, download, digests };
    const { descriptors, problems } = await descriptorsOf(catalogues, planPorts, this.#signal);
    this.#notes.push(...problems);
    const stops: Stop[] = [];
    for (const opened of requests) {
      const own: string[] = [];
      const id = opened.request.hierarchyId;
      const sent = this.#task.planOnly === true ? undefined : await this.#send(opened, exchange, own);
      const answer = sent === undefined ? undefined : readAnswer(sent.envelopes, service, { check, digests });
      own.push(...(answer?.problems ?? []).map((problem) => `an answer was not believed: ${problem}`));
      for (const { code, message } of sent?.refused ?? [])
        own.push(`the vendor refused (${code}): ${message}`);
      const offer = answer?.offer?.offer;
      const offered =
        offer?.hierarchyId === id ? new Map(offer.packages.map((each) => [each.guid, each])) : undefined;
      const vendor = { catalogues, descriptors, choice: this.#task.choice, offered };
      const plan = await planFor(opened, vendor, planPorts, this.#signal);
      if (plan.unobtainable.length > 0)
        own.push(
          `the vendor has no way to ${plan.unobtainable.length} segments at present: make another trip`,
        );
      log.info('{id}: {receipts} receipts, offer {offer}; {packages} packages, {blobs} blobs of {size}', {
        id,
        receipts: answer?.receipts.length ?? 0,
        offer: offer?.sequence ?? 'none',
        packages: plan.packages.map(({ name }) => name).join(', ') || 'no',
        blobs: plan.blobs.size,
        size: formatBytes(sum(plan.blobs.values())),
      });
      for (const problem of [...own, ...plan.problems]) log.warn('{id}: {problem}', { id, problem });
      stops.push({ opened, sent, answer, plan, problems: [...own, ...plan.problems] });
    }
    return stops;
  }

  /** What one hierarchy sent may be wrong by itself: then the others are served all the same. */
  async #send(
    opened: OpenRequest,
    exchange: VendorWays['exchange'],
    problems: string[],
  ): Promise<SentRequest | undefined> {
    try {
      return await sendRequest(opened, exchange, this.#ports.digests, this.#signal);
    } catch (error) {
      this.#signal.throwIfAborted();
      const isOwn =
        error instanceof MediumError || (error instanceof ExchangeError && ownCodes.has(error.code));
      if (!isOwn) throw error;
      problems.push(`its envelopes could not be handed over: ${messageOf(error)}`);
      return undefined;
    }
  }

  async #deal(
    blobs: readonly BlobRef[],
    first: MediumPart,
    overheadBytes: number,
  ): Promise<{ readonly parts: readonly MediumPart[]; readonly dealt: PartPlan }> {
    const { partMaxBytes: maxBytes } = this.#task;
    const parts = [first];
    for (let part = 2; part <= this.#ports.parts.count; part += 1)
      parts.push(await this.#ports.parts.open(part));
    const digests = blobs.map(({ sha256 }) => sha256);
    const held = await Promise.all(parts.map((part) => part.blobs.held(digests)));
    const dealt = dealOut(blobs, held, { maxBytes, overheadBytes });
    while (parts.length < dealt.length) parts.push(await this.#ports.parts.open(parts.length + 1));
    return { parts, dealt };
  }

  /** Answers what came over the line. What the vendor does not have is told at the end; a line that is dead ends it. */
  async #fetch(
    parts: readonly MediumPart[],
    dealt: PartPlan,
    { content }: VendorWays,
    totalBytes: number,
  ): Promise<number> {
    const { clock, random, log } = this.#ports;
    const there = sum((await heldOf(parts, dealt)).values());
    const meter = new CourierMeter(clock, { totalBytes, doneBytes: there }, this.#onProgress);
    for (const [at, blobs] of dealt.entries()) {
      const part = parts[at];
      if (part === undefined) continue;
      const download = new BlobDownload({ blobs: part.blobs, clock, random }, defaultRetry);
      const watch = {
        onBytes: (count: number) => meter.received(count),
        onRetry: ({ error, delayMs }: { readonly error: unknown; readonly delayMs: number }) =>
          log.warn('The download is interrupted and goes on in {delay} ms: {error}', {
            delay: delayMs,
            error: messageOf(error),
          }),
      };
      await forEachBounded(blobs, parallel, async (blob) => {
        try {
          await download.fetch(blob, content, watch, this.#signal);
        } catch (error) {
          this.#signal.throwIfAborted();
          if (!(error instanceof ContentError) || !passingCodes.has(error.code)) throw error;
          this.#notes.push(`One blob could not be had: ${error.message}`);
        }
      });
      log.info('Part {part} of {parts}: {blobs} blobs of {size}', {
        part: at + 1,
        parts: dealt.length,
        blobs: blobs.length,
        size: formatBytes(sum(blobs)),
      });
    }
    return meter.fetchedBytes;
  }
}

/** Refusals of what was sent, rather than of the way there. */
const ownCodes: ReadonlySet<string> = new Set(['MALFORMED', 'REFUSED', 'TOO_LARGE']);
/** Of one blob: others may be had. */
const passingCodes: ReadonlySet<string> = new Set([
  'BAD_RANGE',
  'CORRUPT',
  'HASH_MISMATCH',
  'NOT_FOUND',
  'SIZE_MISMATCH',
  'TOO_LARGE',
]);

/** What of the plan is on the parts where it belongs. */
async function heldOf(parts: readonly MediumPart[], dealt: PartPlan): Promise<ReadonlyMap<Digest, BlobRef>> {
  const present = new Map<Digest, BlobRef>();
  for (const [at, blobs] of dealt.entries()) {
    const held = await parts[at]?.blobs.held(blobs.map(({ sha256 }) => sha256));
    for (const blob of blobs) if (held?.has(blob.sha256) === true) present.set(blob.sha256, blob);
  }
  return present;
}
