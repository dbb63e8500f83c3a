/**
 * Every host object that core may use, and nothing more. All three are pure functions of their input and
 * exist in Node and in browsers alike. Whoever wants another here wants a port instead.
 */

declare class TextEncoder {
  /** UTF-8 bytes of `input`; lone surrogates become U+FFFD. */
  encode(input?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  /** @throws {TypeError} for bytes that are not of the encoding, when `fatal` */
  decode(input?: Uint8Array | ArrayBuffer): string;
}

declare class URL {
  static canParse(url: string, base?: string): boolean;
  static parse(url: string, base?: string): URL | null;
  /** @throws {TypeError} when `url` is not a URL */
  constructor(url: string, base?: string | URL);
  readonly hash: string;
  readonly host: string;
  readonly hostname: string;
  readonly href: string;
  readonly origin: string;
  readonly password: string;
  readonly pathname: string;
  readonly port: string;
  readonly protocol: string;
  readonly search: string;
  readonly username: string;
  toString(): string;
}
