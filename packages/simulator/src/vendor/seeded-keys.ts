import { nodeKeys } from '@sallyport/engine/compute/ed25519';
import type { Keys } from '@sallyport/engine/ports/keys';
import type { Random } from '@sallyport/engine/ports/random';

/** PKCS#8 of an Ed25519 key (RFC 8410) before its 32 secret bytes. */
const pkcs8Prefix = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

/** Ed25519 keys whose secrets come from `random`: the same seed, the same keys. */
export function seededKeys(random: Random): Keys {
  return { ...nodeKeys, generate: () => Uint8Array.from([...pkcs8Prefix, ...random.bytes(32)]) };
}
