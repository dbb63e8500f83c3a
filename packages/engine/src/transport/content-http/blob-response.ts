import { ContentError, type ContentErrorCode } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { HttpAnswer } from './http-answer.ts';

/**
 * The answer to a request for a blob, held against what was asked for.
 *
 * A server without ranges answers 200 with everything, which is fine; one that answers 206 must give exactly
 * the range that was asked for, up to any end (the rest is asked for again).
 */
export class BlobResponse {
  /** Where in the blob the body begins. */
  readonly startsAt: number;
  /** An ETag that may go into `If-Range`. */
  readonly strongEtag: string | undefined;
  readonly #answer: HttpAnswer;
  readonly #blob: BlobRef;
  /** Where in the blob the body ends, so far as the server says. */
  readonly #endsAt: number;

  /** @throws {ContentError} NOT_FOUND, BAD_STATUS, BAD_RANGE, SIZE_MISMATCH, CORRUPT */
  constructor(answer: HttpAnswer, blob: BlobRef, offset: number) {
    this.#answer = answer;
    this.#blob = blob;
    const encoding = answer.header('content-encoding') ?? 'identity';
    if (answer.status === 416 && offset > 0) {
      throw this.#error('BAD_RANGE', `has no bytes from ${String(offset)} on, of ${String(blob.sizeBytes)}`);
    }
    if (answer.status !== 200 && answer.status !== 206) {
      throw answer.unexpectedStatus('200 or 206');
    }
    if (encoding !== 'identity') {
      throw this.#error('CORRUPT', `comes in content encoding "${encoding}", which nobody asked for`);
    }
    const range = answer.status === 206 ? this.#range(offset) : { start: 0, end: blob.sizeBytes };
    this.startsAt = range.start;
    this.#endsAt = range.end;
    this.#checkLength(range.end - range.start);
    const etag = answer.header('etag');
    this.strongEtag = etag !== undefined && /^"[^"]{1,200}"$/.test(etag) ? etag : undefined;
  }

  /** The body, never more of it than the blob has. @throws {ContentError} TOO_LARGE, CUT_SHORT, and the answer's own */
  async *chunks(): AsyncGenerator<Uint8Array> {
    let at = this.startsAt;
    for await (const chunk of this.#answer.chunks()) {
      at += chunk.length;
      if (at > this.#endsAt) {
        throw this.#error(
          'TOO_LARGE',
          `sends more than the ${String(this.#endsAt - this.startsAt)} bytes it should`,
        );
      }
      yield chunk;
    }
    if (at < this.#blob.sizeBytes) {
      throw this.#error('CUT_SHORT', `ended at byte ${String(at)} of ${String(this.#blob.sizeBytes)}`);
    }
  }

  #range(offset: number): { readonly start: number; readonly end: number } {
    const text = this.#answer.header('content-range') ?? '';
    const parts = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(text);
    const [, first, last, total] = parts ?? [];
    const range = { start: Number(first), end: Number(last) + 1 };
    if (
      parts === null ||
      range.start !== offset ||
      range.end <= range.start ||
      range.end > this.#blob.sizeBytes
    ) {
      throw this.#error(
        'BAD_RANGE',
        `gives "${text.slice(0, 100)}" where bytes from ${String(offset)} on were asked for`,
      );
    }
    if (total !== '*' && Number(total) !== this.#blob.sizeBytes) {
      throw this.#error(
        'SIZE_MISMATCH',
        `says that it is ${total ?? ''} bytes, not ${String(this.#blob.sizeBytes)}`,
      );
    }
    return range;
  }

  #checkLength(expectedBytes: number): void {
    const length = this.#answer.header('content-length');
    if (length !== undefined && Number(length) !== expectedBytes) {
      throw this.#error(
        'SIZE_MISMATCH',
        `sends ${length} bytes where ${String(expectedBytes)} were expected`,
      );
    }
  }

  #error(code: ContentErrorCode, what: string): ContentError {
    const url = this.#answer.url.href;
    return new ContentError(
      code,
      `${url} ${what}: the server, or something before it, does not give what was published`,
      {
        url,
        sha256: this.#blob.sha256,
      },
    );
  }
}
