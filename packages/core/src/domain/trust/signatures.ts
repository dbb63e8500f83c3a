import type { SignedDocument } from './documents.ts';
import type { KeyId, RoleKeys, SignatureCheck, TrustKey } from './key.ts';
import { TrustError } from './trust-error.ts';

/**
 * Believes a document when at least the role's threshold of its keys signed it. A key counts once, also when it is
 * listed under several ids. Checks at most one signature per listed key, and none after the threshold is met.
 *
 * @param role for the error
 * @param signer who listed the keys, for the error
 * @throws {TrustError} BAD_SIGNATURE when a listed key signed other bytes, BELOW_THRESHOLD when too few signed
 */
export function verifySignatures(
  document: SignedDocument,
  role: string,
  signer: string,
  roleKeys: RoleKeys,
  keys: ReadonlyMap<KeyId, TrustKey>,
  check: SignatureCheck,
): void {
  const signedBy = new Set<string>();
  let wrong = 0;
  for (const keyId of roleKeys.keyIds) {
    const key = keys.get(keyId);
    const signature = document.signatures.get(keyId);
    if (key !== undefined && signature !== undefined) {
      if (check(key, signature, document.signedBytes)) {
        signedBy.add(`${key.keyType}\n${key.publicValue}`);
      } else {
        wrong += 1;
      }
    }
    if (signedBy.size >= roleKeys.threshold) {
      return;
    }
  }
  throw new TrustError(
    wrong > 0 ? 'BAD_SIGNATURE' : 'BELOW_THRESHOLD',
    `${role} version ${document.signed.version} is signed by ${signedBy.size} of the ${roleKeys.threshold} keys that ${signer} asks for` +
      (wrong > 0
        ? `, and ${wrong} of its signatures do not fit its bytes: it was altered or wrongly signed`
        : '') +
      '; the publisher must sign it with the right keys, what was trusted before stays',
    {
      role,
      version: document.signed.version,
      signatures: signedBy.size,
      wrongSignatures: wrong,
      threshold: roleKeys.threshold,
    },
  );
}
