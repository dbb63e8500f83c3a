import { createHash, type Hash } from 'node:crypto';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { type Digest, digest } from '@sallyport/core/shared/ids';

/** Compares bytes, as they pass, with the size and digest that they should have. */
export class ExpectedBytes {
  readonly expected: BlobRef;
  readonly #hash: Hash = createHash('sha256');
  #sizeBytes = 0;

  constructor(expected: BlobRef) {
    this.expected = expected;
  }

  /** Bytes that passed. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @throws {ContentError} SIZE_MISMATCH when so many more bytes go beyond the expected size */
  mustHaveRoom(count: number): void {
    if (this.#sizeBytes + count > this.expected.sizeBytes) {
      throw sizeMismatch(this.expected, `more than ${String(this.expected.sizeBytes)}`);
    }
  }

  /** @throws {ContentError} SIZE_MISMATCH when the chunk goes beyond the expected size; it is not counted then */
  add(chunk: Uint8Array): void {
    this.mustHaveRoom(chunk.length);
    this.#sizeBytes += chunk.length;
    this.#hash.update(chunk);
  }

  /** Call once, at the end. @throws {ContentError} SIZE_MISMATCH, HASH_MISMATCH */
  finish(): void {
    checkBytes(this.expected, { sha256: digest(this.#hash.digest('hex')), sizeBytes: this.#sizeBytes });
  }
}

/** @throws {ContentError} SIZE_MISMATCH, HASH_MISMATCH */
export function checkBytes(expected: BlobRef, actual: BlobRef): void {
  if (actual.sizeBytes !== expected.sizeBytes) {
    throw sizeMismatch(expected, String(actual.sizeBytes));
  }
  if (actual.sha256 !== expected.sha256) {
    throw new ContentError(
      'HASH_MISMATCH',
      `bytes that should be ${expected.sha256} are ${actual.sha256}: they were altered on the way or on disk; fetch them again`,
      { expected: expected.sha256, actual: actual.sha256 },
    );
  }
}

function sizeMismatch(expected: BlobRef, actual: string): ContentError {
  return new ContentError(
    'SIZE_MISMATCH',
    `content ${expected.sha256} should be ${String(expected.sizeBytes)} bytes, not ${actual}: the source gives something else; fetch it again`,
    { sha256: expected.sha256, expectedBytes: expected.sizeBytes, actualBytes: actual },
  );
}

export function notHeld(sha256: Digest): ContentError {
  return new ContentError('NOT_HELD', `content ${sha256} is not in the content library: fetch it first`, {
    sha256,
  });
}

export function busy(sha256: Digest): ContentError {
  return new ContentError('BUSY', `content ${sha256} is being written already: wait for that to end`, {
    sha256,
  });
}

export function writerClosed(sha256: Digest): ContentError {
  return new ContentError('CLOSED', `the writer of content ${sha256} has ended: begin another one`, {
    sha256,
  });
}

export function tooLarge(sha256: Digest, sizeBytes: number, sizeMaxBytes: number): ContentError {
  return new ContentError(
    'TOO_LARGE',
    `content ${sha256} is ${String(sizeBytes)} bytes, more than the ${String(sizeMaxBytes)} that are read here`,
    { sha256, sizeBytes, sizeMaxBytes },
  );
}

/** @throws {ContentError} BAD_RANGE when `range` does not lie within `sizeBytes` */
export function checkedRange(
  sha256: Digest,
  sizeBytes: number,
  range: { readonly start: number; readonly end?: number } | undefined,
): { readonly start: number; readonly end: number } {
  const { start, end = sizeBytes } = range ?? { start: 0 };
  if (
    !Number.isSafeInteger(start) ||
    !Number.isSafeInteger(end) ||
    start < 0 ||
    start > end ||
    end > sizeBytes
  ) {
    throw new ContentError(
      'BAD_RANGE',
      `bytes ${String(start)} to ${String(end)} are not within the ${String(sizeBytes)} bytes of content ${sha256}`,
      { sha256, start, end, sizeBytes },
    );
  }
  return { start, end };
}
