import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest } from '../shared/ids.ts';
import type { Encodings, Tree, TreeFile } from '../domain/content/tree.ts';
import { encodingsFormat, encodingsProblems } from './encodings.ts';
import { problemPaths, refusesAt, testDocument } from './test-support/hostile.ts';
import { treeFormat } from './tree.ts';

const a = digest('a'.repeat(64));
const b = digest('b'.repeat(64));

function file(path: string, change: Partial<TreeFile> = {}): TreeFile {
  return { path, mode: 0o644, sizeBytes: 3, sha256: a, segments: [{ sha256: a, sizeBytes: 3 }], ...change };
}

const tree: Tree = {
  schema: 1,
  files: [
    file('bin/tsc', { mode: 0o755 }),
    file('lib/a.js'),
    file('lib/empty', { sizeBytes: 0, sha256: b, segments: [] }),
  ],
};
testDocument(treeFormat, tree, ['schema', 'files']);

function paths(files: readonly TreeFile[]): readonly string[] {
  return problemPaths(treeFormat as never, { schema: 1, files });
}

test('refuses paths that leave the folder or mean another file elsewhere', () => {
  for (const path of [
    '../x',
    'a/../x',
    '/etc/passwd',
    'C:/x',
    'a\\b',
    './x',
    'a//b',
    'a/',
    '',
    'a\0b',
    'a\nb',
    `${'x/'.repeat(600)}x`,
  ]) {
    assert.deepEqual(paths([file(path)])[0], '/files/0', JSON.stringify(path));
  }
});

test('refuses names that collide, files that are folders, and another order', () => {
  assert.notDeepEqual(paths([file('A'), file('a')]), []);
  assert.notDeepEqual(paths([file('Lib/a'), file('lib/b')]), []);
  assert.notDeepEqual(paths([file('a'), file('a/b')]), []);
  assert.notDeepEqual(paths([file('b'), file('a')]), []);
  assert.notDeepEqual(paths([file('a'), file('a')]), []);
});

test('refuses sizes that do not add up and digests that contradict each other', () => {
  assert.deepEqual(paths([file('a', { sizeBytes: 4 })]), ['/files/0']);
  assert.deepEqual(paths([file('a', { sha256: b })]), ['/files/0']);
  assert.deepEqual(paths([file('a'), file('b', { sizeBytes: 4, segments: [{ sha256: a, sizeBytes: 4 }] })]), [
    '/files/1/segments/0/sizeBytes',
  ]);
  refusesAt(treeFormat as never, tree, ['files', 0, 'segments', 0, 'sizeBytes'], -3);
});

test('refuses modes and kinds of files that a tree does not have', () => {
  refusesAt(treeFormat as never, tree, ['files', 0, 'mode'], 0o4755);
  refusesAt(treeFormat as never, tree, ['files', 0, 'target'], '/etc');
});

const encodings: Encodings = {
  schema: 1,
  segments: [
    {
      segment: { sha256: a, sizeBytes: 3 },
      encodings: [
        {
          kind: 'zstd-patch',
          blob: { sha256: b, sizeBytes: 1 },
          base: { sha256: b, sizeBytes: 3 },
          windowLog: 27,
        },
        { kind: 'zstd', blob: { sha256: b, sizeBytes: 2 } },
      ],
    },
    { segment: { sha256: b, sizeBytes: 3 }, encodings: [] },
  ],
};
testDocument(encodingsFormat, encodings, ['schema', 'segments']);

test('refuses encodings that would cost the decoder too much', () => {
  for (const windowLog of [9, 28, 31, 255, -1]) {
    refusesAt(encodingsFormat as never, encodings, ['segments', 0, 'encodings', 0, 'windowLog'], windowLog);
  }
  refusesAt(
    encodingsFormat as never,
    encodings,
    ['segments', 0, 'encodings', 1, 'blob', 'sizeBytes'],
    2 ** 40,
  );
  refusesAt(encodingsFormat as never, encodings, ['segments', 0, 'segment', 'sizeBytes'], 2 ** 30);
});

test('refuses unknown kinds, patches against themselves, and another order', () => {
  refusesAt(encodingsFormat as never, encodings, ['segments', 0, 'encodings', 1, 'kind'], 'tar');
  refusesAt(
    encodingsFormat as never,
    encodings,
    ['segments', 0, 'encodings', 0, 'base', 'sha256'],
    a,
    '/segments/0/encodings/0/base',
  );
  refusesAt(
    encodingsFormat as never,
    encodings,
    ['segments', 1, 'segment', 'sha256'],
    a,
    '/segments/1/segment',
  );
  refusesAt(
    encodingsFormat as never,
    encodings,
    ['segments', 0, 'encodings', 0, 'blob', 'sizeBytes'],
    9,
    '/segments/0/encodings/1',
  );
});

test('finds encodings of segments that the tree does not have, or has in another size', () => {
  assert.deepEqual(
    encodingsProblems(encodings, tree).map(({ path, message }) => `${path} ${message}`),
    ['/segments/1/segment is no segment of the tree'],
  );
  const [first] = encodings.segments;
  assert.ok(first !== undefined);
  const resized: Encodings = { schema: 1, segments: [{ ...first, segment: { sha256: a, sizeBytes: 4 } }] };
  assert.deepEqual(
    encodingsProblems(resized, tree).map(({ message }) => message),
    ['has 3 bytes in the tree'],
  );
});

test('reads a tree of tens of thousands of files', () => {
  const files = Array.from({ length: 30_000 }, (_, index) =>
    file(`lib/${String(index).padStart(6, '0')}.js`),
  );
  const bytes = treeFormat.print({ schema: 1, files });
  assert.equal(treeFormat.parse(bytes).files.length, files.length);
});
