import { type DigestAlgorithm, digestAlgorithms, type DigestOf } from './key.ts';
import { TrustError } from './trust-error.ts';

/** What trusted metadata says of a file. */
export interface FileDescription {
  readonly lengthBytes?: number;
  readonly hashes?: ReadonlyMap<string, string>;
}

/**
 * The digests to check a file by: all that are known here.
 *
 * @throws {TrustError} MISMATCH when digests are given and none is known here: nothing could be checked
 */
export function digestsToCheck(
  name: string,
  hashes: ReadonlyMap<string, string>,
): readonly (readonly [DigestAlgorithm, string])[] {
  const known = digestAlgorithms.flatMap((algorithm) => {
    const expected = hashes.get(algorithm);
    return expected === undefined ? [] : [[algorithm, expected] as const];
  });
  if (known.length === 0) {
    throw new TrustError(
      'MISMATCH',
      `${name} cannot be checked: its digests are ${[...hashes.keys()].join(', ').slice(0, 100)}, and only ${digestAlgorithms.join(' and ')} are known here; the publisher must name one of those`,
      {
        file: name,
      },
    );
  }
  return known;
}

/**
 * Compares a file's bytes with what trusted metadata says of it.
 *
 * @throws {TrustError} TOO_LARGE, MISMATCH
 */
export function checkFile(
  name: string,
  expected: FileDescription,
  bytes: Uint8Array,
  digestOf: DigestOf,
): void {
  checkLength(name, expected.lengthBytes, bytes.length);
  if (expected.hashes !== undefined) {
    for (const [algorithm, hex] of digestsToCheck(name, expected.hashes)) {
      checkDigest(name, algorithm, hex, digestOf(algorithm, bytes));
    }
  }
}

/** @throws {TrustError} TOO_LARGE when longer, MISMATCH when shorter */
export function checkLength(name: string, expected: number | undefined, actual: number): void {
  if (expected !== undefined && actual !== expected) {
    const problem = actual > expected ? 'long' : 'short';
    throw new TrustError(
      actual > expected ? 'TOO_LARGE' : 'MISMATCH',
      `${name} is too ${problem}: ${actual} bytes, where trusted metadata says ${expected}; fetch it again, from another source if it stays so`,
      {
        file: name,
        expectedBytes: expected,
        actualBytes: actual,
      },
    );
  }
}

/** @throws {TrustError} MISMATCH */
export function checkDigest(
  name: string,
  algorithm: DigestAlgorithm,
  expected: string,
  actual: string,
): void {
  if (actual !== expected) {
    throw new TrustError(
      'MISMATCH',
      `${name} is not the file that trusted metadata names: its ${algorithm} is ${actual}, not ${expected}; fetch it again, from another source if it stays so`,
      {
        file: name,
        algorithm,
        expected,
        actual,
      },
    );
  }
}
