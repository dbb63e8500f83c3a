import type { DigestAlgorithm, DigestOf } from '@sallyport/core/domain/trust/key';

/** Digests at once and in passing. Bulk hashing of files belongs to `Compute`. */
export interface Digests {
  readonly of: DigestOf;
  start(algorithm: DigestAlgorithm): RunningDigest;
}

/** A digest over chunks as they pass. */
export interface RunningDigest {
  update(chunk: Uint8Array): void;
  /** Lower-case hexadecimal; call it once, at the end. */
  hex(): string;
}
