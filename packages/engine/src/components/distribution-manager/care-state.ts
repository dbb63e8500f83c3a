import type { Digest, EpochMs } from '@sallyport/core/shared/ids';
import type { SiteDatabase } from '../../ports/site-database.ts';

/** How far looking after the content library has come: the setting `library-care`. */
export interface CareState {
  readonly collectedAt: EpochMs;
  /** How many packages were installed here when it was tidied last. */
  readonly installs: number;
  readonly scrubbedAt: EpochMs;
  /** A scrub under way. */
  readonly scrub?: {
    readonly after?: Digest;
    readonly checked: number;
    readonly checkedBytes: number;
    readonly lost: number;
  };
  /** What the disk has damaged and has not been fetched again yet. */
  readonly lost?: Loss;
  /** What came of the last scrub, for people. */
  readonly said: string;
}

/** Blobs that the disk has damaged: noted before they are removed. */
export interface Loss {
  readonly digests: readonly Digest[];
  /** A document that says what has to stay is among them: nothing may be collected before it is back. */
  readonly holdsBack: boolean;
  /** Tries in a row that left something out. */
  readonly failures: number;
  readonly nextAt: EpochMs;
  /** For people. */
  readonly reason: string;
}

const careSetting = 'library-care';

/** Undefined before the first time. */
export function readCare(database: SiteDatabase): CareState | undefined {
  return database.read(({ settings }) => settings.get(careSetting)) as CareState | undefined;
}

export function writeCare(database: SiteDatabase, state: CareState): void {
  database.write(({ settings }) => settings.put(careSetting, state));
}
