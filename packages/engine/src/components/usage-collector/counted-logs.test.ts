import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptLog } from '../work/test-support/fixed-ports.ts';
import { CountedLogs } from './counted-logs.ts';

test('counts warnings and errors of each component, and passes every line on', () => {
  const kept = new KeptLog();
  const logs = new CountedLogs({ of: () => kept });
  logs.of('B').info('all is well');
  logs.of('A').warn('something is {what}', { what: 'odd' });
  logs.of('A').error('broken');
  logs.of('A').error('broken again');
  logs.of('A').debug('a detail');
  assert.deepEqual(logs.counts(), [
    { component: 'A', warnings: 1, errors: 2 },
    { component: 'B', warnings: 0, errors: 0 },
  ]);
  assert.deepEqual(kept.lines, [
    'info all is well',
    'warn something is odd',
    'error broken',
    'error broken again',
  ]);
});
