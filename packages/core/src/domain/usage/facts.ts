import type { EpochMs, PackageGuid, ProductId, SiteCode } from '../../shared/ids.ts';
import type { SiteFacts } from '../exchange/exchange.ts';
import type { RecordKind, Roster, SiteType } from '../sites/site.ts';
import type { UpdateEvent, UpdateProjection } from '../updates/event.ts';
import type { Impact, PackageKind } from '../updates/package.ts';
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
    /** The numbers that it begins with: what follows may be somebody's own words. */
    readonly release: string;
    readonly arch: string;
    readonly processors: number;
    readonly memoryBytes: number;
    /** What waits for a processor, in thousandths, over the last minute; absent where the platform does not say. */
    readonly loadThousandths?: number;
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
    /** Small documents of the site's own database. */
    readonly settings: { readonly count: number; readonly bytes: number };
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
      readonly withdrawn: boolean;
      /** Absent while the package's descriptor is not here. */
      readonly releasedAt?: EpochMs;
      /** What it changes: `site-server`, `console`, `client`. */
      readonly impact: readonly Impact[];
    }
  >;
  /** This site's own packages. */
  readonly projections: readonly UpdateProjection[];
  /** This site's own events of the last `eventDays` days, oldest first; of very many the newest. */
  readonly events: readonly UpdateEvent[];
  /** What the last selection found, at the top-tier site. */
  readonly verdicts: readonly {
    readonly product: ProductId;
    readonly verdict: string;
    readonly reasons: readonly string[];
  }[];
  readonly orders: {
    /** All that this site knows of. */
    readonly issued: readonly {
      readonly action: string;
      readonly addressed: 'primaries' | 'named';
      /** Warnings that somebody consented to. */
      readonly consents: number;
      readonly licence: boolean;
      readonly features: readonly string[];
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
    /** Exchanges in a row in which a channel failed. */
    readonly failures: number;
    /** How long the last one took that has ended. */
    readonly lastMs?: number;
  };
  readonly components: readonly {
    readonly name: string;
    readonly state: string;
    readonly since: EpochMs;
    readonly failed: boolean;
  }[];
  /** What every site known here said last of its components. */
  readonly componentsOfSites: readonly {
    readonly site: SiteCode;
    readonly component: string;
    readonly state: string;
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
    /** Why nothing is taken over it, as a code. */
    readonly halt?: string;
    readonly problem: boolean;
    /** The highest one that the peer has been seen in. */
    readonly peerEpoch: number;
  }[];
  readonly records: readonly {
    readonly kind: RecordKind;
    readonly own: boolean;
    readonly count: number;
    readonly bytes: number;
    readonly largestBytes: number;
  }[];
  /** The highest number that a record's arrival or change has been given here. */
  readonly changes: number;
  readonly database: {
    readonly fileBytes: number;
    readonly walBytes: number;
    readonly freeBytes: number;
    readonly schemaStep: number;
    readonly tables: readonly { readonly table: string; readonly rows: number }[];
  };
  readonly library: {
    /** By size: all that are as large as `fromBytes` and smaller than the next class. */
    readonly classes: readonly {
      readonly fromBytes: number;
      readonly blobs: number;
      readonly bytes: number;
    }[];
    /** False when there were too many to count all of them. */
    readonly complete: boolean;
    readonly diskFreeBytes: number;
  };
  /** How looking after the library has come on; absent before the first time. */
  readonly care?: {
    readonly collectedAt: EpochMs;
    readonly scrubbedAt: EpochMs;
    /** What a scrub under way has read and found to be damaged so far. */
    readonly scrub?: { readonly checked: number; readonly checkedBytes: number; readonly lost: number };
    /** Damaged, and not fetched again yet. */
    readonly lost: number;
    /** Tries in a row to fetch it that left something out. */
    readonly failures: number;
  };
  readonly releases: readonly { readonly product: ProductId; readonly folders: number }[];
  /** Copies of the database that are kept, oldest first. */
  readonly backups: readonly { readonly at: EpochMs; readonly bytes: number }[];
  /** What this site's collecting came to before; absent at the first time. */
  readonly collection?: {
    readonly at: EpochMs;
    readonly ms: number;
    /** Data items that could not be made. */
    readonly failedItems: number;
    /** Since the site was set up. */
    readonly count: number;
  };
  /** What was asked of this site server since it was started, by operation. */
  readonly requests: readonly {
    readonly operation: string;
    readonly count: number;
    /** How often it was refused, by code. */
    readonly refused: Readonly<Record<string, number>>;
  }[];
  readonly process: {
    readonly startedAt: EpochMs;
    readonly residentBytes: number;
    readonly heapBytes: number;
    readonly processorMs: number;
    readonly loopDelayP50Us: number;
    readonly loopDelayP99Us: number;
    /** Heavy work off the main thread, by its kind. */
    readonly jobs: readonly {
      readonly job: string;
      readonly count: number;
      readonly failed: number;
      readonly ms: number;
    }[];
  };
}

/** How far back events are looked at: a quarter. */
export const eventDays = 92;
