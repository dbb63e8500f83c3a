const hexPattern = /^(?:[0-9a-fA-F]{2})*$/;

/** Bytes of hexadecimal text of either case; undefined when it is none. */
export function decodeHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!hexPattern.test(text)) {
    return undefined;
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(text.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text += byte.toString(16).padStart(2, '0');
  }
  return text;
}
