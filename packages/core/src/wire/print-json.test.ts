import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, JsonError, type JsonValue, parseJson } from './canonical-json.ts';
import { plainJson } from './plain-json.ts';
import { printJson } from './print-json.ts';

const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
}));

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test('prints what strict JSON reads back, control characters included', () => {
  fc.assert(
    fc.property(value, (one) => {
      const read = parseJson(printJson(one), { maxBytes: 1_000_000 });
      assert.deepEqual(plainJson(read), { value: one, problems: [] });
      assert.deepEqual(printJson(read), printJson(one));
    }),
  );
});

test('prints the canonical form where no control characters are', () => {
  const clean = value.filter((one) => !/\\(?:u00|[bfnrt])/.test(JSON.stringify(one)));
  fc.assert(fc.property(clean, (one) => assert.equal(text(printJson(one)), text(canonicalJson(one)))));
});

test('orders keys by code points, numbers among them as text', () => {
  assert.equal(
    text(printJson({ '\u{10000}': 1, '\uE000': 2, 10: 3, 9: 4, a: undefined })),
    '{"10":3,"9":4,"\uE000":2,"\u{10000}":1}',
  );
});

test('refuses what has no form', () => {
  for (const bad of [0.5, Number.NaN, 2 ** 53, '\uD800', { '\uDC00': 1 }, () => 1, 1n, Symbol('x')]) {
    assert.throws(
      () => printJson({ bad }.bad),
      (error) => error instanceof JsonError && error.code === 'UNPRINTABLE',
    );
  }
});

test('finds what is no plain JSON, with where it is', () => {
  const found = (item: unknown): readonly string[] => plainJson(item).problems.map(({ path }) => path);
  assert.deepEqual(found({ a: [1, 0.5], 'b/c~': '\uD800', d: new Map(), e: undefined }), [
    '/a/1',
    '/b~1c~0',
    '/d',
  ]);
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) {
    deep = [deep];
  }
  assert.equal(found(deep).length, 1);
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  assert.equal(found(cycle).length, 1);
});
