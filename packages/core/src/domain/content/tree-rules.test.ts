import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest } from '../../shared/ids.ts';
import type { Tree, TreeFile } from './tree.ts';
import { pathCollisions, pathProblem, treeProblems } from './tree-rules.ts';

const one = digest('1'.repeat(64));
const two = digest('2'.repeat(64));
const file = (path: string, over: Partial<TreeFile> = {}): TreeFile => ({
  path,
  mode: 0o644,
  sizeBytes: 5,
  sha256: one,
  segments: [{ sha256: one, sizeBytes: 5 }],
  ...over,
});
const tree = (...files: TreeFile[]): Tree => ({ schema: 1, files });

test('accepts plain relative paths', () => {
  for (const path of ['a', 'lib/tsc.js', '.hidden', 'a..b/c', 'ünï/код', 'x y', '...', '😀']) {
    assert.equal(pathProblem(path), undefined, path);
  }
});

test('refuses paths that leave the folder or cannot lie in one', () => {
  const hostile = [
    '',
    '/etc/passwd',
    '..',
    '../x',
    'a/../../x',
    'a/./b',
    './a',
    'a//b',
    'a/',
    'C:/x',
    'c:x',
    'a\\b',
    '..\\x',
    'a\0b',
    'a\nb',
    '\u007F',
    '\uD800',
    'x'.repeat(256),
    'é'.repeat(128),
    Array.from({ length: 600 }, () => 'x').join('/'),
  ];
  for (const path of hostile) {
    assert.notEqual(pathProblem(path), undefined, JSON.stringify(path));
  }
});

test('finds paths that one file system or another cannot hold side by side', () => {
  const colliding = (...paths: string[]): readonly string[] =>
    pathCollisions(paths).map((problem) => problem.path);
  assert.deepEqual(colliding('a', 'b', 'c/a', 'c/b'), []);
  assert.deepEqual(colliding('README', 'readme'), ['readme']);
  assert.deepEqual(colliding('Lib/a', 'lib/b'), ['lib/b']);
  assert.deepEqual(colliding('caf\u00e9', 'cafe\u0301'), ['cafe\u0301']);
  assert.deepEqual(colliding('a', 'a'), ['a']);
  assert.deepEqual(colliding('a', 'a/b'), ['a/b']);
  assert.deepEqual(colliding('a/b', 'a'), ['a']);
});

test('a tree in order has no problems', () => {
  const empty = file('z', { sizeBytes: 0, segments: [] });
  const cut = file('c', {
    sizeBytes: 9,
    segments: [
      { sha256: one, sizeBytes: 5 },
      { sha256: two, sizeBytes: 4 },
    ],
  });
  assert.deepEqual(treeProblems(tree(file('a'), file('b/x'), cut, empty)), []);
});

test('reports every problem of a tree at once', () => {
  const broken = tree(
    file('b'),
    file('a'),
    file('c', { sizeBytes: 6 }),
    file('d', { sha256: two }),
    file('e', {
      segments: [
        { sha256: one, sizeBytes: 0 },
        { sha256: one, sizeBytes: 5 },
      ],
    }),
    file('f/../g'),
    file('A'),
  );
  assert.deepEqual(
    treeProblems(broken).map(({ path, problem }) => `${path}: ${problem}`),
    [
      'a: comes after "b"',
      'c: is 6 bytes but its segments are 5',
      'd: has another digest than its only segment',
      'e: has a segment of 0 bytes; 1 to 33554432 are allowed',
      'f/../g: has a part ".."',
      'A: comes after "f/../g"',
      'A: differs from "a" only in upper and lower case or in Unicode composition',
    ],
  );
});
