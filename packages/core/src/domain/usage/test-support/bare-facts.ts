import { productId, siteCode } from '../../../shared/ids.ts';
import type { UsageFacts } from '../facts.ts';

const cas = siteCode('CAS');

/** A site that has just been set up and on which nothing has happened. */
export const bareFacts: UsageFacts = {
  at: 1_000_000,
  site: {
    code: cas,
    type: 'central',
    topTier: true,
    epoch: 1,
    setUpAt: 0,
    sallyport: '0.1.0',
  },
  machine: {
    os: 'linux',
    release: '6.8.0',
    arch: 'x64',
    processors: 2,
    memoryBytes: 8 * 1024 ** 3,
    node: '24.0.0',
    sqlite: '3.50.4',
    privileged: false,
  },
  configuration: {
    level: 'enhanced',
    ring: 'general',
    exchange: 'vendor',
    checkIntervalMs: 86_400_000,
    products: [productId('engine')],
    serviceWindows: [],
    settings: { count: 0, bytes: 0 },
  },
  roster: {
    schema: 1,
    hierarchyId: 'a'.repeat(64) as UsageFacts['roster']['hierarchyId'],
    version: 1,
    sites: [{ code: cas, type: 'central', key: 'b'.repeat(64), epoch: 1 }],
  },
  sites: [],
  packages: new Map(),
  projections: [],
  events: [],
  verdicts: [],
  orders: { issued: [], refused: [], deferred: 0 },
  exchange: { channels: [], failures: 0 },
  components: [],
  componentsOfSites: [],
  logged: [],
  links: [],
  records: [],
  changes: 0,
  database: { fileBytes: 4096, walBytes: 0, freeBytes: 0, schemaStep: 3, tables: [] },
  library: { classes: [], complete: true, diskFreeBytes: 0 },
  releases: [],
  backups: [],
  requests: [],
  process: {
    startedAt: 0,
    residentBytes: 1,
    heapBytes: 1,
    processorMs: 1,
    loopDelayP50Us: 1,
    loopDelayP99Us: 1,
    jobs: [],
  },
};
