import { decodeHex } from '@sallyport/core/wire/hex';
import { encodeBase64 } from '@sallyport/core/wire/base64';
import type { Keys } from '../../ports/keys.ts';
import type { Random } from '../../ports/random.ts';
import type { Vault } from '../../ports/vault.ts';

/** The vault's name for the key that names are hashed with. It never leaves the hierarchy. */
export const usageHashKeyName = 'usage-hash';

/**
 * How names of the hierarchy's own leave it: HMAC-SHA-256 with a key that is made once, as 43 characters of base64url.
 * The same name is the same in every report of this hierarchy, and another one in any other hierarchy's.
 */
export async function nameHash(tools: {
  readonly vault: Vault;
  readonly random: Random;
  readonly keys: Pick<Keys, 'mac'>;
}): Promise<(text: string) => string> {
  const { vault, random, keys } = tools;
  let secret = await vault.load(usageHashKeyName);
  if (secret === undefined) {
    secret = random.bytes(32);
    await vault.create(usageHashKeyName, secret);
  }
  const key = secret;
  return (text) => {
    const mac = decodeHex(keys.mac(key, new TextEncoder().encode(text)));
    if (mac === undefined) throw new TypeError('a MAC is hexadecimal');
    return encodeBase64(mac).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  };
}
