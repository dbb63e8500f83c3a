import { MediumError } from '@sallyport/core/domain/exchange/medium-error';

/*
 * The least of POSIX tar (ustar) that a request file needs: plain files with short names, one after another. Any tar
 * program lists and unpacks it; nothing that is no plain file can be in it.
 */

export const tarBlockBytes = 512;

/** As the wire has them: nothing that a folder could take for more than a name. */
const nameText = /^[a-z0-9][a-z0-9.-]{0,63}$/;
/** Eleven octal digits. */
const sizeMaxBytes = 8 ** 11 - 1;

/** The header of a plain file. */
export function tarHeader(name: string, sizeBytes: number): Uint8Array {
  if (!nameText.test(name) || sizeBytes > sizeMaxBytes) {
    throw new RangeError(`${JSON.stringify(name)} of ${sizeBytes} bytes cannot be a part`);
  }
  const header = Buffer.alloc(tarBlockBytes);
  header.write(name, 0, 'latin1');
  header.write('0000600', 100, 'latin1');
  // Nobody's in particular, of no time: the same name and size give the same bytes.
  header.write('0000000', 108, 'latin1');
  header.write('0000000', 116, 'latin1');
  header.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('00000000000', 136, 'latin1');
  header.write('0', 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** What follows a part of that size, up to the next header. */
export function tarPadding(sizeBytes: number): number {
  return (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes;
}

/** Two empty blocks end it. */
export const tarEnd = new Uint8Array(2 * tarBlockBytes);

/**
 * What a header says; `end` for the first of the two empty blocks.
 *
 * @throws {MediumError} NOT_A_REQUEST for no header at all, EDITED for one that was altered or is of no plain file
 */
export function parseTarHeader(
  block: Uint8Array,
  path: string,
): 'end' | { readonly name: string; readonly sizeBytes: number } {
  const header = Buffer.from(block.buffer, block.byteOffset, block.length);
  if (header.every((byte) => byte === 0)) return 'end';
  if (header.toString('latin1', 257, 262) !== 'ustar') {
    throw new MediumError(
      'NOT_A_REQUEST',
      `${path} is no request file of "sallyport tool prepare": name the file that it wrote`,
      { path },
    );
  }
  const name = textOf(header, 0, 100);
  const size = textOf(header, 124, 136).trim();
  const type = header.toString('latin1', 156, 157);
  if (
    parseOctal(textOf(header, 148, 156)) !== checksumOf(header) ||
    !nameText.test(name) ||
    parseOctal(size) === undefined ||
    type !== '0'
  ) {
    throw new MediumError(
      'EDITED',
      `${path} was altered or damaged on its way: it holds something that is no part of a request (${JSON.stringify(name).slice(0, 80)}); prepare a new one`,
      { path },
    );
  }
  return { name, sizeBytes: parseOctal(size) ?? 0 };
}

function textOf(header: Buffer, start: number, end: number): string {
  return header.toString('latin1', start, end).replace(/\0.*$/s, '');
}

function parseOctal(text: string): number | undefined {
  const digits = text.trim();
  return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** The sum of all bytes, the checksum's own counted as spaces. */
function checksumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}
