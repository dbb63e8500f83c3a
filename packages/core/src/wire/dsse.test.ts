import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkTestSignature, TestSigner } from '../domain/trust/test-support/signer.ts';
import { TrustError, type TrustErrorCode } from '../domain/trust/trust-error.ts';
import { type DsseEnvelope, encodeEnvelope, paeBytes, parseEnvelope, verifyEnvelope } from './dsse.ts';

const alice = new TestSigner();
const bob = new TestSigner();
const keys = new Map([
  [alice.keyId, alice.key],
  [bob.keyId, bob.key],
]);

function signed(
  signers: readonly TestSigner[],
  payload = Buffer.from('hello'),
  payloadType = 'application/example',
): DsseEnvelope {
  const message = paeBytes(payloadType, payload);
  return {
    payloadType,
    payload,
    signatures: signers.map((signer) => ({ keyId: signer.keyId, signature: signer.sign(message) })),
  };
}

function refuses(work: () => unknown, code: TrustErrorCode): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof TrustError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

test('the signed bytes are those of the DSSE specification', () => {
  const bytes = paeBytes('http://example.com/HelloWorld', Buffer.from('hello world'));
  assert.equal(Buffer.from(bytes).toString(), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  assert.equal(Buffer.from(paeBytes('é', new Uint8Array())).toString(), 'DSSEv1 2 é 0 ');
});

test('an envelope reads back as it was printed', () => {
  const signatures = fc.array(
    fc.record({ keyId: fc.string(), signature: fc.uint8Array() }, { noNullPrototype: true }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(
      fc.record(
        { payloadType: fc.string(), payload: fc.uint8Array(), signatures },
        { noNullPrototype: true },
      ),
      (envelope) => {
        assert.deepEqual(parseEnvelope(encodeEnvelope(envelope), { maxBytes: 100_000 }), envelope);
      },
    ),
  );
});

describe('verifying an envelope', () => {
  test('names the keys that signed it', () => {
    const verified = verifyEnvelope(signed([alice, bob]), keys, 2, checkTestSignature);
    assert.deepEqual(verified.signedBy, [alice.keyId, bob.keyId]);
    assert.equal(Buffer.from(verified.payload).toString(), 'hello');
  });

  test('tries every key when none is named', () => {
    const envelope = signed([bob]);
    const unnamed = {
      ...envelope,
      signatures: envelope.signatures.map(({ signature }) => ({ keyId: '', signature })),
    };
    assert.deepEqual(verifyEnvelope(unnamed, keys, 1, checkTestSignature).signedBy, [bob.keyId]);
  });

  test('counts a key once, however often and under however many names it signs', () => {
    const envelope = signed([alice, alice]);
    refuses(() => verifyEnvelope(envelope, keys, 2, checkTestSignature), 'BELOW_THRESHOLD');
    const twice = new Map([...keys, ['other-name', alice.key]]);
    const renamed = {
      ...envelope,
      signatures: [
        ...envelope.signatures,
        { keyId: 'other-name', signature: envelope.signatures[0]?.signature ?? new Uint8Array() },
      ],
    };
    refuses(() => verifyEnvelope(renamed, twice, 2, checkTestSignature), 'BELOW_THRESHOLD');
  });

  test('refuses another payload, another type and keys that are not listed', () => {
    const envelope = signed([alice]);
    refuses(
      () => verifyEnvelope({ ...envelope, payload: Buffer.from('hellp') }, keys, 1, checkTestSignature),
      'BAD_SIGNATURE',
    );
    refuses(
      () => verifyEnvelope({ ...envelope, payloadType: 'application/exampl' }, keys, 1, checkTestSignature),
      'BAD_SIGNATURE',
    );
    refuses(() => verifyEnvelope(signed([new TestSigner()]), keys, 1, checkTestSignature), 'BELOW_THRESHOLD');
  });

  test('never takes bytes moved between type and payload', () => {
    const envelope = signed([alice], Buffer.from('b 1 c'), 'a');
    refuses(
      () =>
        verifyEnvelope(
          { ...envelope, payloadType: 'a 5 b', payload: Buffer.from('c') },
          keys,
          1,
          checkTestSignature,
        ),
      'BAD_SIGNATURE',
    );
  });

  test('is a mistake without a threshold', () => {
    assert.throws(() => verifyEnvelope(signed([alice]), keys, 0, checkTestSignature), RangeError);
  });
});

describe('reading an envelope refuses', () => {
  const good = JSON.parse(Buffer.from(encodeEnvelope(signed([alice]))).toString()) as Record<string, unknown>;
  for (const [name, json] of Object.entries({
    'a list': [],
    'no payload': { ...good, payload: undefined },
    'a payload that is no base64': { ...good, payload: 'aGVsbG8' },
    'no type': { ...good, payloadType: 7 },
    'no signatures': { ...good, signatures: [] },
    'signatures that are no list': { ...good, signatures: {} },
    'a signature that is no object': { ...good, signatures: ['x'] },
    'a key id that is no text': { ...good, signatures: [{ keyid: 1, sig: '' }] },
    'a thousand signatures': {
      ...good,
      signatures: Array.from({ length: 1000 }, () => ({ keyid: '', sig: '' })),
    },
  })) {
    test(name, () =>
      refuses(() => parseEnvelope(Buffer.from(JSON.stringify(json)), { maxBytes: 100_000 }), 'MALFORMED'),
    );
  }

  test('what is no JSON', () =>
    refuses(() => parseEnvelope(Buffer.from('{'), { maxBytes: 100 }), 'MALFORMED'));
  test('more bytes than allowed', () =>
    refuses(() => parseEnvelope(Buffer.alloc(101), { maxBytes: 100 }), 'TOO_LARGE'));
});
