import type { EpochMs } from '@sallyport/core/shared/ids';
import type { CloudDatabase } from '../ports/cloud-database.ts';
import type { Random } from '../ports/random.ts';
import { sha256Of } from './sha256.ts';

/** Crockford's base 32: nothing in it looks like something else. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const groups = 5;
const groupLength = 5;

/**
 * Makes enrolment codes, each for one hierarchy: 125 bits of chance, so that no guess hits. Only their digests are
 * kept; the codes are shown once.
 */
export async function makeCodes(
  database: CloudDatabase,
  random: Random,
  options: { readonly count: number; readonly now: EpochMs; readonly expiresAt?: EpochMs },
): Promise<readonly string[]> {
  const codes = Array.from({ length: options.count }, () => newCode(random));
  await database.addCodes(
    codes.map((code) => ({
      sha256: hashCode(code),
      createdAt: options.now,
      ...(options.expiresAt === undefined ? {} : { expiresAt: options.expiresAt }),
    })),
  );
  return codes;
}

/** The digest under which a code is kept. How it was typed does not matter: case, spaces, hyphens, O for 0, I and L for 1. */
export function hashCode(code: string): string {
  const plain = code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return sha256Of(new TextEncoder().encode(plain));
}

function newCode(random: Random): string {
  const digits = [...random.bytes(groups * groupLength)].map((byte) => alphabet.charAt(byte & 31));
  return Array.from({ length: groups }, (_, index) =>
    digits.slice(index * groupLength, (index + 1) * groupLength).join(''),
  ).join('-');
}
