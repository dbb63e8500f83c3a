import { hash } from 'node:crypto';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import { checkSignature } from '@sallyport/engine/compute/signature-check';

const knownMax = 20_000;
const known = new Map<string, boolean>();

/**
 * The real check, asked once for each signature: sites look at the same documents again and again, and a check always
 * answers the same.
 */
export const checkOnce: SignatureCheck = (key, signature, message) => {
  const digest = hash('sha256', message);
  const name = `${key.keyType} ${key.scheme} ${key.publicValue} ${Buffer.from(signature).toString('base64')} ${digest}`;
  const before = known.get(name);
  if (before !== undefined) return before;
  const answer = checkSignature(key, signature, message);
  if (known.size >= knownMax) known.clear();
  known.set(name, answer);
  return answer;
};
