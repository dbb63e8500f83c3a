/** The middle of some figures; of an even number of them the mean of the two in the middle. */
export function median(figures: readonly number[]): number {
  if (figures.length === 0) {
    throw new RangeError('there is no median of nothing');
  }
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * How fast a cost grows with the size of a task: 1 is linear, 2 quadratic, 0 constant. The slope of the least-squares
 * line through the logarithms.
 *
 * @param points of at least two different sizes, all figures above 0
 */
export function growthExponent(points: readonly { readonly size: number; readonly cost: number }[]): number {
  const logs = points.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost) }));
  const mean = (pick: (log: { x: number; y: number }) => number): number =>
    logs.reduce((sum, log) => sum + pick(log), 0) / logs.length;
  const meanX = mean(({ x }) => x);
  const meanY = mean(({ y }) => y);
  const covariance = mean(({ x, y }) => (x - meanX) * (y - meanY));
  const variance = mean(({ x }) => (x - meanX) ** 2);
  if (!(variance > 0)) {
    throw new RangeError('growth takes tasks of at least two sizes');
  }
  return covariance / variance;
}

/** The median of the ratios of pairs that were measured one after the other: what disturbs both disturbs it little. */
export function medianRatio(pairs: readonly { readonly base: number; readonly ours: number }[]): number {
  return median(pairs.map(({ base, ours }) => base / ours));
}
