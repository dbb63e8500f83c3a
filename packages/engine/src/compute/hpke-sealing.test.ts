import assert from 'node:assert/strict';
import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import { describe, it } from 'node:test';
import { HpkeSealing } from './hpke-sealing.ts';

const sealing = new HpkeSealing();
const info = 'a test';

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

describe('HPKE sealing', () => {
  it('is opened by the key it was sealed to, and by no other', async () => {
    const secret = sealing.generate();
    const sealed = await sealing.seal(sealing.publicKeyOf(secret), info, Buffer.from('what a site says'));
    assert.equal(text(await sealing.open(secret, info, sealed)), 'what a site says');
    await assert.rejects(sealing.open(sealing.generate(), info, sealed), { code: 'NOT_OPENED' });
    await assert.rejects(sealing.open(secret, 'another use', sealed), { code: 'NOT_OPENED' });
  });

  it('never gives the same bytes twice, and none of the plaintext', async () => {
    const to = sealing.publicKeyOf(sealing.generate());
    const plaintext = randomBytes(64);
    const [a, b] = [await sealing.seal(to, info, plaintext), await sealing.seal(to, info, plaintext)];
    assert.notDeepEqual(a, b);
    assert.equal(Buffer.from(a.ciphertext).includes(plaintext.subarray(0, 16)), false);
    assert.equal(a.key.length, 32);
    assert.equal(a.ciphertext.length, plaintext.length + 16);
  });

  it('notices a flipped bit anywhere', async () => {
    const secret = sealing.generate();
    const sealed = await sealing.seal(sealing.publicKeyOf(secret), info, Buffer.from('untouched'));
    for (const part of ['key', 'ciphertext'] as const) {
      for (let index = 0; index < sealed[part].length; index += 5) {
        const bytes = Uint8Array.from(sealed[part]);
        bytes[index] = (bytes[index] ?? 0) ^ 1;
        await assert.rejects(
          sealing.open(secret, info, { ...sealed, [part]: bytes }),
          { code: 'NOT_OPENED' },
          `${part}, byte ${index}`,
        );
      }
    }
  });

  it('seals as RFC 9180 describes, read by its formulas alone', async () => {
    const secret = sealing.generate();
    const { key, ciphertext } = await sealing.seal(
      sealing.publicKeyOf(secret),
      info,
      Buffer.from('by formula'),
    );
    assert.equal(text(openByFormula(secret, key, ciphertext)), 'by formula');
  });

  it('refuses what is no X25519 key', async () => {
    const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    assert.throws(() => sealing.publicKeyOf(ed25519), { code: 'NOT_A_KEY' });
    assert.throws(() => sealing.publicKeyOf(randomBytes(48)), { code: 'NOT_A_KEY' });
    await assert.rejects(sealing.seal('abcd', info, Buffer.from('x')), { code: 'NOT_A_KEY' });
    await assert.rejects(sealing.open(ed25519, info, { key: randomBytes(32), ciphertext: randomBytes(32) }), {
      code: 'NOT_A_KEY',
    });
  });
});

/** RFC 9180, sections 4 and 5.1, for the suite 0x0020, 0x0001, 0x0002 in base mode. */
function openByFormula(secret: Uint8Array, enc: Uint8Array, sealed: Uint8Array): Uint8Array {
  const kem = Buffer.concat([Buffer.from('KEM'), Buffer.from([0, 0x20])]);
  const hpke = Buffer.concat([Buffer.from('HPKE'), Buffer.from([0, 0x20, 0, 1, 0, 2])]);
  const privateKey = createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' });
  const own = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const spkiHeader = own.subarray(0, -32);
  const publicKey = createPublicKey({ key: Buffer.concat([spkiHeader, enc]), format: 'der', type: 'spki' });
  const dh = diffieHellman({ privateKey, publicKey });
  const none = Buffer.alloc(0);

  const eae = labeledExtract(none, kem, 'eae_prk', dh);
  const shared = labeledExpand(eae, kem, 'shared_secret', Buffer.concat([enc, own.subarray(-32)]), 32);
  const context = Buffer.concat([
    Buffer.from([0]),
    labeledExtract(none, hpke, 'psk_id_hash', none),
    labeledExtract(none, hpke, 'info_hash', Buffer.from(info)),
  ]);
  const main = labeledExtract(shared, hpke, 'secret', none);
  const decipher = createDecipheriv(
    'aes-256-gcm',
    labeledExpand(main, hpke, 'key', context, 32),
    labeledExpand(main, hpke, 'base_nonce', context, 12),
  );
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

function labeledExtract(salt: Uint8Array, suite: Uint8Array, label: string, ikm: Uint8Array): Buffer {
  return createHmac('sha256', salt)
    .update(Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(label), ikm]))
    .digest();
}

/** At most one block of HKDF-Expand: 32 bytes. */
function labeledExpand(
  prk: Uint8Array,
  suite: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Buffer {
  const labeled = Buffer.concat([
    Buffer.from([0, length]),
    Buffer.from('HPKE-v1'),
    suite,
    Buffer.from(label),
    context,
    Buffer.from([1]),
  ]);
  return createHmac('sha256', prk).update(labeled).digest().subarray(0, length);
}
