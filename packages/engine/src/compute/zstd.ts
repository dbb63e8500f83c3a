import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ContentError } from '@sallyport/core/domain/content/content-error';

/** Without a window of its own a frame may ask for this much: enough for a whole segment. */
const windowLogDefault = 25;
/** What zstd accepts as the size of a window, as a power of two. */
const windowLogMin = 10;

/**
 * Compresses in one go: the frame then names the size of its content, and equal input and parameters give
 * equal bytes. Blocks its thread: about 2 MB a second at level 19.
 */
export function compressBytes(
  bytes: Uint8Array,
  options: { readonly level: number; readonly windowLog?: number; readonly dictionary?: Uint8Array },
): Uint8Array {
  return zstdCompressSync(bytes, {
    params: {
      [constants.ZSTD_c_compressionLevel]: options.level,
      ...(options.windowLog === undefined
        ? {}
        : { [constants.ZSTD_c_windowLog]: Math.max(windowLogMin, options.windowLog) }),
    },
    ...dictionaryOf(options.dictionary),
  });
}

/**
 * Decompresses, never to more than `sizeMaxBytes`, in one buffer of that size.
 *
 * @throws {ContentError} SIZE_MISMATCH beyond `sizeMaxBytes`; CORRUPT when it is no zstd, needs a larger window than
 * allowed, or was made with another dictionary
 */
export function decompressBytes(
  bytes: Uint8Array,
  options: { readonly sizeMaxBytes: number; readonly windowLog?: number; readonly dictionary?: Uint8Array },
): Uint8Array {
  try {
    return zstdDecompressSync(bytes, {
      // One byte more than fits: a buffer that is filled to the end would bring a second one.
      chunkSize: Math.max(constants.Z_MIN_CHUNK, options.sizeMaxBytes + 1),
      maxOutputLength: Math.max(1, options.sizeMaxBytes),
      params: {
        [constants.ZSTD_d_windowLogMax]: Math.max(windowLogMin, options.windowLog ?? windowLogDefault),
      },
      ...dictionaryOf(options.dictionary),
    });
  } catch (failure) {
    const code = failure instanceof Error && 'code' in failure ? String(failure.code) : 'unknown';
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ContentError(
        'SIZE_MISMATCH',
        `compressed content unpacks to more than the ${String(options.sizeMaxBytes)} bytes it should have: it is not what was published`,
        { sizeMaxBytes: options.sizeMaxBytes },
        { cause: failure },
      );
    }
    throw new ContentError(
      'CORRUPT',
      `compressed content cannot be unpacked (${code}): it, or the older content it builds on, is not what was published`,
      { code },
      { cause: failure },
    );
  }
}

const dictionaryMagic = [0x37, 0xa4, 0x30, 0xec];

/**
 * Bytes with the magic number of zstd's own dictionaries in front would be read as one. A byte before it
 * prevents that, and costs nothing: matches count from the dictionary's end.
 */
function dictionaryOf(bytes: Uint8Array | undefined): { readonly dictionary?: Uint8Array } {
  if (bytes === undefined) {
    return {};
  }
  const isFormatted = dictionaryMagic.every((byte, index) => bytes[index] === byte);
  return { dictionary: isFormatted ? Buffer.concat([Buffer.of(0), bytes]) : bytes };
}
