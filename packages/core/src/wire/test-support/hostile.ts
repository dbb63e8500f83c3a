import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DocumentFormat } from '../document-format.ts';
import { type Problem, WireError, type WireErrorCode } from '../wire-error.ts';

type Path = readonly (number | string)[];

/** A deep copy with the value at a path replaced; `remove` takes the field away. */
export function changed(value: unknown, path: Path, to: unknown): unknown {
  const copy: unknown = structuredClone(value);
  let parent = copy as Record<number | string, unknown>;
  for (const part of path.slice(0, -1)) {
    parent = parent[part] as Record<number | string, unknown>;
  }
  const last = path.at(-1) ?? '';
  if (to === remove) {
    delete parent[last];
  } else {
    parent[last] = to;
  }
  return copy;
}

/** Stands for taking a field away. */
const remove = Symbol('remove');

/** The problems of a value, by path. */
export function problemPaths(format: DocumentFormat<never>, value: unknown): readonly string[] {
  return format.problems(value).map(({ path }) => path);
}

/** Asserts that a changed document has a problem at the place that was changed, or at `at`. */
export function refusesAt(
  format: DocumentFormat<never>,
  value: unknown,
  path: Path,
  to: unknown,
  at?: string,
): void {
  const problems = format.problems(changed(value, path, to));
  const expected = at ?? `/${path.join('/')}`;
  assert.ok(
    problems.some((problem) => problem.path === expected),
    `${expected} = ${String(to)}: ${JSON.stringify(problems)}`,
  );
}

function failure(format: DocumentFormat<never>, bytes: Uint8Array): WireError {
  try {
    format.parse(bytes);
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return error;
  }
  throw new Error('the document was accepted');
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What every parser owes: tests for one format, given a valid document with every optional field. */
export function testDocument<T>(format: DocumentFormat<T>, valid: T, required: readonly string[]): void {
  const any = format as DocumentFormat<never>;
  const refuses = (code: WireErrorCode, bytes: Uint8Array): readonly Problem[] => {
    const error = failure(any, bytes);
    assert.equal(error.code, code);
    assert.ok(error.problems.length > 0 && error.message.includes(format.name));
    return error.problems;
  };

  test(`${format.name}: reads what it printed, and prints the same bytes again`, () => {
    const bytes = format.print(valid);
    assert.deepEqual(format.parse(bytes), valid);
    assert.deepEqual(format.print(format.parse(bytes)), bytes);
    assert.deepEqual(format.problems(valid), []);
  });

  test(`${format.name}: refuses what is too long before reading it`, () => {
    refuses('TOO_LARGE', new Uint8Array(format.maxBytes + 1));
  });

  test(`${format.name}: refuses what is no strict JSON`, () => {
    const text = new TextDecoder().decode(format.print(valid));
    for (const broken of [
      '',
      ' ',
      '{',
      `${text}x`,
      `${text}${text}`,
      text.slice(0, -1),
      `\uFEFF${text}`,
      '{"a":1,"a":1}',
      '{"a":1.5}',
      '{"a":NaN}',
      '[1e400]',
      `${'['.repeat(200)}${']'.repeat(200)}`,
    ]) {
      refuses('NOT_JSON', encode(broken));
    }
    refuses('NOT_JSON', new Uint8Array([0xff, 0xfe, 0x00]));
  });

  test(`${format.name}: refuses other JSON`, () => {
    for (const other of ['null', '[]', '{}', '"text"', '1', 'true']) {
      refuses('INVALID', encode(other));
    }
    for (const value of [undefined, () => 1, new Map(), new Date(0), 1n, Number.NaN, { a: undefined }]) {
      assert.notDeepEqual(format.problems(value), []);
    }
  });

  test(`${format.name}: names every missing field at once`, () => {
    assert.deepEqual(new Set(problemPaths(any, {})), new Set(required.map((name) => `/${name}`)));
  });

  test(`${format.name}: refuses a field of another type, and names it`, () => {
    for (const name of required.filter((field) => field !== 'body')) {
      refusesAt(any, valid, [name], null);
      refusesAt(any, valid, [name], remove);
    }
  });

  test(`${format.name}: refuses __proto__ as a name`, () => {
    const text = new TextDecoder().decode(format.print(valid)).replace('{', '{"__proto__":{"x":1},');
    assert.deepEqual(
      refuses('INVALID', encode(text)).map(({ path }) => path),
      ['/__proto__'],
    );
  });

  test(`${format.name}: never throws anything but its own error, whatever the bytes`, () => {
    const bytes = format.print(valid);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const altered = Uint8Array.from(bytes);
        altered[at] = byte;
        try {
          format.parse(altered);
        } catch (error) {
          assert.ok(error instanceof WireError);
        }
      }),
      { numRuns: 200 },
    );
  });
}
