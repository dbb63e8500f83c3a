import { hash } from 'node:crypto';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { digest } from '@sallyport/core/shared/ids';

/** Bytes that look random, do not compress, and are the same in every run. */
export function noise(length: number, seed = 1): Uint8Array {
  let state = seed | 0;
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** The name and size of bytes. */
export function refOf(bytes: Uint8Array): BlobRef {
  return { sha256: digest(hash('sha256', bytes, 'hex')), sizeBytes: bytes.length };
}

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
}

/** A source that gives `chunks` one after another. */
export async function* chunked(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Everything that a source gives, joined. */
export async function collected(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) {
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** A signal that is never aborted. */
export function never(): AbortSignal {
  return new AbortController().signal;
}
