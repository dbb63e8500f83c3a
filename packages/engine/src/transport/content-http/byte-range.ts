/** What a `Range` header asks for, of something `sizeBytes` long; `end` is excluded. */
export type ByteRange =
  | { readonly kind: 'whole' | 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

/**
 * Reads a `Range` header (RFC 9110, 14.2). Several ranges, other units and what cannot be read are
 * answered with the whole, as the RFC allows.
 */
export function byteRange(header: string | undefined, sizeBytes: number): ByteRange {
  const whole: ByteRange = { kind: 'whole', start: 0, end: sizeBytes };
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  if (parts === null) {
    return whole;
  }
  const [, first = '', last = ''] = parts;
  if (first === '') {
    if (last === '') {
      return whole;
    }
    const count = Math.min(Number(last), sizeBytes);
    return count === 0
      ? { kind: 'unsatisfiable' }
      : { kind: 'part', start: sizeBytes - count, end: sizeBytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) {
    return whole;
  }
  if (start >= sizeBytes) {
    return { kind: 'unsatisfiable' };
  }
  return { kind: 'part', start, end: last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) };
}
