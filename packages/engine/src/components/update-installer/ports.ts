import type { Tree } from '@sallyport/core/domain/content/tree';
import type { SiteType } from '@sallyport/core/domain/sites/site';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { DatabaseBackups } from '../../ports/backups.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Processes } from '../../ports/process.ts';
import type { Random } from '../../ports/random.ts';
import type { Releases } from '../../ports/releases.ts';
import type { ScratchFolders } from '../../ports/scratch.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';

/** What this site knows of packages: only what its own trusted catalogue vouches for. */
export interface PackageCatalogue {
  /** Undefined for a package that the trusted catalogue does not name or whose descriptor is not held. */
  descriptor(guid: PackageGuid): Promise<PackageDescriptor | undefined>;
  /** The package's tree, read from the content library and verified. @throws {ContentError} NOT_HELD, HASH_MISMATCH */
  tree(descriptor: PackageDescriptor): Promise<Tree>;
}

/** Whether an install may go on: closed for a package that was withdrawn or whose roll-out was stopped. */
export interface PackageGate {
  /** May ask others; answers from what is known here when it cannot, or when the signal is aborted. */
  gate(guid: PackageGuid, signal: AbortSignal): Promise<GateAnswer>;
}

export type GateAnswer =
  | { readonly go: true }
  | {
      readonly go: false;
      readonly reason: string;
      /** What decides cannot be read here at present: nothing begins, nothing is given up, and it is asked again. */
      readonly undecided?: true;
    };

/** Everything that the update installer needs of the world. */
export interface UpdateInstallerPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** `CMUpdate.log`. */
  readonly log: Log;
  readonly database: SiteDatabase;
  readonly releases: Releases;
  readonly processes: Processes;
  readonly scratch: ScratchFolders;
  readonly backups: Pick<DatabaseBackups, 'make'>;
  readonly catalogue: PackageCatalogue;
  readonly gate: PackageGate;
  /** This site's service windows now; an empty list means that it has none. Read anew at each decision. */
  readonly windows: () => readonly ServiceWindow[];
}

export interface UpdateInstallerConfig {
  readonly site: {
    readonly code: SiteCode;
    readonly type: SiteType;
    /** Absent at the top-tier site only. */
    readonly parent?: SiteCode;
  };
  readonly platform: SitePlatform;
  /** How much of each program's output is kept. Default 64 KiB. */
  readonly outputMaxBytes?: number;
}

/** What `{node}` and the facts `platform.*` stand for. */
export interface SitePlatform {
  /** Path of the runtime that hooks get as `{node}`. */
  readonly node: string;
  /** Its version, `24.15.0`. */
  readonly nodeVersion: string;
  /** As `process.platform` and `process.arch` say. */
  readonly os: string;
  readonly arch: string;
}
