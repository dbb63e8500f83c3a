import type { Machine } from '@sallyport/engine/ports/machine';

/** The machine of every site: it is always the same, so that a seed's run depends on nothing but the seed. */
export const sameMachine: Machine = {
  describe: () => ({
    os: 'linux',
    arch: 'x64',
    release: '6.8.0',
    processors: 2,
    memoryBytes: 8 * 1024 ** 3,
    loadThousandths: 250,
    node: '24.0.0',
    sqlite: '3.50.0',
    privileged: false,
  }),
  performance: () => ({
    startedAt: 0,
    residentBytes: 128 * 1024 ** 2,
    heapBytes: 64 * 1024 ** 2,
    processorMs: 1000,
    loopDelayP50Us: 100,
    loopDelayP99Us: 2000,
    jobs: [],
  }),
};
