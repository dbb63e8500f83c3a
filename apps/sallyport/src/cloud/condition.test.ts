import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionArgument } from './condition.ts';

test('reads conditions on reported facts', () => {
  assert.deepEqual(conditionArgument('product.version < 5.9.2', conditionArgument('platform.arch=arm64')), [
    { fact: 'platform.arch', is: 'arm64' },
    { fact: 'product.version', below: '5.9.2' },
  ]);
  assert.deepEqual(conditionArgument('sites.total>=3'), [{ fact: 'sites.total', atLeast: 3 }]);
  assert.deepEqual(conditionArgument('sites.sameVersion=false'), [{ fact: 'sites.sameVersion', is: false }]);
});

test('refuses what is no condition', () => {
  for (const text of ['', 'platform.arch', '=x', 'a=', 'sites.total=many', 'sites.sameVersion<true', '1<2'])
    assert.throws(() => conditionArgument(text), { code: 'commander.invalidArgument' }, text);
});
