import assert from 'node:assert/strict';
import { test } from 'node:test';
import { positiveNumber, siteCodeArgument, siteCodesArgument, warningsArgument } from './arguments.ts';

const refused = { code: 'commander.invalidArgument' };

test('takes numbers above 0 up to the limit, and no others', () => {
  assert.equal(positiveNumber(24)('1.5'), 1.5);
  for (const text of ['abc', '0', '-1', '25', '', ' ', 'NaN', 'Infinity']) {
    assert.throws(() => positiveNumber(24)(text), refused, text);
  }
});

test('takes site codes, one or several', () => {
  assert.equal(siteCodeArgument('PR1'), 'PR1');
  assert.deepEqual(siteCodesArgument('PR2', siteCodesArgument('PR1')), ['PR1', 'PR2']);
  assert.throws(() => siteCodeArgument('pr1'), refused);
});

test('takes warnings by site and prerequisite', () => {
  assert.deepEqual(warningsArgument('PR1:free-disk'), [{ site: 'PR1', prerequisite: 'free-disk' }]);
  for (const text of ['PR1', 'PR1:', ':free-disk', 'x:free-disk']) {
    assert.throws(() => warningsArgument(text), refused, text);
  }
});
