import { JsonError, type JsonErrorCode, type JsonObject, type JsonValue } from './json-value.ts';

export interface JsonLimits {
  readonly maxBytes: number;
  /** Levels of arrays and objects; 64 when not given. */
  readonly maxDepth?: number;
}

/**
 * Reads strict JSON: exact UTF-8, no duplicate keys, no trailing text, limited depth, and numbers only as whole
 * numbers that a double holds exactly. Whatever one reader could take differently from another is refused, because
 * signatures are checked over a form printed anew from what was read. Time is linear in the bytes.
 *
 * @throws {JsonError} TOO_LARGE, NOT_UTF8, NOT_JSON, DUPLICATE_KEY, BAD_NUMBER, BAD_TEXT, TOO_DEEP
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits): JsonValue {
  if (bytes.length > limits.maxBytes) {
    throw new JsonError(
      'TOO_LARGE',
      `JSON of ${bytes.length} bytes is longer than the ${limits.maxBytes} allowed here`,
      {
        sizeBytes: bytes.length,
        maxBytes: limits.maxBytes,
      },
    );
  }
  return new JsonReader(decodeUtf8(bytes), limits.maxDepth ?? 64).document();
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // A byte order mark is kept, and so refused as the first character of the text.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new JsonError(
      'NOT_UTF8',
      'JSON is not valid UTF-8: it was altered or is of another encoding',
      {},
      { cause },
    );
  }
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '/': '/',
  '\\': '\\',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

class JsonReader {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): JsonValue {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) {
      throw this.#error('NOT_JSON', 'text after the end of the document');
    }
    return value;
  }

  #value(): JsonValue {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #nested(read: () => JsonValue): JsonValue {
    this.#depth += 1;
    if (this.#depth > this.#maxDepth) {
      throw this.#error('TOO_DEEP', `more than ${this.#maxDepth} levels`);
    }
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #object(): JsonObject {
    const object: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>;
    this.#at += 1;
    if (this.#take('}')) {
      return object;
    }
    do {
      this.#skipSpace();
      const key = this.#string();
      if (key in object) {
        throw this.#error(
          'DUPLICATE_KEY',
          `the key ${JSON.stringify(key.slice(0, 100))} occurs twice in one object`,
        );
      }
      this.#expect(':');
      object[key] = this.#value();
    } while (this.#take(','));
    this.#expect('}');
    return object;
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#at += 1;
    if (this.#take(']')) {
      return array;
    }
    do {
      array.push(this.#value());
    } while (this.#take(','));
    this.#expect(']');
    return array;
  }

  #string(): string {
    if (this.#text[this.#at] !== '"') {
      throw this.#error('NOT_JSON', 'a string was expected');
    }
    this.#at += 1;
    let text = this.#plainText();
    while (this.#text[this.#at] === '\\') {
      text += this.#escape() + this.#plainText();
    }
    if (this.#text[this.#at] !== '"') {
      throw this.#error('NOT_JSON', 'a string is not closed, or holds a raw control character');
    }
    this.#at += 1;
    if (!text.isWellFormed()) {
      throw this.#error('BAD_TEXT', 'a string holds half of a surrogate pair');
    }
    return text;
  }

  #plainText(): string {
    const start = this.#at;
    for (let code = this.#text.charCodeAt(start); code >= 0x20 && code !== 0x22 && code !== 0x5c;) {
      this.#at += 1;
      code = this.#text.charCodeAt(this.#at);
    }
    return this.#text.slice(start, this.#at);
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
        throw this.#error('NOT_JSON', 'an unknown escape in a string');
      }
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const character = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (character === undefined) {
      throw this.#error('NOT_JSON', 'an unknown escape in a string');
    }
    this.#at += 2;
    return character;
  }

  #number(): number {
    numberPattern.lastIndex = this.#at;
    const [text = ''] = numberPattern.exec(this.#text) ?? [];
    if (text === '') {
      throw this.#error(
        'NOT_JSON',
        this.#at < this.#text.length ? 'an unexpected character' : 'the document ends too early',
      );
    }
    const value = Number(text);
    // Only what prints back as it was read: no fractions, exponents, -0 or digits beyond 2^53.
    if (!Number.isSafeInteger(value) || String(value) !== text) {
      throw this.#error(
        'BAD_NUMBER',
        `${text.slice(0, 40)} is not a whole number between -(2^53-1) and 2^53-1`,
      );
    }
    this.#at += text.length;
    return value;
  }

  #word<T extends boolean | null>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) {
      throw this.#error('NOT_JSON', 'an unexpected character');
    }
    this.#at += word.length;
    return value;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) {
        return;
      }
      this.#at += 1;
    }
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) {
      return false;
    }
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) {
      throw this.#error('NOT_JSON', `"${character}" was expected`);
    }
  }

  #error(code: JsonErrorCode, what: string): JsonError {
    return new JsonError(code, `JSON cannot be read at character ${this.#at}: ${what}`, { at: this.#at });
  }
}
