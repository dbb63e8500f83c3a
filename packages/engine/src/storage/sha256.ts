import { hash } from 'node:crypto';
import { type Digest, digest } from '@sallyport/core/shared/ids';

/** SHA-256 of bytes at hand. */
export function sha256Of(bytes: Uint8Array): Digest {
  return digest(hash('sha256', bytes, 'hex'));
}
