import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, JsonError, type JsonErrorCode, type JsonValue, parseJson } from './canonical-json.ts';

const oracle = createRequire(createRequire(import.meta.url).resolve('@tufjs/models'))(
  '@tufjs/canonical-json',
) as {
  canonicalize(value: unknown): string;
};

/** Control characters have a canonical form, but one that is no JSON. */
const printableText = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/\p{Cc}/gu, '.'));
const { value: jsonValues } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    printableText,
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.oneof(printableText, fc.constant('__proto__')), tie('value'), {
      maxKeys: 5,
      noNullPrototype: false,
    }),
  ),
}));

function parse(text: Uint8Array | string): JsonValue {
  return parseJson(typeof text === 'string' ? Buffer.from(text) : text, { maxBytes: 1_000_000 });
}

function refuses(text: Uint8Array | string, code: JsonErrorCode): void {
  assert.throws(
    () => parse(text),
    (error) => {
      assert.ok(error instanceof JsonError, String(error));
      assert.equal(error.code, code, error.message);
      return true;
    },
  );
}

describe('canonical JSON', () => {
  test('reads back as the same value, and prints the same again', () => {
    fc.assert(
      fc.property(jsonValues, (value) => {
        const printed = canonicalJson(value);
        const again = parse(printed);
        assert.equal(JSON.stringify(sorted(again)), JSON.stringify(sorted(value)));
        assert.deepEqual(canonicalJson(again), printed);
      }),
    );
  });

  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(printableText, fc.integer()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).toReversed());
        assert.deepEqual(canonicalJson(reversed), canonicalJson(object));
      }),
    );
  });

  test('is what the oracle prints', () => {
    const basicText = fc.string({
      unit: fc.constantFrom('a', 'B', '"', '\\', '\n', '\u0000', 'é', '中', '~', '/'),
    });
    const values = fc.dictionary(basicText, fc.oneof(basicText, fc.maxSafeInteger(), fc.array(basicText)));
    fc.assert(
      fc.property(values, (value) =>
        assert.equal(Buffer.from(canonicalJson(value)).toString(), oracle.canonicalize(value)),
      ),
    );
  });

  test('sorts keys by code points, also beyond the basic plane', () => {
    assert.equal(
      Buffer.from(canonicalJson({ '😀': 1, '\ufffd': 2, a: 3 })).toString(),
      '{"a":3,"\ufffd":2,"😀":1}',
    );
  });

  test('escapes quotes and backslashes only', () => {
    assert.equal(Buffer.from(canonicalJson('a"b\\c\n/é')).toString(), '"a\\"b\\\\c\n/é"');
  });

  test('leaves out what is undefined', () => {
    assert.equal(Buffer.from(canonicalJson({ a: undefined, b: 1 })).toString(), '{"b":1}');
  });

  for (const [name, value] of Object.entries({
    fraction: 1.5,
    'large number': 2 ** 53,
    'not a number': Number.NaN,
    'big integer': 1n,
    date: new Date(0),
    map: new Map(),
    function: parse,
    'half a surrogate pair': '\ud800',
    'undefined in a list': [undefined],
  })) {
    test(`has no form for: ${name}`, () => {
      assert.throws(
        () => canonicalJson(value),
        (error) => error instanceof JsonError && error.code === 'UNPRINTABLE',
      );
    });
  }
});

describe('the JSON reader', () => {
  test('takes what JSON.parse takes of whole numbers and text', () => {
    const values = fc
      .jsonValue({ depthSize: 'small', noUnicodeString: false })
      .filter(
        (value) =>
          !/[.eE+]|-0(?!\d)|\d{16}/.test(JSON.stringify(value).replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')),
      );
    fc.assert(
      fc.property(values, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        assert.equal(JSON.stringify(parse(text)), JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  test('never takes what JSON.parse refuses', () => {
    const near = fc.string({
      unit: fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        '"',
        ':',
        ',',
        '1',
        '-',
        '0',
        'a',
        '\\',
        'u',
        'true',
        'null',
        ' ',
        '\n',
      ),
    });
    fc.assert(
      fc.property(near, (text) => {
        try {
          parse(text);
        } catch (error) {
          assert.ok(error instanceof JsonError);
          return;
        }
        JSON.parse(text);
      }),
      { numRuns: 5000 },
    );
  });

  test('reads every escape', () => {
    assert.equal(parse('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00"'), '"\\/\b\f\n\r\té😀');
  });

  test('keeps __proto__ as a key like any other', () => {
    const value = parse('{"__proto__":{"polluted":1},"constructor":2}');
    assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor']);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    assert.equal(
      Buffer.from(canonicalJson(value)).toString(),
      '{"__proto__":{"polluted":1},"constructor":2}',
    );
  });

  test('reads a megabyte of nested and long values in linear time', () => {
    const many = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [`key${index}`, 'x'.repeat(30)]),
    );
    assert.equal(Object.keys(parse(JSON.stringify(many)) as object).length, 20_000);
  });

  for (const [name, text, code] of [
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'NOT_UTF8'],
    ['an overlong encoding', Buffer.from([0x22, 0xc0, 0x80, 0x22]), 'NOT_UTF8'],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'NOT_UTF8'],
    ['a byte order mark', '\ufeff{}', 'NOT_JSON'],
    ['nothing', '', 'NOT_JSON'],
    ['text after the end', '{} {}', 'NOT_JSON'],
    ['a trailing comma', '[1,]', 'NOT_JSON'],
    ['a comma in an empty list', '[,]', 'NOT_JSON'],
    ['a missing colon', '{"a" 1}', 'NOT_JSON'],
    ['a key without quotes', '{a:1}', 'NOT_JSON'],
    ['single quotes', "'a'", 'NOT_JSON'],
    ['a comment', '/**/1', 'NOT_JSON'],
    ['an open string', '"abc', 'NOT_JSON'],
    ['an open object', '{"a":1', 'NOT_JSON'],
    ['a raw line break in text', '"a\nb"', 'NOT_JSON'],
    ['an unknown escape', '"\\x41"', 'NOT_JSON'],
    ['a short escape', '"\\u12"', 'NOT_JSON'],
    ['half a surrogate pair', '"\\ud800"', 'BAD_TEXT'],
    ['a pair the wrong way round', '"\\ude00\\ud83d"', 'BAD_TEXT'],
    ['a word that is none', 'nul', 'NOT_JSON'],
    ['NaN', 'NaN', 'NOT_JSON'],
    ['a key twice', '{"a":1,"a":1}', 'DUPLICATE_KEY'],
    ['a key twice, once escaped', '{"a":1,"\\u0061":1}', 'DUPLICATE_KEY'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}', 'DUPLICATE_KEY'],
    ['a fraction', '1.0', 'BAD_NUMBER'],
    ['an exponent', '1e2', 'BAD_NUMBER'],
    ['minus zero', '-0', 'BAD_NUMBER'],
    ['a leading zero', '01', 'NOT_JSON'],
    ['a plus sign', '+1', 'NOT_JSON'],
    ['2^53', '9007199254740992', 'BAD_NUMBER'],
    ['a number of a thousand digits', '9'.repeat(1000), 'BAD_NUMBER'],
    ['a hundred thousand brackets', '['.repeat(100_000), 'TOO_DEEP'],
  ] as const) {
    test(`refuses ${name}`, () => refuses(text, code));
  }

  test('refuses more bytes than allowed before it reads any', () => {
    assert.throws(
      () => parseJson(Buffer.from('not json'), { maxBytes: 7 }),
      (error) => error instanceof JsonError && error.code === 'TOO_LARGE',
    );
  });

  test('counts depth as it goes back up, too', () => {
    assert.deepEqual(parseJson(Buffer.from('[[1],[2],[3]]'), { maxBytes: 100, maxDepth: 2 }), [
      [1],
      [2],
      [3],
    ]);
    assert.throws(() => parseJson(Buffer.from('[[[1]]]'), { maxBytes: 100, maxDepth: 2 }), JsonError);
  });
});

/** Keys in one order, so that two values can be compared as text; `__proto__` stays an own key. */
function sorted(value: JsonValue): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (typeof value !== 'object' || value === null) {
    return value === 0 ? 0 : value;
  }
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]: [string, JsonValue]) => [key, sorted(item)]);
}
