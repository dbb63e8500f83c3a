import { JsonError } from './json-value.ts';

export { parseJson } from './json-parser.ts';
export {
  isJsonObject,
  type JsonArray,
  JsonError,
  type JsonErrorCode,
  type JsonObject,
  type JsonValue,
} from './json-value.ts';

/**
 * The one form of a value that is signed: canonical JSON as OLPC defined it and TUF (4.2) uses it. No spaces, keys
 * in order of their code points, only `"` and `\` escaped, whole numbers only. A field that is undefined counts as
 * absent.
 *
 * Control characters stand as they are, so text that holds any prints to something that is no JSON: fine for
 * signing, not for storing.
 *
 * @param value what JSON can say: null, booleans, whole numbers, text, arrays and plain objects of these
 * @throws {JsonError} UNPRINTABLE for anything else, and for text with half of a surrogate pair
 */
export function canonicalJson(value: unknown): Uint8Array<ArrayBuffer> {
  const parts: string[] = [];
  print(value, parts);
  return new TextEncoder().encode(parts.join(''));
}

function print(value: unknown, parts: string[]): void {
  if (value === null || typeof value === 'boolean') {
    parts.push(String(value));
  } else if (typeof value === 'string') {
    printText(value, parts);
  } else if (typeof value === 'number' && Number.isSafeInteger(value)) {
    // -0 and 0 are one number, and both print as 0.
    parts.push(value.toString());
  } else if (Array.isArray(value)) {
    printArray(value, parts);
  } else if (isPlainObject(value)) {
    printObject(value, parts);
  } else {
    throw new JsonError(
      'UNPRINTABLE',
      `a value of type ${typeof value} has no canonical form: use whole numbers below 2^53, text and plain objects`,
    );
  }
}

function printArray(array: readonly unknown[], parts: string[]): void {
  parts.push('[');
  for (const [index, item] of array.entries()) {
    if (index > 0) {
      parts.push(',');
    }
    print(item, parts);
  }
  parts.push(']');
}

function printObject(object: Readonly<Record<string, unknown>>, parts: string[]): void {
  parts.push('{');
  let separator = '';
  for (const key of Object.keys(object).toSorted(byCodePoints)) {
    const item = object[key];
    if (item !== undefined) {
      parts.push(separator);
      printText(key, parts);
      parts.push(':');
      print(item, parts);
      separator = ',';
    }
  }
  parts.push('}');
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function printText(text: string, parts: string[]): void {
  if (!text.isWellFormed()) {
    throw new JsonError('UNPRINTABLE', 'half of a surrogate pair has no canonical form');
  }
  // Most texts are names, numbers and digests.
  const isPlain = !text.includes('"') && !text.includes('\\');
  parts.push('"', isPlain ? text : text.replaceAll(/["\\]/g, String.raw`\$&`), '"');
}

/** JavaScript compares UTF-16 units, which puts U+10000 and above before U+E000; the canonical order does not. */
function byCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) {
      return rank(left) - rank(right);
    }
  }
  return a.length - b.length;
}

/** Surrogates after all other units: then unit order is code point order. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
