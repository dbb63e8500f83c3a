import { ContentError, isWrongBytes } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest, EpochMs } from '@sallyport/core/shared/ids';
import { windowMinBytes } from '@sallyport/core/shared/pace';
import type { Blobs, BlobWriter } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Random } from '../../ports/random.ts';
import { fullJitterMs, isWorthWaiting, type RetryLimits } from './retry.ts';

/** Why a download pauses, and when it goes on. */
export interface RetryNotice {
  /** What is being fetched; absent while the source is asked what it has. */
  readonly blob?: BlobRef;
  readonly error: unknown;
  /** Failures in a row so far. */
  readonly failures: number;
  readonly delayMs: number;
  readonly retryAt: EpochMs;
}

export interface DownloadWatch {
  /** Bytes that came over the wire, wanted or not. */
  readonly onBytes: (count: number) => void;
  readonly onRetry: (notice: RetryNotice) => void;
}

/** A source that gives wrong bytes so often is not asked for that blob again. */
const wrongBytesMax = 2;

/**
 * Brings single blobs from a source into the library. A download goes on at the byte where the one before
 * ended, whatever ended it: the line, the source or this program. Verified before it is visible.
 */
export class BlobDownload {
  readonly #ports: { readonly blobs: Blobs; readonly clock: Clock; readonly random: Random };
  readonly #retry: RetryLimits;

  constructor(
    ports: { readonly blobs: Blobs; readonly clock: Clock; readonly random: Random },
    retry: RetryLimits,
  ) {
    this.#ports = ports;
    this.#retry = retry;
  }

  /** @throws {ContentError} what the source or the library says in the end, after retries where they may help */
  async fetch(
    blob: BlobRef,
    source: ContentSource,
    watch: DownloadWatch,
    signal: AbortSignal,
  ): Promise<void> {
    let failures = 0;
    let wrongBytes = 0;
    let withRanges = true;
    for (;;) {
      signal.throwIfAborted();
      let newBytes = 0;
      const onWritten = (count: number): void => {
        newBytes += count;
      };
      try {
        await this.#attempt({ blob, source, onBytes: watch.onBytes, onWritten, withRanges }, signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isWrongBytes(error)) {
          wrongBytes += 1;
          withRanges = error.code !== 'BAD_RANGE';
        } else if (!isWorthWaiting(error)) {
          throw error;
        }
        // Bytes that were there before are no progress: a server without ranges may break off at the same place for ever.
        // Nor is a byte an attempt: that takes years.
        failures = newBytes >= windowMinBytes ? 1 : failures + 1;
        if (wrongBytes >= wrongBytesMax || failures >= this.#retry.attemptsMax) {
          throw error;
        }
        await this.#pause({ blob, error, failures }, watch, signal);
      }
    }
  }

  /** Those of `digests` that the source can give; asked again as `fetch` does. */
  async offers(
    digests: readonly Digest[],
    source: ContentSource,
    watch: Pick<DownloadWatch, 'onRetry'>,
    signal: AbortSignal,
  ): Promise<ReadonlySet<Digest>> {
    for (let failures = 1; ; failures += 1) {
      try {
        return digests.length === 0 ? new Set() : await source.offers(digests, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isWorthWaiting(error) || failures >= this.#retry.attemptsMax) {
          throw error;
        }
        await this.#pause({ error, failures }, watch, signal);
      }
    }
  }

  async #attempt(
    asked: {
      readonly blob: BlobRef;
      readonly source: ContentSource;
      readonly onBytes: (count: number) => void;
      readonly onWritten: (count: number) => void;
      readonly withRanges: boolean;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const writer = await this.#ports.blobs.resume(asked.blob);
    try {
      if (writer.offset < asked.blob.sizeBytes) {
        await receive(writer, asked, signal);
      }
      await writer.commit();
    } catch (failure) {
      // What made the attempt fail matters, not that a full disk cannot sync what is there either.
      await writer.suspend().catch(() => undefined);
      throw failure;
    }
  }

  async #pause(
    failed: { readonly blob?: BlobRef; readonly error: ContentError; readonly failures: number },
    watch: Pick<DownloadWatch, 'onRetry'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, random } = this.#ports;
    const asked = failed.error.details['retryAfterMs'];
    const atLeastMs = typeof asked === 'number' ? Math.min(asked, this.#retry.delayMaxMs) : 0;
    const delayMs = Math.max(atLeastMs, fullJitterMs(this.#retry, failed.failures, random.fraction()));
    watch.onRetry({ ...failed, delayMs, retryAt: clock.now() + delayMs });
    await clock.sleep(delayMs, signal);
  }
}

/** Writes what the source gives from the writer's offset on; earlier bytes that come too are passed over. */
async function receive(
  writer: BlobWriter,
  {
    blob,
    source,
    onBytes,
    onWritten,
    withRanges,
  }: {
    readonly blob: BlobRef;
    readonly source: ContentSource;
    readonly onBytes: (count: number) => void;
    readonly onWritten: (count: number) => void;
    readonly withRanges: boolean;
  },
  signal: AbortSignal,
): Promise<void> {
  const { startsAt, chunks } = await source.open(blob, withRanges ? writer.offset : 0, signal);
  if (startsAt > writer.offset) {
    throw new ContentError(
      'BAD_RANGE',
      `${source.name} gives content ${blob.sha256} from byte ${String(startsAt)} on, not from ${String(writer.offset)}`,
      {
        sha256: blob.sha256,
      },
    );
  }
  let at = startsAt;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    onBytes(chunk.length);
    const known = Math.min(Math.max(0, writer.offset - at), chunk.length);
    at += chunk.length;
    if (at > blob.sizeBytes) {
      throw new ContentError(
        'TOO_LARGE',
        `${source.name} gives more than the ${String(blob.sizeBytes)} bytes of content ${blob.sha256}`,
        {
          sha256: blob.sha256,
        },
      );
    }
    if (known < chunk.length) {
      await writer.write(chunk.subarray(known));
      onWritten(chunk.length - known);
    }
  }
  if (at < blob.sizeBytes) {
    throw new ContentError(
      'CUT_SHORT',
      `${source.name} ended content ${blob.sha256} at byte ${String(at)} of ${String(blob.sizeBytes)}`,
      {
        sha256: blob.sha256,
      },
    );
  }
}
