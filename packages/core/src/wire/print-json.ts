import { JsonError } from './canonical-json.ts';

/**
 * The bytes in which documents are stored and sent: strict JSON without spaces, keys in the order of their code
 * points, whole numbers only, fields set to undefined left out. The same as `canonicalJson` but for control
 * characters, which are escaped, so that text with line breaks stays JSON.
 *
 * @throws {JsonError} UNPRINTABLE for what has no such form
 */
export function printJson(value: unknown): Uint8Array<ArrayBuffer> {
  const parts: string[] = [];
  print(value, parts);
  return new TextEncoder().encode(parts.join(''));
}

function print(value: unknown, parts: string[]): void {
  if (value === null || typeof value === 'boolean') {
    parts.push(String(value));
  } else if (typeof value === 'string') {
    printText(value, parts);
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw unprintable(`${value}, which is no whole number below 2^53,`);
    }
    parts.push(String(value));
  } else if (Array.isArray(value)) {
    parts.push('[');
    for (const [index, item] of value.entries()) {
      parts.push(index > 0 ? ',' : '');
      print(item, parts);
    }
    parts.push(']');
  } else if (typeof value === 'object') {
    printObject(value, parts);
  } else {
    throw unprintable(`a value of type ${typeof value}`);
  }
}

function printObject(value: object, parts: string[]): void {
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => compareCodePoints(a, b));
  parts.push('{');
  for (const [index, [key, item]] of entries.entries()) {
    parts.push(index > 0 ? ',' : '');
    printText(key, parts);
    parts.push(':');
    print(item, parts);
  }
  parts.push('}');
}

function printText(text: string, parts: string[]): void {
  if (!text.isWellFormed()) {
    throw unprintable('half of a surrogate pair');
  }
  parts.push(JSON.stringify(text));
}

function unprintable(what: string): JsonError {
  return new JsonError('UNPRINTABLE', `${what} has no place in a document`);
}

/** JavaScript's own order of UTF-16 units puts U+10000 and above before U+E000. */
function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (const [index, character] of left.entries()) {
    const other = right[index];
    if (other === undefined) {
      return 1;
    }
    const order = (character.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
    if (order !== 0) {
      return order;
    }
  }
  return left.length - right.length;
}
