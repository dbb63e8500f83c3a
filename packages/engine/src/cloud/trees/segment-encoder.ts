import { isWrongBytes } from '@sallyport/core/domain/content/content-error';
import { windowLogMax } from '@sallyport/core/domain/content/route';
import type { BlobRef, Encoding, Encodings } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { Compute } from '../../ports/compute.ts';

/** The highest level that does not ask for a gigabyte of memory. */
const defaultLevel = 19;
/** A patch is kept when it is smaller than this part of the next best way. */
const patchWorth = 0.9;
/** Compressing is kept when it is smaller than this part of the segment: unpacking costs time too. */
const wholeWorth = 0.97;
/** A segment that travels in so few bytes gains nothing by a patch. */
const patchWorthBytes = 200;
const windowLogMin = 10;

/** Encodings of earlier releases that are still in the library. */
export class KnownEncodings {
  readonly #byKey: ReadonlyMap<string, Encoding>;

  private constructor(byKey: ReadonlyMap<string, Encoding>) {
    this.#byKey = byKey;
  }

  static async of(documents: readonly Encodings[], blobs: Blobs): Promise<KnownEncodings> {
    const entries = documents.flatMap((document) => document.segments);
    const held = await blobs.held([
      ...new Set(entries.flatMap((entry) => entry.encodings.map(({ blob }) => blob.sha256))),
    ]);
    return new KnownEncodings(
      new Map(
        entries.flatMap(({ segment, encodings }) =>
          encodings
            .filter(({ blob }) => held.has(blob.sha256))
            .map((encoding) => [keyOf(segment.sha256, encoding), encoding]),
        ),
      ),
    );
  }

  whole(segment: Digest): Encoding | undefined {
    return this.#byKey.get(segment);
  }

  patch(segment: Digest, base: Digest): Encoding | undefined {
    return this.#byKey.get(`${segment} ${base}`);
  }
}

function keyOf(segment: Digest, encoding: Encoding): string {
  return encoding.kind === 'zstd' ? segment : `${segment} ${encoding.base.sha256}`;
}

/** Encodes single segments. What it answers is in the library, proved, and worth its bytes. */
export class SegmentEncoder {
  readonly #blobs: Blobs;
  readonly #compute: Compute;
  readonly #known: KnownEncodings;
  readonly #level: number;
  #reused = 0;

  constructor(
    { blobs, compute }: { readonly blobs: Blobs; readonly compute: Compute },
    known: KnownEncodings,
    level: number = defaultLevel,
  ) {
    this.#blobs = blobs;
    this.#compute = compute;
    this.#known = known;
    this.#level = level;
  }

  /** Encodings that earlier releases had already. */
  get reused(): number {
    return this.#reused;
  }

  /** @throws {ContentError} NOT_HELD, HASH_MISMATCH when the segment itself is not what it should be */
  async encode(
    segment: BlobRef,
    bases: readonly BlobRef[],
    signal: AbortSignal,
  ): Promise<readonly Encoding[]> {
    const encodings: Encoding[] = [];
    const whole = await this.#whole(segment, signal);
    if (whole !== undefined) {
      encodings.push(whole);
    }
    const bestBytes = whole?.blob.sizeBytes ?? segment.sizeBytes;
    if (bestBytes >= patchWorthBytes) {
      for (const base of bases) {
        const patch = await this.#patch(segment, base, bestBytes, signal);
        if (patch !== undefined) {
          encodings.push(patch);
        }
      }
    }
    return encodings;
  }

  async #whole(segment: BlobRef, signal: AbortSignal): Promise<Encoding | undefined> {
    const known = this.#known.whole(segment.sha256);
    if (known !== undefined) {
      this.#reused += 1;
      return known;
    }
    const work = { windowLog: windowLogFor(segment.sizeBytes) };
    const blob = await this.#compress(segment, work, segment.sizeBytes * wholeWorth, signal);
    return blob === undefined ? undefined : { kind: 'zstd', blob };
  }

  async #patch(
    segment: BlobRef,
    base: BlobRef,
    bestBytes: number,
    signal: AbortSignal,
  ): Promise<Encoding | undefined> {
    const known = this.#known.patch(segment.sha256, base.sha256);
    if (known !== undefined) {
      this.#reused += 1;
      return known;
    }
    const windowLog = windowLogFor(segment.sizeBytes + base.sizeBytes);
    if (windowLog > windowLogMax || !(await this.#isIntact(base, signal))) {
      return undefined;
    }
    const blob = await this.#compress(
      segment,
      { windowLog, dictionary: this.#blobs.pathOf(base.sha256) },
      bestBytes * patchWorth,
      signal,
    );
    return blob === undefined ? undefined : { kind: 'zstd-patch', blob, base, windowLog };
  }

  /** A base that is not held, or was damaged on disk, would give a patch that works nowhere else. */
  async #isIntact(base: BlobRef, signal: AbortSignal): Promise<boolean> {
    if (!(await this.#blobs.has(base.sha256))) {
      return false;
    }
    return (await this.#compute.hashFile(this.#blobs.pathOf(base.sha256), signal)).sha256 === base.sha256;
  }

  /** Compresses into the library when the result is below `limitBytes` and unpacks to exactly the segment. */
  async #compress(
    segment: BlobRef,
    how: { readonly windowLog: number; readonly dictionary?: string },
    limitBytes: number,
    signal: AbortSignal,
  ): Promise<BlobRef | undefined> {
    return this.#blobs.ingest(async (target) => {
      const blob = await this.#compute.compressFile(
        { source: this.#blobs.pathOf(segment.sha256), target, level: this.#level, ...how },
        signal,
      );
      if (blob.sizeBytes >= limitBytes) {
        return undefined;
      }
      const isProved = await this.#prove({ source: target, expected: segment, ...how }, signal);
      return isProved ? blob : undefined;
    });
  }

  /** Unpacks as a site would, and throws the result away. */
  async #prove(
    work: {
      readonly source: string;
      readonly expected: BlobRef;
      readonly windowLog: number;
      readonly dictionary?: string;
    },
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await this.#blobs.ingest(async (target) => {
        await this.#compute.decompressFile({ ...work, target }, signal);
        return undefined;
      });
      return true;
    } catch (failure) {
      if (isWrongBytes(failure) && work.dictionary !== undefined) {
        return false;
      }
      throw failure;
    }
  }
}

/** The smallest window that reaches over so many bytes. */
function windowLogFor(sizeBytes: number): number {
  return Math.max(windowLogMin, Math.ceil(Math.log2(sizeBytes)));
}
