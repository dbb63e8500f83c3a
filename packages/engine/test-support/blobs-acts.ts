import fc from 'fast-check';
import { flipped, noise, refOf } from './bytes.ts';

/** Blobs that histories are about: none, one and few bytes, and more than one chunk. */
export const pool = [0, 1, 700, 300_000].map((length, index) => noise(length, index + 1));
export const refs = pool.map(refOf);

/** What a source gives instead of the bytes that it should. */
export type Wrong = 'cancelled' | 'flipped' | 'long' | 'none' | 'other' | 'short' | 'throws';
const wrongs: readonly Wrong[] = [
  'cancelled',
  'flipped',
  'long',
  'none',
  'none',
  'none',
  'other',
  'short',
  'throws',
];

export type Act =
  | { readonly kind: 'ingest' | 'put'; readonly blob: number; readonly wrong: Wrong; readonly at: number }
  | {
      readonly kind: 'resume';
      readonly blob: number;
      readonly upTo: number;
      readonly isFlipped: boolean;
      readonly end: 'commit' | 'discard' | 'leave' | 'suspend';
    }
  | { readonly kind: 'drop-partials' | 'put-bytes' | 'read' | 'remove' | 'scrub'; readonly blob: number };

/** Acts of one moment run side by side; then something may happen to disk or process. */
export interface Moment {
  readonly acts: readonly Act[];
  readonly event:
    | { readonly kind: 'damage'; readonly blob: number; readonly at: number; readonly isCut: boolean }
    | { readonly kind: 'disk-fails'; readonly after: number }
    | { readonly kind: 'disk-mended' | 'nothing' | 'scrub' }
    | { readonly kind: 'kill'; readonly lostBytes: number; readonly asZeros: boolean };
}

const blob = fc.nat(pool.length - 1);
const at = fc.nat(300_000);

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('ingest', 'put'),
      blob,
      wrong: fc.constantFrom(...wrongs),
      at,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('resume'),
      blob,
      upTo: fc.oneof(fc.constant(300_000), at),
      isFlipped: fc.boolean(),
      end: fc.constantFrom('commit', 'commit', 'commit', 'discard', 'leave', 'suspend'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('drop-partials', 'put-bytes', 'read', 'remove', 'scrub'),
      blob,
    }),
  },
);

export const moment: fc.Arbitrary<Moment> = fc.record({
  acts: fc.array(act, { minLength: 1, maxLength: 5 }),
  event: fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'nothing' as const }) },
    fc.record({ kind: fc.constant('damage'), blob, at, isCut: fc.boolean() }),
    fc.record({ kind: fc.constant('disk-fails'), after: at }),
    { weight: 2, arbitrary: fc.constantFrom({ kind: 'disk-mended' as const }, { kind: 'scrub' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('kill'),
        lostBytes: fc.oneof(fc.constant(0), at),
        asZeros: fc.boolean(),
      }),
    },
  ),
});

/** What a source or a worker throws that gives up. */
export const stopped = new Error('stopped');

export function wronged(bytes: Uint8Array, wrong: Wrong, place: number): Uint8Array {
  const from = bytes.length === 0 ? 0 : place % bytes.length;
  switch (wrong) {
    case 'flipped':
      return flipped(bytes, from);
    case 'long':
      return Buffer.concat([bytes, Buffer.from('!')]);
    case 'other':
      return noise(bytes.length, 99);
    case 'short':
      return bytes.subarray(0, from);
    case 'cancelled':
    case 'none':
    case 'throws':
      return bytes;
  }
}

export async function* sourceOf(
  bytes: Uint8Array,
  wrong: Wrong,
  place: number,
  cancelled: AbortController,
): AsyncGenerator<Uint8Array> {
  const given = wronged(bytes, wrong, place);
  for (let from = 0; from < given.length; from += 90_000) {
    if (from >= given.length / 2) {
      if (wrong === 'throws') throw stopped;
      if (wrong === 'cancelled') cancelled.abort(stopped);
    }
    yield given.subarray(from, from + 90_000);
  }
}
