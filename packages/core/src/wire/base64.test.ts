import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { decodeHex, encodeHex } from './hex.ts';

test('base64 is what Node prints, and reads back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = encodeBase64(bytes);
      assert.equal(text, Buffer.from(bytes).toString('base64'));
      assert.deepEqual(decodeBase64(text), bytes);
    }),
  );
});

test('base64 takes one text only for the same bytes', () => {
  for (const text of [
    'A',
    'AA',
    'AAA',
    'AA=',
    'AB==',
    'AAB=',
    'A===',
    '====',
    'AA==AA==',
    'AA-_',
    'A A=',
    'AAé=',
    'AA==\n',
  ]) {
    assert.equal(decodeBase64(text), undefined, text);
  }
  assert.deepEqual(decodeBase64(''), new Uint8Array());
});

test('hexadecimal is what Node prints, and reads back in either case', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = encodeHex(bytes);
      assert.equal(text, Buffer.from(bytes).toString('hex'));
      assert.deepEqual(decodeHex(text), bytes);
      assert.deepEqual(decodeHex(text.toUpperCase()), bytes);
    }),
  );
});

test('hexadecimal refuses half a byte and other letters', () => {
  for (const text of ['a', 'abc', 'zz', ' aa', '0x00']) {
    assert.equal(decodeHex(text), undefined, text);
  }
});
