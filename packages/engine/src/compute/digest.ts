import { createHash, hash } from 'node:crypto';
import type { Digests } from '../ports/digests.ts';

/** Digests by the CPU's own instructions, through node:crypto. */
export const nodeDigests: Digests = {
  of: (algorithm, bytes) => hash(algorithm, bytes, 'hex'),
  start: (algorithm) => {
    const running = createHash(algorithm);
    return {
      update: (chunk) => {
        running.update(chunk);
      },
      hex: () => running.digest('hex'),
    };
  },
};
