import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthExponent, median, medianRatio } from './figures.ts';

test('the median is the middle one, or the mean of the two in the middle, in whatever order they come', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 9, 2]), 3);
  assert.equal(median([7]), 7);
  assert.throws(() => median([]), RangeError);
});

test('the growth exponent of a linear cost is 1, of a quadratic 2, of a constant 0', () => {
  const points = (cost: (size: number) => number) =>
    [100, 1000, 10_000].map((size) => ({ size, cost: cost(size) }));
  assert.ok(Math.abs(growthExponent(points((size) => 3 * size)) - 1) < 1e-9);
  assert.ok(Math.abs(growthExponent(points((size) => 0.5 * size * size)) - 2) < 1e-9);
  assert.ok(Math.abs(growthExponent(points(() => 42))) < 1e-9);
  assert.throws(() => growthExponent([{ size: 5, cost: 1 }]), RangeError);
});

test('one disturbed pair does not move the median of the ratios', () => {
  const pairs = [
    { base: 90, ours: 100 },
    { base: 95, ours: 100 },
    { base: 1, ours: 100 },
  ];
  assert.equal(medianRatio(pairs), 0.9);
});
