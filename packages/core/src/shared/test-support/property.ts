import process from 'node:process';

/**
 * How long a property test tries: `usual` runs, or as many as SALLYPORT_PROPERTY_RUNS says, from the seed of
 * SALLYPORT_PROPERTY_SEED when there is one. fast-check prints the seed and the shortest history that fails.
 */
export function propertyRuns(usual: number): { readonly numRuns: number; readonly seed?: number } {
  const { SALLYPORT_PROPERTY_RUNS: runs, SALLYPORT_PROPERTY_SEED: seed } = process.env;
  return {
    numRuns: runs === undefined ? usual : Number(runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}

/** How long a property test may take: with as many runs as somebody asked for, as long as it takes. */
export const propertyTimeoutMs = process.env['SALLYPORT_PROPERTY_RUNS'] === undefined ? 300_000 : Infinity;
