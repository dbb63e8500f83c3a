import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesPathPattern } from './path-pattern.ts';

for (const [path, pattern, expected] of [
  ['README.md', '*.md', true],
  ['README.MD', '*.md', false],
  ['docs/README.md', '*.md', false],
  ['docs/README.md', '*/*.md', true],
  ['docs/README.md', '*', false],
  ['foo-1.tgz', 'foo-?.tgz', true],
  ['foo-12.tgz', 'foo-?.tgz', false],
  ['foo-😀.tgz', 'foo-?.tgz', true],
  ['foo/bar', 'foo?bar', false],
  ['', '*', true],
  ['a', '', false],
  ['.hidden', '*', true],
  ['a[1]', 'a[1]', true],
  ['a1', 'a[1]', false],
  ['{a,b}', '{a,b}', true],
  ['a', '{a,b}', false],
  ['abcabc', 'a*c*c', true],
  ['abcab', 'a*c*c', false],
  ['x/y/z', 'x/**/z', true],
  ['x/y/w/z', 'x/**/z', false],
] as const) {
  test(`${JSON.stringify(path)} ${expected ? 'fits' : 'does not fit'} ${JSON.stringify(pattern)}`, () => {
    assert.equal(matchesPathPattern(path, pattern), expected);
  });
}

test('agrees with a regular expression that says the same', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 12 });
  const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?'), maxLength: 12 });
  fc.assert(
    fc.property(letters, patterns, (path, pattern) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);
      assert.equal(matchesPathPattern(path, pattern), expression.test(path));
    }),
    { numRuns: 1000 },
  );
});

test('many stars cost no more than the product of the lengths', () => {
  assert.equal(matchesPathPattern('a'.repeat(5000), `${'*a'.repeat(500)}b`), false);
});
