import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** Chance from the operating system, fit for keys' nonces. */
export const systemRandom: Random = {
  // 48 bits: as many as a fraction can hold without rounding up to 1.
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  bytes: (count) => new Uint8Array(randomBytes(count)),
  uuid: () => randomUUID(),
};
