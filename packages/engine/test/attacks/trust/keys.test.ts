import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import type { RoleJson, TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import { attackedSite, withstands } from '../../../test-support/attacked-trust.ts';

/** A key as metadata lists it, and signatures made with it as its kind makes them. */
interface OddKey {
  readonly keytype: string;
  readonly scheme: string;
  readonly public: string;
  sign(message: Uint8Array): Uint8Array;
}

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');
const ed448 = generateKeyPairSync('ed448');
const edHex = ed25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');

function ecdsa(keytype: string, scheme: string, pair: typeof p384, digest: string): OddKey {
  return {
    keytype,
    scheme,
    public: pem(pair.publicKey),
    sign: (message) => sign(digest, message, pair.privateKey),
  };
}

const pss: OddKey = {
  keytype: 'rsa',
  scheme: 'rsassa-pss-sha256',
  public: pem(rsa.publicKey),
  sign: (message) => sign('sha256', message, { key: rsa.privateKey, padding: 6, saltLength: 32 }),
};

const good: Readonly<Record<string, OddKey>> = {
  'P-256': ecdsa('ecdsa', 'ecdsa-sha2-nistp256', p256, 'sha256'),
  'P-384': ecdsa('ecdsa', 'ecdsa-sha2-nistp384', p384, 'sha384'),
  'RSA-PSS': pss,
};

const ed = (fields: Partial<OddKey>): OddKey => ({
  keytype: 'ed25519',
  scheme: 'ed25519',
  public: edHex,
  sign: (message) => sign(null, message, ed25519.privateKey),
  ...fields,
});

const odd: Readonly<Record<string, OddKey>> = {
  'a P-384 key under the scheme of P-256': ecdsa('ecdsa', 'ecdsa-sha2-nistp256', p384, 'sha256'),
  'a P-256 key that signs with SHA-384': ecdsa('ecdsa', 'ecdsa-sha2-nistp384', p256, 'sha384'),
  'a P-384 key that signs with SHA-256': ecdsa('ecdsa', 'ecdsa-sha2-nistp384', p384, 'sha256'),
  'a P-384 signature that is not DER': {
    ...ecdsa('ecdsa', 'ecdsa-sha2-nistp384', p384, 'sha384'),
    sign: (message) => sign('sha384', message, { key: p384.privateKey, dsaEncoding: 'ieee-p1363' }),
  },
  'an RSA key under PKCS 1 v1.5': {
    ...pss,
    scheme: 'rsa-pkcs1v15-sha256',
    sign: (message) => sign('sha256', message, rsa.privateKey),
  },
  'a PKCS 1 v1.5 signature under PSS': { ...pss, sign: (message) => sign('sha256', message, rsa.privateKey) },
  'an RSA key that says it is Ed25519': { ...pss, keytype: 'ed25519', scheme: 'ed25519' },
  'an Ed25519 key under a scheme of ECDSA': ed({ keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256' }),
  'a key type that nobody knows': ed({ keytype: 'dilithium5', scheme: 'dilithium5' }),
  'a scheme that is called like a part of every object': ed({ keytype: 'ecdsa', scheme: 'constructor' }),
  'a key type and scheme called __proto__': ed({ keytype: '__proto__', scheme: '__proto__' }),
  'an Ed448 key': {
    ...ed({ keytype: 'ed448', scheme: 'ed448', public: pem(ed448.publicKey) }),
    sign: (message) => sign(null, message, ed448.privateKey),
  },
  'a key of no bytes': ed({ public: '' }),
  'a key that is a megabyte of hexadecimal': ed({ public: 'ab'.repeat(200_000) }),
  'an Ed25519 signature made malleable': ed({
    sign: (message) => plusOrder(sign(null, message, ed25519.privateKey)),
  }),
};

/** The same signature with the order of the group added to its scalar: a careless check takes it, too (RFC 8032, 5.1.7). */
function plusOrder(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const scalar = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString('hex')}`) + order;
  const hex = scalar.toString(16).padStart(64, '0');
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(hex, 'hex').toReversed()]);
}

/** Lists a key for the timestamp beside the honest one, and signs with it, too. */
function listBeside(repo: TufRepository, key: OddKey, threshold: number, keyId = 'odd'): void {
  repo.root.keys[keyId] = { keytype: key.keytype, scheme: key.scheme, keyval: { public: key.public } };
  const role = repo.root.roles['timestamp'] as RoleJson;
  // First in the list: it is looked at before the good one.
  role.keyids.unshift(keyId);
  role.threshold = threshold;
  repo.publish('root');
  repo.timestamp.version += 1;
  const envelope = JSON.parse(Buffer.from(repo.sign('timestamp')).toString()) as { signatures: unknown[] };
  const sig = Buffer.from(key.sign(canonicalJson(repo.timestamp))).toString('hex');
  envelope.signatures.unshift({ keyid: keyId, sig });
  repo.serve('timestamp', Buffer.from(JSON.stringify(envelope)));
}

for (const [name, key] of Object.entries(good)) {
  test(`a key of ${name} counts`, async (t) => {
    const site = await attackedSite(t);
    listBeside(site.repo, key, 2);
    assert.equal(await site.exchange(), 'the catalogue');
  });
}

describe('a role that lists, among others,', () => {
  for (const [name, key] of Object.entries(odd)) {
    test(`${name}: is believed by its good keys alone`, async (t) => {
      const site = await attackedSite(t);
      listBeside(site.repo, key, 1);
      assert.equal(await site.exchange(), 'the catalogue');
      assert.match((await site.files())['timestamp.json'] ?? '', /"odd"/);
    });

    test(`${name}: is not believed where its good keys are too few`, (t) =>
      withstands(t, {
        does: ({ repo }) => listBeside(repo, key, 2),
        code: 'BAD_SIGNATURE',
        says: /^timestamp version 3 is signed by 1 of the 2 keys that root version 2 asks for, and 1 of its signatures do not fit/,
        advances: ['root.json', 'root_history/2.root.json'],
      }));
  }

  test('a key id of 15,000 characters: is believed', async (t) => {
    const site = await attackedSite(t);
    listBeside(site.repo, ed({}), 2, 'k'.repeat(15_000));
    assert.equal(await site.exchange(), 'the catalogue');
  });

  test('a key id of 15,000 characters that signs twice: is refused in a short sentence', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        repo.publish('timestamp');
        const keyid = 'k'.repeat(7000);
        const signature = { keyid, sig: '' };
        repo.serve(
          'timestamp',
          Buffer.from(JSON.stringify({ signed: repo.timestamp, signatures: [signature, signature] })),
        );
      },
      code: 'MALFORMED',
      says: /^timestamp metadata is malformed: it has two signatures of key kkk/,
    }));

  for (const keyId of ['__proto__', 'constructor', '0', '']) {
    test(`a key with the id ${JSON.stringify(keyId)}: counts like any other`, async (t) => {
      const site = await attackedSite(t);
      Object.defineProperty(site.repo.root.keys, keyId, {
        value: undefined,
        writable: true,
        enumerable: true,
        configurable: true,
      });
      listBeside(site.repo, ed({}), 2, keyId);
      assert.equal(await site.exchange(), 'the catalogue');
    });
  }

  for (const keyId of ['__proto__', 'constructor', 'toString']) {
    test(`the id ${keyId}, but no such key: has no key there`, (t) =>
      withstands(t, {
        does: ({ repo }) => {
          const role = repo.root.roles['timestamp'] as RoleJson;
          role.keyids = [keyId];
          repo.publish('root', 'timestamp');
        },
        code: 'BELOW_THRESHOLD',
        says: /^timestamp version 3 is signed by 0 of the 1 keys/,
        advances: ['root.json', 'root_history/2.root.json'],
      }));
  }
});
