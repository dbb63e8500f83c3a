import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { digest } from '@sallyport/core/shared/ids';
import fc from 'fast-check';
import type { Blobs } from '../src/ports/blobs.ts';
import { chunked, collected, flipped, never, noise, refOf } from './bytes.ts';
import { contentError } from './content-errors.ts';

/** How the suite makes and reaches into a library of the kind under test. */
export interface BlobsUnderTest {
  readonly blobs: Blobs;
  /** Puts bytes where `ingest` told it to. */
  readonly writeAt: (path: string, bytes: Uint8Array) => Promise<void>;
  /** Changes a held blob's bytes behind the library's back. */
  readonly damage: (held: BlobRef, bytes: Uint8Array) => Promise<void>;
}

/** The promises of the `Blobs` port, to be run on each of its adapters. */
export function blobsConformance(kind: string, make: (t: TestContext) => Promise<BlobsUnderTest>): void {
  const bytes = noise(700_000);
  const ref = refOf(bytes);
  const half = bytes.subarray(0, 350_000);

  test(`${kind}: what was put is held, listed and read back, whole and in part`, async (t) => {
    const { blobs } = await make(t);
    assert.equal(await blobs.has(ref.sha256), false);
    await blobs.put(chunked(half, bytes.subarray(350_000)), ref, never());
    assert.equal(await blobs.has(ref.sha256), true);
    assert.equal(await blobs.sizeOf(ref.sha256), ref.sizeBytes);
    const unknown = digest('0'.repeat(64));
    assert.deepEqual([...(await blobs.held([unknown, ref.sha256]))], [ref.sha256]);
    assert.deepEqual(await Array.fromAsync(blobs.list()), [ref]);
    assert.deepEqual(await collected(blobs.read(ref.sha256)), bytes);
    assert.deepEqual(
      await collected(blobs.read(ref.sha256, { start: 5, end: 300_000 })),
      bytes.slice(5, 300_000),
    );
    assert.deepEqual(await collected(blobs.read(ref.sha256, { start: 699_999 })), bytes.slice(699_999));
    assert.deepEqual(await blobs.readBytes(ref.sha256, ref.sizeBytes), bytes);
  });

  test(`${kind}: an empty blob is a blob`, async (t) => {
    const { blobs } = await make(t);
    const empty = await blobs.putBytes(new Uint8Array());
    assert.deepEqual(empty, refOf(new Uint8Array()));
    assert.deepEqual(await collected(blobs.read(empty.sha256)), new Uint8Array());
  });

  test(`${kind}: bytes of another size or digest leave nothing behind`, async (t) => {
    const { blobs } = await make(t);
    const wrong: readonly [Uint8Array, 'SIZE_MISMATCH' | 'HASH_MISMATCH'][] = [
      [half, 'SIZE_MISMATCH'],
      [noise(700_001), 'SIZE_MISMATCH'],
      [flipped(bytes, 400_000), 'HASH_MISMATCH'],
    ];
    for (const [given, code] of wrong) {
      await assert.rejects(blobs.put(chunked(given), ref, never()), contentError(code));
      assert.equal(await blobs.has(ref.sha256), false);
    }
    assert.equal(await blobs.dropPartials(() => false), 0);
  });

  test(`${kind}: a source's own failure comes out as it is`, async (t) => {
    const { blobs } = await make(t);
    const failure = new Error('the line broke');
    const breaking = async function* (): AsyncGenerator<Uint8Array> {
      yield half;
      throw failure;
    };
    await assert.rejects(blobs.put(breaking(), ref, never()), failure);
    assert.equal(await blobs.has(ref.sha256), false);
  });

  test(`${kind}: a put that is cancelled ends at once, also while its source keeps silent`, async (t) => {
    const { blobs } = await make(t);
    const controller = new AbortController();
    const reason = new Error('enough');
    const silent = async function* (): AsyncGenerator<Uint8Array> {
      yield half;
      controller.abort(reason);
      await new Promise<never>(() => undefined);
    };
    await assert.rejects(blobs.put(silent(), ref, controller.signal), reason);
    await assert.rejects(blobs.put(chunked(bytes), ref, controller.signal), reason);
    assert.equal(await blobs.has(ref.sha256), false);
  });

  test(`${kind}: concurrent puts of one digest read one source`, async (t) => {
    const { blobs } = await make(t);
    let read = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      read += 1;
      yield bytes;
    };
    await Promise.all([1, 2, 3, 4].map(() => blobs.put(counted(), ref, never())));
    assert.equal(read, 1);
    assert.equal(await blobs.has(ref.sha256), true);
  });

  test(`${kind}: when the put that others wait for fails, one of them goes on with its own source`, async (t) => {
    const { blobs } = await make(t);
    const controller = new AbortController();
    const begun = Promise.withResolvers<void>();
    const silent = async function* (): AsyncGenerator<Uint8Array> {
      begun.resolve();
      await new Promise<never>(() => undefined);
      yield bytes;
    };
    const first = blobs.put(silent(), ref, controller.signal);
    await begun.promise;
    const second = blobs.put(chunked(bytes), ref, never());
    controller.abort(new Error('enough'));
    await assert.rejects(first, /enough/);
    await second;
    assert.deepEqual(await collected(blobs.read(ref.sha256)), bytes);
  });

  test(`${kind}: whoever expects another size than a held blob has is told`, async (t) => {
    const { blobs } = await make(t);
    await blobs.putBytes(bytes);
    const mistaken = { ...ref, sizeBytes: 3 };
    await assert.rejects(blobs.put(chunked(bytes), mistaken, never()), contentError('SIZE_MISMATCH'));
    await assert.rejects(blobs.resume(mistaken), contentError('SIZE_MISMATCH'));
    assert.equal(await blobs.has(ref.sha256), true);
  });

  test(`${kind}: reading what is not held, too large, out of range or damaged says so`, async (t) => {
    const { blobs, damage } = await make(t);
    await assert.rejects(collected(blobs.read(ref.sha256)), contentError('NOT_HELD'));
    await assert.rejects(blobs.readBytes(ref.sha256, 1_000_000), contentError('NOT_HELD'));
    await blobs.putBytes(bytes);
    await assert.rejects(blobs.readBytes(ref.sha256, ref.sizeBytes - 1), contentError('TOO_LARGE'));
    for (const range of [
      { start: 700_001 },
      { start: 5, end: 4 },
      { start: -1 },
      { start: 0, end: 700_001 },
    ]) {
      await assert.rejects(collected(blobs.read(ref.sha256, range)), contentError('BAD_RANGE'));
    }
    await damage(ref, flipped(bytes, 9));
    await assert.rejects(blobs.readBytes(ref.sha256, ref.sizeBytes), contentError('HASH_MISMATCH'));
  });

  test(`${kind}: a removed blob is gone, and removing it again changes nothing`, async (t) => {
    const { blobs } = await make(t);
    await blobs.putBytes(bytes);
    await blobs.remove(ref.sha256);
    await blobs.remove(ref.sha256);
    assert.equal(await blobs.has(ref.sha256), false);
    assert.deepEqual(await Array.fromAsync(blobs.list()), []);
  });

  test(`${kind}: a blob in pieces is invisible until it is committed`, async (t) => {
    const { blobs } = await make(t);
    const writer = await blobs.resume(ref);
    assert.equal(writer.offset, 0);
    await writer.write(half);
    await writer.write(bytes.subarray(350_000));
    assert.equal(await blobs.has(ref.sha256), false);
    await writer.commit();
    assert.deepEqual(await collected(blobs.read(ref.sha256)), bytes);
    assert.equal(await blobs.dropPartials(() => false), 0);
  });

  test(`${kind}: one writer a digest at a time, and none after it has ended`, async (t) => {
    const { blobs } = await make(t);
    const writer = await blobs.resume(ref);
    await assert.rejects(blobs.resume(ref), contentError('BUSY'));
    await writer.suspend();
    await writer.suspend();
    await assert.rejects(writer.write(half), contentError('CLOSED'));
    await assert.rejects(writer.commit(), contentError('CLOSED'));
    await (await blobs.resume(ref)).suspend();
  });

  test(`${kind}: a suspended writer goes on where it was`, async (t) => {
    const under = await make(t);
    const writer = await under.blobs.resume(ref);
    await writer.write(half);
    await writer.suspend();
    const again = await under.blobs.resume(ref);
    assert.equal(again.offset, half.length);
    await again.write(bytes.subarray(half.length));
    await again.commit();
    assert.deepEqual(await collected(under.blobs.read(ref.sha256)), bytes);
  });

  test(`${kind}: what a writer left that took the blob for a longer one is dropped`, async (t) => {
    const { blobs } = await make(t);
    const mistaken = await blobs.resume({ ...ref, sizeBytes: ref.sizeBytes + 10 });
    await mistaken.write(noise(ref.sizeBytes + 5));
    await mistaken.suspend();
    const writer = await blobs.resume(ref);
    assert.equal(writer.offset, 0);
    await writer.write(bytes);
    await writer.commit();
    assert.equal(await blobs.has(ref.sha256), true);
  });

  test(`${kind}: a discarded writer leaves nothing to go on with`, async (t) => {
    const { blobs } = await make(t);
    const writer = await blobs.resume(ref);
    await writer.write(half);
    await writer.discard();
    const again = await blobs.resume(ref);
    assert.equal(again.offset, 0);
    await again.discard();
  });

  test(`${kind}: a wrong byte among the pieces ends in HASH_MISMATCH and drops them`, async (t) => {
    const { blobs } = await make(t);
    const writer = await blobs.resume(ref);
    await writer.write(flipped(bytes, 20));
    await assert.rejects(writer.commit(), contentError('HASH_MISMATCH'));
    assert.equal(await blobs.has(ref.sha256), false);
    const again = await blobs.resume(ref);
    assert.equal(again.offset, 0);
    await again.discard();
  });

  test(`${kind}: too few pieces are SIZE_MISMATCH, too many are refused as they come`, async (t) => {
    const { blobs } = await make(t);
    const writer = await blobs.resume(ref);
    await writer.write(half);
    await assert.rejects(writer.write(bytes), contentError('SIZE_MISMATCH'));
    await assert.rejects(writer.commit(), contentError('SIZE_MISMATCH'));
    assert.equal(await blobs.has(ref.sha256), false);
  });

  test(`${kind}: resuming a blob that is held finds it complete`, async (t) => {
    const { blobs } = await make(t);
    await blobs.putBytes(bytes);
    const writer = await blobs.resume(ref);
    assert.equal(writer.offset, ref.sizeBytes);
    await assert.rejects(writer.write(half), contentError('SIZE_MISMATCH'));
    await writer.commit();
    await writer.discard();
    assert.equal(await blobs.has(ref.sha256), true);
  });

  test(`${kind}: dropping partials spares those that are wanted or being written`, async (t) => {
    const { blobs } = await make(t);
    const refs = [1, 2, 3].map((seed) => refOf(noise(1000, seed)));
    const [wanted, unwanted, busy] = refs as [BlobRef, BlobRef, BlobRef];
    for (const [index, one] of [wanted, unwanted].entries()) {
      const writer = await blobs.resume(one);
      await writer.write(noise(400, index + 1));
      await writer.suspend();
    }
    const writing = await blobs.resume(busy);
    await writing.write(noise(300, 3));
    assert.equal(await blobs.dropPartials((sha256) => sha256 === wanted.sha256), 400);
    const again = await blobs.resume(wanted);
    assert.equal(again.offset, 400);
    await again.discard();
    await writing.write(noise(1000, 3).subarray(300));
    await writing.commit();
    assert.equal(await blobs.has(busy.sha256), true);
  });

  test(`${kind}: what a worker wrote is taken in when it is right, and dropped when it is wrong or not wanted`, async (t) => {
    const { blobs, writeAt } = await make(t);
    const ingest = (written: Uint8Array, claimed: BlobRef | undefined): Promise<BlobRef | undefined> =>
      blobs.ingest(async (path) => {
        await writeAt(path, written);
        return claimed;
      });
    await assert.rejects(ingest(half, ref), contentError('SIZE_MISMATCH'));
    await assert.rejects(ingest(flipped(bytes, 1), ref), contentError('HASH_MISMATCH'));
    assert.equal(await ingest(bytes, undefined), undefined);
    assert.equal(await blobs.has(ref.sha256), false);
    assert.deepEqual(await ingest(bytes, ref), ref);
    assert.deepEqual(await ingest(bytes, ref), ref);
    assert.deepEqual(await collected(blobs.read(ref.sha256)), bytes);
    assert.deepEqual(await Array.fromAsync(blobs.list()), [ref]);
  });

  test(`${kind}: any cutting of the bytes, with any interruptions, gives the same blob`, async (t) => {
    const { blobs } = await make(t);
    const pieces = fc.array(
      fc.record({ bytes: fc.uint8Array({ maxLength: 50 }), interrupted: fc.boolean() }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => {
        const whole = new Uint8Array(Buffer.concat(parts.map((part) => part.bytes)));
        const named = refOf(whole);
        await blobs.remove(named.sha256);
        let writer = await blobs.resume(named);
        let offset = 0;
        for (const part of parts) {
          await writer.write(part.bytes);
          offset += part.bytes.length;
          if (part.interrupted) {
            await writer.suspend();
            writer = await blobs.resume(named);
            assert.equal(writer.offset, offset);
          }
        }
        await writer.commit();
        assert.deepEqual(await blobs.readBytes(named.sha256, named.sizeBytes), whole);
      }),
      { numRuns: 25 },
    );
  });
}
