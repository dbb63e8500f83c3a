import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions, parseVersion, tryParseVersion, VersionError } from './version.ts';

test('orders versions part by part, not as text', () => {
  const ordered = [
    '5.8.3',
    '5.9.0-alpha',
    '5.9.0-alpha.1',
    '5.9.0-beta',
    '5.9.0-beta.2',
    '5.9.0-beta.11',
    '5.9.0',
    '5.9.2',
    '5.10.0',
  ];
  for (const [index, version] of ordered.entries()) {
    for (const [other, against] of ordered.entries()) {
      assert.equal(
        Math.sign(compareVersions(version, against)),
        Math.sign(index - other),
        `${version} ${against}`,
      );
    }
  }
});

test('takes a missing part as 0 and leading zeros as nothing', () => {
  assert.equal(compareVersions('5.9', '5.9.0.0'), 0);
  assert.equal(compareVersions('5.00.8692.1000', '5.0.8692.1000'), 0);
  assert.ok(compareVersions('5.00.8634.1000', '5.00.8692.1000') < 0);
});

test('ignores build metadata', () => {
  assert.equal(compareVersions('5.9.2+20250801', '5.9.2'), 0);
});

test('puts numeric pre-release parts below words', () => {
  assert.ok(compareVersions('1.0-1', '1.0-a') < 0);
  assert.ok(compareVersions('1.0-a', '1.0-1') > 0);
});

test('keeps numbers exact beyond 2^53', () => {
  assert.ok(compareVersions('1.9007199254740993', '1.9007199254740992') > 0);
});

test('refuses texts that are no versions, naming them and the remedy', () => {
  for (const text of [
    '',
    'v5',
    '5.',
    '.5',
    '5..1',
    '5.9.2 ',
    ' 5',
    '5.9-',
    '5.9-a..b',
    '-1',
    '1.x',
    '٣',
    '1'.repeat(101),
  ]) {
    assert.throws(
      () => parseVersion(text),
      (error) => error instanceof VersionError && error.code === 'INVALID_VERSION',
      text,
    );
    assert.equal(tryParseVersion(text), undefined);
  }
  assert.throws(() => parseVersion('next'), /"next" is not a version: write numbers with dots/);
});

const version = fc
  .tuple(
    fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }),
    fc.array(fc.oneof(fc.nat(12).map(String), fc.constantFrom('alpha', 'beta', 'rc')), { maxLength: 2 }),
  )
  .map(([numbers, pre]) => numbers.join('.') + (pre.length > 0 ? `-${pre.join('.')}` : ''));

test('orders totally: antisymmetric and transitive', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0);
      const [low, middle, high] = [a, b, c].toSorted(compareVersions) as [string, string, string];
      assert.ok(
        compareVersions(low, middle) <= 0 &&
          compareVersions(middle, high) <= 0 &&
          compareVersions(low, high) <= 0,
      );
    }),
  );
});
