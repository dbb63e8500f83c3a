import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import { propertyRuns, propertyTimeoutMs } from '@sallyport/core/shared/test-support/property';
import fc from 'fast-check';
import { scrub } from '../src/components/content/scrub.ts';
import type { Blobs, BlobWriter } from '../src/ports/blobs.ts';
import type { Compute } from '../src/ports/compute.ts';
import { type Act, type Moment, moment, pool, refs, sourceOf, stopped, wronged } from './blobs-acts.ts';
import { collected, flipped, refOf } from './bytes.ts';

/** A library that can be killed, and whose disk can be made to fail. */
export interface FallibleLibrary {
  /** As the process that runs now has it. */
  readonly blobs: Blobs;
  readonly writeAt: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly readAt: (path: string) => Promise<Uint8Array>;
  /** Changes a held blob's bytes behind the library's back. */
  readonly damage: (held: BlobRef, bytes: Uint8Array) => Promise<void>;
  /** After so many more bytes every write and flush fails; undefined mends the disk. */
  readonly diskFailsAfter: (bytes: number | undefined) => void;
  /**
   * Ends the process where it is and starts another one. Of unfinished files the last `lostBytes` never reached the
   * disk: they are zeros now, or not there.
   */
  readonly kill: (lostBytes: number, asZeros: boolean) => Promise<void>;
  /** Names and bytes of what lies under the names of blobs. */
  readonly visible: () => Promise<ReadonlyMap<string, Uint8Array>>;
  readonly close: () => Promise<void>;
}

/** Promise 7 of the design, to be tried on each adapter of `Blobs`: what is visible has the digest it is named by. */
export function blobsHistories(kind: string, open: (t: TestContext) => Promise<FallibleLibrary>): void {
  test(
    `${kind}: whatever is put, resumed, taken in, killed, damaged and scrubbed side by side, what is visible is right`,
    { timeout: propertyTimeoutMs },
    async (t) => {
      let visibleOnce = 0;
      let failures = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(moment, { minLength: 1, maxLength: 8 }), async (moments) => {
          const history = new History(await open(t));
          try {
            for (const { acts, event } of moments) {
              failures += await history.during(acts);
              await history.happens(event);
              visibleOnce += await history.check();
            }
          } finally {
            await history.close();
          }
        }),
        propertyRuns(15),
      );
      assert.ok(visibleOnce > 0 && failures > 0, 'blobs became visible, and acts failed');
    },
  );
}

class History {
  readonly library: FallibleLibrary;
  /** Whose bytes were changed behind the library's back since it last looked for such. */
  readonly #damaged = new Set<Digest>();
  readonly #left = new Set<BlobWriter>();

  constructor(library: FallibleLibrary) {
    this.library = library;
  }

  /** Runs acts side by side, with somebody who looks at everything meanwhile; answers how many failed. */
  async during(acts: readonly Act[]): Promise<number> {
    const over = new AbortController();
    const looking = (async (): Promise<void> => {
      while (!over.signal.aborted) {
        await this.#look();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const outcomes = await Promise.allSettled(acts.map((one) => this.#do(one)));
    over.abort();
    await looking;
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        const reason: unknown = outcome.reason;
        assert.ok(reason instanceof ContentError || reason === stopped, String(reason));
      }
    }
    return outcomes.filter(({ status }) => status === 'rejected').length;
  }

  async happens(event: Moment['event']): Promise<void> {
    const { library } = this;
    switch (event.kind) {
      case 'nothing':
        return;
      case 'scrub':
        return this.#scrub();
      case 'disk-fails':
        return library.diskFailsAfter(event.after);
      case 'disk-mended':
        return library.diskFailsAfter(undefined);
      case 'damage': {
        const ref = refs[event.blob] ?? assert.fail();
        const bytes = pool[event.blob] ?? assert.fail();
        if (bytes.length === 0 || !(await library.blobs.has(ref.sha256))) return;
        const place = event.at % bytes.length;
        this.#damaged.add(ref.sha256);
        return library.damage(ref, event.isCut ? bytes.slice(0, place) : flipped(bytes, place));
      }
      case 'kill': {
        await this.#leave();
        return library.kill(event.lostBytes, event.asZeros);
      }
    }
  }

  async close(): Promise<void> {
    await this.#leave();
    await this.library.close();
  }

  /** A process that ends leaves no file open. */
  async #leave(): Promise<void> {
    this.library.diskFailsAfter(undefined);
    for (const writer of this.#left) await writer.suspend();
    this.#left.clear();
  }

  /** Answers how many are visible. */
  async check(): Promise<number> {
    await this.#look();
    const { blobs } = this.library;
    const visible = await this.library.visible();
    const listed = (await Array.fromAsync(blobs.list())).map(({ sha256 }) => sha256 as string);
    assert.deepEqual(new Set(listed), new Set(visible.keys()));
    for (const [name, bytes] of visible) {
      if (!this.#damaged.has(name as Digest))
        assert.equal(refOf(bytes).sha256, name, 'a file that is not what it is called');
    }
    return visible.size;
  }

  /** Whatever is listed can be read, and is right; what is damaged is never handed out as whole. */
  async #look(): Promise<void> {
    const { blobs } = this.library;
    for await (const { sha256, sizeBytes } of blobs.list()) {
      const whole = await unlessGone(() => blobs.readBytes(sha256, 1_000_000));
      if (whole === undefined || this.#damaged.has(sha256)) continue;
      assert.equal(refOf(whole).sha256, sha256);
      assert.equal(whole.length, sizeBytes);
      const read = await unlessGone(() => collected(blobs.read(sha256)));
      if (read !== undefined) assert.equal(refOf(read).sha256, sha256);
    }
  }

  async #scrub(): Promise<void> {
    const { blobs, readAt } = this.library;
    const compute = {
      hashFile: async (path: string) => refOf(await readAt(path)),
    } as unknown as Compute;
    await scrub({ blobs, compute }, new AbortController().signal);
    this.#damaged.clear();
  }

  async #do(one: Act): Promise<void> {
    const { blobs, writeAt } = this.library;
    const ref = refs[one.blob] ?? assert.fail();
    const bytes = pool[one.blob] ?? assert.fail();
    switch (one.kind) {
      case 'put': {
        const cancelled = new AbortController();
        await blobs.put(sourceOf(bytes, one.wrong, one.at, cancelled), ref, cancelled.signal);
        return;
      }
      case 'ingest': {
        await blobs.ingest(async (path) => {
          if (one.wrong === 'throws' || one.wrong === 'cancelled') throw stopped;
          await writeAt(path, wronged(bytes, one.wrong, one.at));
          return one.wrong === 'other' ? undefined : ref;
        });
        return;
      }
      case 'put-bytes':
        await blobs.putBytes(bytes);
        return;
      case 'resume':
        return this.#resume(one, ref, bytes);
      case 'read':
        await unlessGone(() => blobs.readBytes(ref.sha256, 1_000_000));
        return;
      case 'remove':
        return blobs.remove(ref.sha256);
      case 'drop-partials':
        await blobs.dropPartials((sha256) => sha256 === ref.sha256);
        return;
      case 'scrub':
        // Not while others read and write what the scrub would forget: that is for the end of the moment.
        return undefined;
    }
  }

  async #resume(
    { upTo, isFlipped, end }: Extract<Act, { kind: 'resume' }>,
    ref: BlobRef,
    bytes: Uint8Array,
  ): Promise<void> {
    const writer = await this.library.blobs.resume(ref);
    try {
      const whole = isFlipped && bytes.length > 0 ? flipped(bytes, upTo % bytes.length) : bytes;
      for (let from = writer.offset; from < Math.min(upTo, whole.length); from += 100_000) {
        await writer.write(whole.subarray(from, Math.min(from + 100_000, upTo, whole.length)));
      }
      if (end === 'commit') await writer.commit();
    } finally {
      if (end === 'leave') this.#left.add(writer);
      else if (end === 'discard') await writer.discard();
      else await writer.suspend();
    }
  }
}

async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    assert.ok(
      error instanceof ContentError && ['NOT_HELD', 'HASH_MISMATCH'].includes(error.code),
      String(error),
    );
    return undefined;
  }
}
