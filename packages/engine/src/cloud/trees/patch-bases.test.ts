import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobRef, Tree } from '@sallyport/core/domain/content/tree';
import { digest } from '@sallyport/core/shared/ids';
import { patchBases } from './patch-bases.ts';

const named = (number: number, sizeBytes = 100): BlobRef => ({
  sha256: digest(number.toString(16).padStart(64, '0')),
  sizeBytes,
});
const treeOf = (files: Readonly<Record<string, readonly BlobRef[]>>): Tree => ({
  schema: 1,
  files: Object.entries(files).map(([path, segments]) => ({
    path,
    mode: 0o644,
    sizeBytes: segments.reduce((sum, segment) => sum + segment.sizeBytes, 0),
    sha256: (segments[0] ?? named(0)).sha256,
    segments,
  })),
});
const basesOf = (tree: Tree, ...previous: Tree[]): readonly (readonly BlobRef[])[] => [
  ...patchBases(tree, previous).values(),
];

test('the same path comes first, newest release first', () => {
  const tree = treeOf({ a: [named(1)], b: [named(2)] });
  assert.deepEqual(
    basesOf(tree, treeOf({ a: [named(3)], b: [named(4)] }), treeOf({ a: [named(5)], b: [named(4)] })),
    [[named(3), named(5)], [named(4)]],
  );
});

test('a release that has the segment needs no patch, wherever it has it', () => {
  const tree = treeOf({ a: [named(1)] });
  assert.deepEqual(basesOf(tree, treeOf({ a: [named(2)], moved: [named(1)] }), treeOf({ a: [named(3)] })), [
    [named(3)],
  ]);
});

test('only the three newest releases count', () => {
  const older = [10, 11, 12, 13].map((number) => treeOf({ a: [named(number)] }));
  assert.deepEqual(basesOf(treeOf({ a: [named(1)] }), ...older), [[named(10), named(11), named(12)]]);
});

test('a file whose name holds a version or a hash is found again, and so is one that moved', () => {
  const older = treeOf({
    'js/app.3f9a2c1b.js': [named(1)],
    'js/lib.77d0e4aa.js': [named(2)],
    'lib/libx-1.2.so': [named(3)],
    'old/tool.exe': [named(4)],
    'js/feedback.js': [named(5)],
  });
  const base = (path: string): readonly BlobRef[] => basesOf(treeOf({ [path]: [named(9)] }), older).flat();
  assert.deepEqual(base('js/app.00aa11bb.js'), [named(1)]);
  assert.deepEqual(base('lib/libx-1.10.so'), [named(3)]);
  assert.deepEqual(base('new/tool.exe'), [named(4)]);
  assert.deepEqual(base('js/defaced.js'), []);
  assert.deepEqual(base('js/app.css'), []);
});

test('files of very different size are not compared by name alone', () => {
  const older = treeOf({ 'a/data.bin': [named(1, 100)], 'b/data.bin': [named(2, 1000)] });
  assert.deepEqual(basesOf(treeOf({ 'c/data.bin': [named(3, 900)] }), older), [[named(2, 1000)]]);
  assert.deepEqual(basesOf(treeOf({ 'c/data.bin': [named(3, 9000)] }), older), []);
});

test('a segment of a file that was cut is compared with the old ones at about its place', () => {
  const before = treeOf({ image: [named(1), named(2), named(3), named(4)] });
  const [bases] = basesOf(treeOf({ image: [named(1), named(2), named(8), named(4)] }), before);
  assert.deepEqual(bases?.[0], named(3));
});
