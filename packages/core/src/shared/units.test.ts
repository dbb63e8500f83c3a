import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  days,
  formatBytes,
  formatDuration,
  gibibytes,
  hours,
  kibibytes,
  mebibytes,
  minutes,
  seconds,
} from './units.ts';

test('converts spans of time to milliseconds and sizes to bytes', () => {
  assert.deepEqual([seconds(1), minutes(1), hours(1), days(1)], [1000, 60_000, 3_600_000, 86_400_000]);
  assert.deepEqual([kibibytes(1), mebibytes(1), gibibytes(1)], [1024, 1_048_576, 1_073_741_824]);
});

test('prints sizes with three digits in decimal units', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [9996, '10.0 kB'],
    [99_960, '100 kB'],
    [228_345, '228 kB'],
    [999_499, '999 kB'],
    [999_600, '1.00 MB'],
    [4_384_000, '4.38 MB'],
    [15_000_000_000, '15.0 GB'],
    [-2_500, '-2.50 kB'],
  ];
  for (const [bytes, text] of cases) {
    assert.equal(formatBytes(bytes), text);
  }
});

test('prints spans of time in the two largest units', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 ms'],
    [350, '350 ms'],
    [999.7, '1.0 s'],
    [12_345, '12.3 s'],
    [59_949, '59.9 s'],
    [59_960, '1 min 00 s'],
    [245_000, '4 min 05 s'],
    [hours(3) + minutes(20), '3 h 20 min'],
    [days(2) + hours(4), '2 d 4 h'],
    [-5000, '-5.0 s'],
  ];
  for (const [span, text] of cases) {
    assert.equal(formatDuration(span), text);
  }
});
