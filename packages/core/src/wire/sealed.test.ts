import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeEnvelope } from './dsse.ts';
import { looksSealed, printSealed, sealedFormat } from './sealed.ts';

const to = 'a'.repeat(64);

test('a sealed envelope is known from a signed one, however long it is', () => {
  for (const length of [1, 100, 5_000, 1_000_000]) {
    const sealed = printSealed(to, new Uint8Array(32), new Uint8Array(length));
    assert.ok(looksSealed(sealed), `${length} bytes`);
    assert.equal(sealedFormat.parse(sealed).to, to);
    const signed = encodeEnvelope({ payloadType: 'x', payload: new Uint8Array(length), signatures: [] });
    assert.ok(!looksSealed(signed), `${length} bytes`);
  }
  assert.ok(!looksSealed(new Uint8Array()));
});
