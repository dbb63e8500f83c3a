import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digest, type Digest } from '../../shared/ids.ts';
import { planRoutes, segmentsOf, type FetchPlan } from './route.ts';
import type { BlobRef, Encoding, Encodings, Tree } from './tree.ts';

const named = (number: number, sizeBytes: number): BlobRef => ({
  sha256: digest(number.toString(16).padStart(64, '0')),
  sizeBytes,
});
const treeOf = (...segments: BlobRef[]): Tree => ({
  schema: 1,
  files: segments.map((segment, index) => ({
    path: `f${String(index)}`,
    mode: 0o644,
    sizeBytes: segment.sizeBytes,
    sha256: segment.sha256,
    segments: [segment],
  })),
});
const encodingsOf = (...entries: [BlobRef, ...Encoding[]][]): Encodings => ({
  schema: 1,
  segments: entries.map(([segment, ...encodings]) => ({ segment, encodings })),
});
const zstd = (blob: BlobRef): Encoding => ({ kind: 'zstd', blob });
const patch = (blob: BlobRef, base: BlobRef, windowLog = 20): Encoding => ({
  kind: 'zstd-patch',
  blob,
  base,
  windowLog,
});
const digests = (...refs: BlobRef[]): ReadonlySet<Digest> => new Set(refs.map((ref) => ref.sha256));
const kinds = (plan: FetchPlan): readonly string[] => plan.steps.map((step) => step.route.kind);

const segment = named(1, 1000);
const old = named(2, 900);
const whole = named(3, 400);
const small = named(4, 50);
const everything = digests(segment, old, whole, small);

test('what is held is not fetched', () => {
  const plan = planRoutes({ tree: treeOf(segment), held: digests(segment), offered: everything });
  assert.deepEqual(plan, { steps: [], held: [segment], unobtainable: [], plannedBytes: 0 });
});

test('a patch is taken when its base is held, and the other ways stay as fallbacks', () => {
  const encodings = encodingsOf([segment, patch(small, old), zstd(whole)]);
  const plan = planRoutes({ tree: treeOf(segment), encodings, held: digests(old), offered: everything });
  assert.deepEqual(kinds(plan), ['patch']);
  assert.equal(plan.plannedBytes, 50);
  assert.deepEqual(
    plan.steps[0]?.fallbacks.map((route) => route.kind),
    ['zstd', 'raw'],
  );
});

test('without the base the segment comes compressed; without encodings, as it is', () => {
  const encodings = encodingsOf([segment, patch(small, old), zstd(whole)]);
  assert.deepEqual(
    kinds(planRoutes({ tree: treeOf(segment), encodings, held: new Set(), offered: everything })),
    ['zstd'],
  );
  assert.deepEqual(kinds(planRoutes({ tree: treeOf(segment), held: digests(old), offered: everything })), [
    'raw',
  ]);
});

test('only what the source offers is planned', () => {
  const encodings = encodingsOf([segment, patch(small, old), zstd(whole)]);
  const plan = planRoutes({
    tree: treeOf(segment),
    encodings,
    held: digests(old),
    offered: digests(segment),
  });
  assert.deepEqual(kinds(plan), ['raw']);
  const none = planRoutes({ tree: treeOf(segment), encodings, held: digests(old), offered: new Set() });
  assert.deepEqual(none.unobtainable, [segment]);
});

test('an encoded blob that is held already costs nothing', () => {
  const encodings = encodingsOf([segment, patch(small, old), zstd(whole)]);
  const plan = planRoutes({
    tree: treeOf(segment),
    encodings,
    held: digests(old, whole),
    offered: everything,
  });
  assert.deepEqual([kinds(plan), plan.plannedBytes], [['zstd'], 0]);
});

test('a patch that needs too much memory is left alone', () => {
  const encodings = encodingsOf([segment, patch(small, old, 28), zstd(whole)]);
  assert.deepEqual(
    kinds(planRoutes({ tree: treeOf(segment), encodings, held: digests(old), offered: everything })),
    ['zstd'],
  );
});

test('an encoding larger than the segment is not taken', () => {
  const encodings = encodingsOf([segment, zstd(named(9, 1001))]);
  assert.deepEqual(
    kinds(
      planRoutes({
        tree: treeOf(segment),
        encodings,
        held: new Set(),
        offered: digests(segment, named(9, 1001)),
      }),
    ),
    ['raw'],
  );
});

test('a base of the same tree comes before what is patched against it', () => {
  const encodings = encodingsOf([segment, patch(small, old)]);
  const plan = planRoutes({ tree: treeOf(segment, old), encodings, held: new Set(), offered: everything });
  assert.deepEqual(
    plan.steps.map((step) => step.segment),
    [old, segment],
  );
  assert.deepEqual(kinds(plan), ['raw', 'patch']);
});

test('two segments patched against each other do not wait for each other', () => {
  const encodings = encodingsOf([segment, patch(small, old)], [old, patch(named(5, 40), segment)]);
  const plan = planRoutes({
    tree: treeOf(segment, old),
    encodings,
    held: new Set(),
    offered: digests(segment, old, small, named(5, 40)),
  });
  assert.deepEqual(kinds(plan).toSorted(), ['patch', 'raw']);
});

test('plans are never larger than fetching whole, and only use bases that are there by then', () => {
  const count = 6;
  const segments = Array.from({ length: count }, (_, index) => named(100 + index, 100 * (index + 1)));
  const encoding = fc.record({
    of: fc.nat(count - 1),
    base: fc.option(fc.nat(count + 1)),
    size: fc.integer({ min: 1, max: 700 }),
  });
  fc.assert(
    fc.property(
      fc.array(encoding, { maxLength: 20 }),
      fc.subarray(segments),
      fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      (list, held, offers) => {
        const bases = [...segments, named(200, 500), named(201, 500)];
        const blobs = list.map(({ size }, index) => named(300 + index, size));
        const encodings = encodingsOf(
          ...segments.map((of, index): [BlobRef, ...Encoding[]] => [
            of,
            ...list.flatMap((item, at) => {
              const blob = blobs[at] as BlobRef;
              if (item.of !== index) {
                return [];
              }
              return [item.base === null ? zstd(blob) : patch(blob, bases[item.base] as BlobRef)];
            }),
          ]),
        );
        const offered = digests(...[...segments, ...blobs].filter((_, index) => offers[index] === true));
        const there = new Set(digests(...held, named(200, 500)));
        const tree = treeOf(...segments);
        const plan = planRoutes({ tree, encodings, held: there, offered });
        for (const step of plan.steps) {
          assert.ok(step.route.kind !== 'patch' || there.has(step.route.base.sha256), 'the base is there');
          assert.ok(offered.has(step.route.blob.sha256), 'the blob is offered');
          assert.ok(
            !offered.has(step.segment.sha256) || step.costBytes <= step.segment.sizeBytes,
            'never more than whole',
          );
          assert.ok(
            step.fallbacks.every(
              (route) =>
                route.kind !== 'patch' ||
                route.base.sha256 === named(200, 500).sha256 ||
                held.some((ref) => ref.sha256 === route.base.sha256),
            ),
          );
          there.add(step.segment.sha256);
        }
        for (const one of segmentsOf(tree)) {
          assert.equal(there.has(one.sha256), !plan.unobtainable.includes(one));
          assert.ok(!plan.unobtainable.includes(one) || !offered.has(one.sha256));
        }
      },
    ),
  );
});
