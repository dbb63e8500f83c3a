import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteRange } from './byte-range.ts';

test('reads single ranges as RFC 9110 says, and answers anything else with the whole', () => {
  const whole = { kind: 'whole', start: 0, end: 10 };
  const cases: readonly [string | undefined, unknown][] = [
    [undefined, whole],
    ['bytes=0-', { kind: 'part', start: 0, end: 10 }],
    ['bytes=3-', { kind: 'part', start: 3, end: 10 }],
    ['bytes=3-3', { kind: 'part', start: 3, end: 4 }],
    ['bytes=3-99', { kind: 'part', start: 3, end: 10 }],
    ['bytes=-4', { kind: 'part', start: 6, end: 10 }],
    ['bytes=-99', { kind: 'part', start: 0, end: 10 }],
    ['bytes=10-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=5-4', whole],
    ['bytes=-', whole],
    ['bytes=0-1,3-4', whole],
    ['items=0-1', whole],
    ['bytes=1-2-3', whole],
    ['bytes=99999999999999999999-', whole],
  ];
  for (const [header, expected] of cases) {
    assert.deepEqual(byteRange(header, 10), expected, header);
  }
  assert.deepEqual(byteRange('bytes=0-', 0), { kind: 'unsatisfiable' });
});
