import type { EpochMs, PackageGuid, ProductId, SiteCode } from '../../shared/ids.ts';
import type { SiteFacts } from '../exchange/exchange.ts';
import type { RecordKind, Roster, SiteType } from '../sites/site.ts';
import type { UpdateEvent, UpdateProjection } from '../updates/event.ts';
import type { PackageKind } from '../updates/package.ts';
import type { UsageLevel } from './level.ts';

/**
 * Everything that data items are made from: what a site knows of itself at one moment. Storage, components and the
 * machine answer it; items only count and pick. Names are plain here: hashing is done where a report is fixed.
 */
export interface UsageFacts {
  readonly at: EpochMs;
  readonly site: {
    readonly code: SiteCode;
    readonly type: SiteType;
    readonly topTier: boolean;
    readonly epoch: number;
    /** When the site was set up. */
    readonly setUpAt: EpochMs;
    /** Version of Sallyport that runs. */
    readonly sallyport: string;
  };
  readonly machine: {
    readonly os: string;
    readonly release: string;
    readonly arch: string;
    readonly processors: number;
    readonly memoryBytes: number;
    readonly node: string;
    readonly sqlite: string;
    /** May change its user, so packages' programs run unprivileged. */
    readonly privileged: boolean;
  };
  readonly configuration: {
    readonly level: UsageLevel;
    readonly ring: string;
    readonly exchange: 'none' | 'vendor';
    readonly checkIntervalMs: number;
    readonly products: readonly ProductId[];
    readonly serviceWindows: readonly { readonly durationMinutes: number; readonly daysPerWeek: number }[];
  };
  readonly roster: Roster;
  /** What the sites known here say of themselves, this one's own included. */
  readonly sites: readonly SiteFacts[];
  /** What the trusted catalogue says of packages. */
  readonly packages: ReadonlyMap<
    PackageGuid,
    {
      readonly product: ProductId;
      readonly version: string;
      readonly kind: PackageKind;
      readonly releasedAt: EpochMs;
      readonly withdrawn: boolean;
    }
  >;
  /** This site's own packages. */
  readonly projections: readonly UpdateProjection[];
  /** This site's own events of the last `eventDays` days, oldest first. */
  readonly events: readonly UpdateEvent[];
  /** What the last selection found, at the top-tier site. */
  readonly verdicts: readonly {
    readonly product: ProductId;
    readonly verdict: string;
    readonly reasons: readonly string[];
  }[];
  readonly orders: {
    readonly issued: readonly {
      readonly action: string;
      readonly issuedAt: EpochMs;
      readonly consents: number;
    }[];
    readonly refused: readonly { readonly code: string; readonly at: EpochMs }[];
    readonly deferred: number;
  };
  readonly exchange: {
    readonly channels: readonly {
      readonly channel: string;
      readonly result: string;
      readonly code?: string;
      readonly okAt?: EpochMs;
    }[];
    readonly failures: number;
  };
  readonly components: readonly {
    readonly name: string;
    readonly state: string;
    readonly since: EpochMs;
    readonly failed: boolean;
  }[];
  /** Lines in the logs of this process, by component. */
  readonly logged: readonly {
    readonly component: string;
    readonly warnings: number;
    readonly errors: number;
  }[];
  readonly links: readonly {
    readonly peer: SiteCode;
    readonly direction: 'down' | 'up';
    readonly lastSeenAt?: EpochMs;
    /** Records that the peer has not taken yet. */
    readonly behind?: number;
    readonly halted: boolean;
    readonly problem: boolean;
    readonly peerEpoch: number;
  }[];
  readonly records: readonly { readonly kind: RecordKind; readonly count: number; readonly bytes: number }[];
  readonly database: {
    readonly fileBytes: number;
    readonly walBytes: number;
    readonly freeBytes: number;
    readonly schemaStep: number;
    readonly tables: readonly { readonly table: string; readonly rows: number }[];
  };
  readonly library: {
    readonly blobs: number;
    readonly bytes: number;
    readonly diskFreeBytes: number;
    readonly damagedSinceStart: number;
    readonly healedSinceStart: number;
    readonly collectedAt?: EpochMs;
    readonly scrubbedAt?: EpochMs;
  };
  readonly releases: readonly { readonly product: ProductId; readonly folders: number }[];
  readonly backups: readonly { readonly at: EpochMs; readonly bytes: number }[];
  /** What was asked of this site server since it was started, by operation. */
  readonly requests: readonly {
    readonly operation: string;
    readonly count: number;
    readonly refused: number;
  }[];
  readonly process: {
    readonly startedAt: EpochMs;
    readonly residentBytes: number;
    readonly heapBytes: number;
    readonly processorMs: number;
    readonly loopDelayP50Us: number;
    readonly loopDelayP99Us: number;
    readonly jobs: readonly { readonly job: string; readonly count: number; readonly ms: number }[];
  };
}

/** How far back events are looked at: a quarter. */
export const eventDays = 92;
