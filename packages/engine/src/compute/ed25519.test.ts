import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSignature } from './signature-check.ts';
import { nodeKeys } from './ed25519.ts';

const message = new TextEncoder().encode('stand by');

test('a signature made by a generated key is accepted under its raw public key and no other', () => {
  const signer = nodeKeys.open(nodeKeys.generate());
  const other = nodeKeys.open(nodeKeys.generate());
  const signature = signer.sign(message);
  const keyOf = (publicValue: string) => ({ keyType: 'ed25519', scheme: 'ed25519', publicValue });
  assert.match(signer.publicKey, /^[0-9a-f]{64}$/);
  assert.equal(checkSignature(keyOf(signer.publicKey), signature, message), true);
  assert.equal(checkSignature(keyOf(other.publicKey), signature, message), false);
});

test('a sealed key opens again with its passphrase only', () => {
  const secret = nodeKeys.generate();
  const pem = nodeKeys.seal(secret, 'open sesame');
  assert.match(pem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  assert.equal(nodeKeys.open(nodeKeys.unseal(pem, 'open sesame')).publicKey, nodeKeys.open(secret).publicKey);
  assert.throws(() => nodeKeys.unseal(pem, 'open'), { code: 'WRONG_PASSPHRASE' });
  assert.throws(() => nodeKeys.unseal('hello', 'open'), { code: 'NOT_A_KEY' });
});

test('bytes that are no private key are refused', () => {
  assert.throws(() => nodeKeys.open(new Uint8Array(48)), { code: 'NOT_A_KEY' });
});
