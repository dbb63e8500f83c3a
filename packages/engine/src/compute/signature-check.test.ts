import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import type { TrustKey } from '@sallyport/core/domain/trust/key';
import { checkSignature } from './signature-check.ts';

const message = Buffer.from('what is signed');

interface Case {
  readonly key: TrustKey;
  readonly signature: Buffer;
}

function pem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString();
}

function ed25519(): Case {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const hex = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
  return {
    key: { keyType: 'ed25519', scheme: 'ed25519', publicValue: hex },
    signature: sign(null, message, privateKey),
  };
}

function ecdsa(namedCurve: string, scheme: string, keyType: string): Case {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  const digest = scheme.endsWith('384') ? 'sha384' : 'sha256';
  return {
    key: { keyType, scheme, publicValue: pem(publicKey) },
    signature: sign(digest, message, privateKey),
  };
}

function rsa(): Case {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signature = sign('sha256', message, {
    key: privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 32,
  });
  return { key: { keyType: 'rsa', scheme: 'rsassa-pss-sha256', publicValue: pem(publicKey) }, signature };
}

const cases: Readonly<Record<string, Case>> = {
  'Ed25519 in hexadecimal': ed25519(),
  'ECDSA on P-256': ecdsa('prime256v1', 'ecdsa-sha2-nistp256', 'ecdsa'),
  'ECDSA on P-256 by its old name': ecdsa('prime256v1', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'),
  'ECDSA on P-384': ecdsa('secp384r1', 'ecdsa-sha2-nistp384', 'ecdsa'),
  'RSA-PSS': rsa(),
};

for (const [name, { key, signature }] of Object.entries(cases)) {
  describe(name, () => {
    test('vouches for the bytes that were signed', () =>
      assert.equal(checkSignature(key, signature, message), true));
    test('vouches for no other bytes', () =>
      assert.equal(checkSignature(key, signature, Buffer.from('what is signee')), false));
    test('takes no altered, cut or empty signature', () => {
      const altered = Buffer.from(signature);
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
      for (const wrong of [altered, signature.subarray(1), signature.subarray(0, -1), new Uint8Array()]) {
        assert.equal(checkSignature(key, wrong, message), false);
      }
    });
    test('takes no other key', () => {
      for (const [other, { key: otherKey }] of Object.entries(cases)) {
        assert.equal(checkSignature(otherKey, signature, message), other === name);
      }
    });
  });
}

describe('a key that does not fit its scheme vouches for nothing', () => {
  const { key, signature } = cases['ECDSA on P-256'] ?? ed25519();
  for (const [name, wrong] of Object.entries({
    'unknown type': { keyType: 'dsa' },
    'unknown scheme': { scheme: 'ecdsa-sha2-nistp521' },
    'another curve': { scheme: 'ecdsa-sha2-nistp384' },
    'a type that contradicts the scheme': { keyType: 'ecdsa-sha2-nistp384' },
    'a key of another kind': { publicValue: cases['RSA-PSS']?.key.publicValue ?? '' },
    'text that is no key': { publicValue: 'key' },
    'no key': { publicValue: '' },
  })) {
    test(name, () => assert.equal(checkSignature({ ...key, ...wrong }, signature, message), false));
  }
  test('an Ed25519 key of 31 bytes', () => {
    const { key: edKey, signature: edSignature } = ed25519();
    assert.equal(
      checkSignature({ ...edKey, publicValue: edKey.publicValue.slice(2) }, edSignature, message),
      false,
    );
  });
});
