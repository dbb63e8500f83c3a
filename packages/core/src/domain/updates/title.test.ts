import assert from 'node:assert/strict';
import { test } from 'node:test';
import { titleOf } from './title.ts';

test('a title names the version once', () => {
  assert.equal(titleOf('Tool', '2.0.0'), 'Tool 2.0.0');
  assert.equal(titleOf('Tool 2.0.0', '2.0.0'), 'Tool 2.0.0');
  assert.equal(titleOf('Tool', undefined), 'Tool');
});
