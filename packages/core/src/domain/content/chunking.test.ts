import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ContentCutter, type ChunkSizes } from './chunking.ts';

const sizes: ChunkSizes = { minBytes: 16, averageBytes: 64, maxBytes: 256 };

/** Cuts `bytes` fed in pieces that end at `feeds`. */
function cutAll(bytes: Uint8Array, feeds: readonly number[] = []): Uint8Array[] {
  const cutter = new ContentCutter(sizes);
  const ends = [...new Set([...feeds.filter((end) => end < bytes.length), bytes.length])].toSorted(
    (a, b) => a - b,
  );
  const segments: Uint8Array[] = [];
  let begun: number[] = [];
  let start = 0;
  for (const end of ends) {
    const piece = bytes.subarray(start, end);
    let from = 0;
    for (;;) {
      const cut = cutter.cut(piece, from);
      begun.push(...piece.subarray(from, cut));
      if (cut === undefined) {
        break;
      }
      segments.push(Uint8Array.from(begun));
      begun = [];
      from = cut;
    }
    start = end;
  }
  return begun.length > 0 ? [...segments, Uint8Array.from(begun)] : segments;
}

const join = (segments: readonly Uint8Array[]): number[] => segments.flatMap((segment) => [...segment]);

/** Bytes that look random and are the same in every run. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 24;
  });
}

test('segments joined again are the file, and keep to the limits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      const segments = cutAll(bytes);
      assert.deepEqual(join(segments), [...bytes]);
      for (const [index, segment] of segments.entries()) {
        assert.ok(segment.length <= sizes.maxBytes);
        assert.ok(segment.length >= sizes.minBytes || index === segments.length - 1);
      }
    }),
  );
});

test('cuts depend on the content alone, not on the pieces it comes in', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.nat(4000)), (seed, feeds) => {
      const bytes = noise(4000, seed);
      assert.deepEqual(cutAll(bytes, feeds), cutAll(bytes));
    }),
  );
});

test('an insertion changes only the segments near to it', () => {
  const bytes = noise(40_000, 7);
  const edited = Uint8Array.from([...bytes.subarray(0, 20_000), 1, 2, 3, ...bytes.subarray(20_000)]);
  const known = new Set(cutAll(bytes).map(String));
  const fresh = cutAll(edited).filter((segment) => !known.has(String(segment)));
  assert.ok(fresh.length <= 4, `${String(fresh.length)} segments are new`);
  assert.ok(cutAll(bytes).length > 200);
});

test('the cuts of published files never change', () => {
  // A golden value: another one here would cut every large file of every vendor anew.
  assert.deepEqual(
    cutAll(noise(600, 1)).map((segment) => segment.length),
    [80, 31, 64, 75, 132, 64, 66, 68, 20],
  );
});

test('refuses sizes that cannot be kept', () => {
  assert.throws(() => new ContentCutter({ minBytes: 64, averageBytes: 64, maxBytes: 256 }), RangeError);
  assert.throws(() => new ContentCutter({ minBytes: 1, averageBytes: 100, maxBytes: 256 }), RangeError);
});
