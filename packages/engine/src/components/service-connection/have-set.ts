import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';

/*
 * What a hierarchy holds, in a request file: the first eight bytes of each digest, in order. Two digests that begin
 * alike by accident are not to be expected among 2^32; whoever looks for some on purpose keeps an update from himself.
 */

const prefixBytes = 8;
/** 2 million blobs. */
const haveSetMaxBytes = prefixBytes * 2_000_000;

/** The have-set of a library. */
export async function haveSetOf(blobs: Pick<Blobs, 'list'>): Promise<Uint8Array> {
  const prefixes: string[] = [];
  for await (const { sha256 } of blobs.list()) prefixes.push(sha256.slice(0, 2 * prefixBytes));
  return new Uint8Array(
    Buffer.from(
      prefixes
        .toSorted()
        .join('')
        .slice(0, 2 * haveSetMaxBytes),
      'hex',
    ),
  );
}

/** Whether a hierarchy holds a blob, by its have-set. */
export class HaveSet {
  readonly #prefixes: ReadonlySet<string>;

  constructor(bytes: Uint8Array) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
    this.#prefixes = new Set(text.match(new RegExp(`.{${2 * prefixBytes}}`, 'g')));
  }

  has(sha256: Digest): boolean {
    return this.#prefixes.has(sha256.slice(0, 2 * prefixBytes));
  }

  /** Those of `digests` that it has. */
  of(digests: Iterable<Digest>): ReadonlySet<Digest> {
    return new Set([...digests].filter((sha256) => this.has(sha256)));
  }
}
