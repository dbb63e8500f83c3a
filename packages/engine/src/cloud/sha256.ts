import { hash } from 'node:crypto';
import { digest, type Digest } from '@sallyport/core/shared/ids';

/** SHA-256 of bytes at hand. Files go through `Compute`. */
export function sha256Of(bytes: Uint8Array): Digest {
  return digest(hash('sha256', bytes, 'hex'));
}
