const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

const sextets = new Uint8Array(128).fill(255);
for (let index = 0; index < alphabet.length; index += 1) {
  sextets[alphabet.charCodeAt(index)] = index;
}

/** Standard base64 with padding (RFC 4648, 4). */
export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1] ?? 0;
    const c = bytes[at + 2] ?? 0;
    const left = bytes.length - at;
    parts.push(
      alphabet.charAt(a >> 2),
      alphabet.charAt(((a & 3) << 4) | (b >> 4)),
      left > 1 ? alphabet.charAt(((b & 15) << 2) | (c >> 6)) : '=',
      left > 2 ? alphabet.charAt(c & 63) : '=',
    );
  }
  return parts.join('');
}

/**
 * Bytes of standard base64 with padding; undefined for anything else. Left-over bits must be zero, so that no two
 * texts mean the same bytes.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) {
    return undefined;
  }
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  const digits = text.length - padding;
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  for (let index = 0; index < digits; index += 1) {
    const sextet = sextets[text.charCodeAt(index)] ?? 255;
    if (sextet === 255) {
      return undefined;
    }
    bits = ((bits << 6) | sextet) & 0xffff;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[at] = (bits >> bitCount) & 0xff;
      at += 1;
    }
  }
  return (bits & ((1 << bitCount) - 1)) === 0 ? bytes : undefined;
}
