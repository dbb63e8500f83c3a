import { segmentSizeMaxBytes } from './tree.ts';

/** How large files are cut. Changing any of it changes the segments of every large file published from then on. */
export interface ChunkSizes {
  /** No cut before this, except at the end. */
  readonly minBytes: number;
  /** Where cuts become likely: a power of two. */
  readonly averageBytes: number;
  /** A cut at the latest here. */
  readonly maxBytes: number;
}

export const publishedChunkSizes: ChunkSizes = {
  minBytes: 2 * 1024 * 1024,
  averageBytes: 8 * 1024 * 1024,
  maxBytes: segmentSizeMaxBytes,
};

/** One random number a byte value. Fixed for good: the same bytes must be cut alike by every version. */
const gear = gearTable(0x5a11_9017);

/**
 * Cuts bytes where their content says so, after FastCDC: a rolling hash over the last 32 bytes is
 * compared with a mask that is strict before the average size and lax after it, so that sizes gather
 * around the average. An insertion or removal moves only the cuts near to it.
 *
 * Feed it with `cut`, in any pieces: the cuts depend on the content alone.
 */
export class ContentCutter {
  readonly #sizes: ChunkSizes;
  readonly #strictShift: number;
  readonly #laxShift: number;
  #hash = 0;
  #length = 0;

  /** @throws {RangeError} when the sizes are not min < average < max with the average a power of two of at least 16 */
  constructor(sizes: ChunkSizes = publishedChunkSizes) {
    const bits = Math.log2(sizes.averageBytes);
    if (
      !Number.isInteger(bits) ||
      bits < 4 ||
      bits > 28 ||
      sizes.minBytes >= sizes.averageBytes ||
      sizes.averageBytes >= sizes.maxBytes
    ) {
      throw new RangeError(
        'chunk sizes must be min < average < max, the average a power of two from 16 bytes to 256 MiB',
      );
    }
    this.#sizes = sizes;
    // The mask is the upper bits of the hash: they depend on the most bytes.
    this.#strictShift = 32 - (bits + 2);
    this.#laxShift = 32 - (bits - 2);
  }

  /**
   * Looks for the end of the segment under way in `bytes` from `start` on. Answers the index after the
   * segment's last byte, or undefined when the segment goes on beyond `bytes`.
   */
  cut(bytes: Uint8Array, start: number): number | undefined {
    const { minBytes, averageBytes, maxBytes } = this.#sizes;
    let hash = this.#hash;
    let length = this.#length;
    for (let at = start; at < bytes.length; at += 1) {
      hash = ((hash << 1) + (gear[bytes[at] as number] as number)) | 0;
      length += 1;
      if (length < minBytes) {
        continue;
      }
      if (hash >>> (length < averageBytes ? this.#strictShift : this.#laxShift) === 0 || length >= maxBytes) {
        this.#hash = 0;
        this.#length = 0;
        return at + 1;
      }
    }
    this.#hash = hash;
    this.#length = length;
    return undefined;
  }
}

/** 256 numbers from a seed, by a 32-bit mixing of a counter. */
function gearTable(seed: number): Uint32Array {
  const table = new Uint32Array(256);
  let state = seed;
  for (let index = 0; index < table.length; index += 1) {
    state = (state + 0x9e37_79b9) | 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    table[index] = (mixed ^ (mixed >>> 15)) >>> 0;
  }
  return table;
}
