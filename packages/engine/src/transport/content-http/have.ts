import type { Digest } from '@sallyport/core/shared/ids';

/** Digests that one request may ask about. */
export const haveDigestsMax = 10_000;

/**
 * The digests of an answer to `blobs/have`, of those that were asked for.
 *
 * @throws {SyntaxError} when it is no such answer
 */
export function parseHeld(bytes: Uint8Array, asked: readonly Digest[]): readonly Digest[] {
  const answer: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  const held: unknown =
    typeof answer === 'object' && answer !== null && 'held' in answer ? answer.held : undefined;
  if (!Array.isArray(held)) {
    throw new SyntaxError('there is no list "held"');
  }
  const named = new Set<unknown>(held);
  return asked.filter((sha256) => named.has(sha256));
}
