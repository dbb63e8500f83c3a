import type { UpdateEventName, UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { HookLedger } from '@sallyport/core/domain/updates/install-steps';
import type { HealthCheck, Hook } from '@sallyport/core/domain/updates/package';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import type { PackageGuid, ProductId, SiteCode } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { CurrentRelease } from '../../ports/releases.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';

/**
 * What the installer has to know of the install under way, beside the events: kept in the setting `installer`, in the
 * same transactions. `forward` goes on with the steps, `back` takes everything back, `committed` only tidies up.
 */
export interface InstallJournal {
  readonly schema: 1;
  readonly guid: PackageGuid;
  readonly attempt: number;
  readonly product: ProductId;
  readonly version: string;
  /** Of the new release. */
  readonly folder: string;
  readonly treeSha256: string;
  /** What was in force when the install began, and is again after a roll-back. */
  readonly previous: CurrentRelease;
  /** What the package's descriptor says, kept here so that a way back never depends on anything else. */
  readonly hooks: readonly Hook[];
  readonly healthCheck?: HealthCheck;
  /** Of the release before. */
  readonly previousHealthCheck?: HealthCheck;
  readonly phase: 'back' | 'committed' | 'forward';
  readonly ledger: HookLedger;
  /** On the way back: hooks whose undo failed. */
  readonly undoFailed: readonly string[];
  /** On the way back: the pointer named the new release. */
  readonly switched: boolean;
  /** On the way back: why; absent when the install was cancelled, which is its own event. */
  readonly failure?: InstallFailure;
}

export interface InstallFailure {
  readonly code: string;
  readonly step: string;
  readonly reason: string;
  readonly output?: string;
}

/** One event to append. */
export interface NewEvent {
  readonly event: UpdateEventName;
  readonly data?: Readonly<Record<string, unknown>>;
}

const journalName = 'installer';

/** The installer's way to the database: events of this site and its journal, always together. */
export class InstallRecords {
  readonly #database: SiteDatabase;
  readonly #clock: Clock;
  readonly #site: SiteCode;

  constructor(database: SiteDatabase, clock: Clock, site: SiteCode) {
    this.#database = database;
    this.#clock = clock;
    this.#site = site;
  }

  projection(guid: PackageGuid): UpdateProjection | undefined {
    return this.#database.read((tables) => tables.updates.projection(guid, this.#site));
  }

  /** What this site has to do with other packages. */
  others(guid: PackageGuid): readonly UpdateProjection[] {
    const all = this.#database.read((tables) => tables.updates.projections({ site: this.#site }));
    return all.filter((projection) => projection.guid !== guid);
  }

  /** The install under way, if there is one. */
  journal(): InstallJournal | undefined {
    const value = this.#database.read((tables) => tables.settings.get(journalName));
    if (value === undefined) return undefined;
    const journal = value as InstallJournal;
    if (journal.schema === 1) return journal;
    throw new Error(
      'the setting "installer" was written by a newer version: run that one until the install has ended',
    );
  }

  /**
   * Appends events, all or none, if nothing has happened since `seen`, and with them replaces the journal (`null`
   * removes it). Answers the new projection, or undefined when somebody was faster: then nothing is written.
   */
  append(
    seen: UpdateProjection,
    events: NewEvent | readonly NewEvent[],
    journal?: InstallJournal | null,
  ): UpdateProjection | undefined {
    const { guid } = seen;
    const site = this.#site;
    const at = this.#clock.now();
    return this.#database.write((tables) => {
      let projection = tables.updates.projection(guid, site);
      if (projection?.sequence !== seen.sequence) return undefined;
      for (const { event, data = {} } of [events].flat()) {
        projection = tables.updates.append(nextEvent(projection, { guid, site, event, at, data }));
      }
      if (journal === null) tables.settings.remove(journalName);
      else if (journal !== undefined) tables.settings.put(journalName, journal);
      return projection;
    });
  }

  /** Replaces the journal, or removes it, whatever has happened meanwhile. */
  keep(journal: InstallJournal | null): void {
    this.#database.write((tables) => {
      if (journal === null) tables.settings.remove(journalName);
      else tables.settings.put(journalName, journal);
    });
  }

  /** Replaces the journal if nothing has happened since `seen`; answers whether that was so. */
  keepIf(seen: UpdateProjection, journal: InstallJournal): boolean {
    return this.#database.write((tables) => {
      if (tables.updates.projection(seen.guid, this.#site)?.sequence !== seen.sequence) return false;
      tables.settings.put(journalName, journal);
      return true;
    });
  }

  /**
   * A signal that is aborted when something else happens to the package (a cancel, a newer order), and when `outer`
   * is: whoever works for the state that was seen need not go on. Call `stop` when the work has ended.
   */
  watch(seen: UpdateProjection, outer: AbortSignal): OvertakenWatch {
    const overtaken = new AbortController();
    const stop = this.#database.onCommit(({ updates }) => {
      if (updates.has(this.#site) && this.#isOvertaken(seen)) overtaken.abort(new Overtaken());
    });
    return {
      signal: AbortSignal.any([outer, overtaken.signal]),
      overtaken: () => overtaken.signal.aborted,
      stop,
    };
  }

  #isOvertaken(seen: UpdateProjection): boolean {
    try {
      return this.projection(seen.guid)?.sequence !== seen.sequence;
    } catch {
      // A database that cannot be read: whoever works finds out at its next write, and nobody else hears of it here.
      return false;
    }
  }
}

export interface OvertakenWatch {
  readonly signal: AbortSignal;
  readonly overtaken: () => boolean;
  readonly stop: () => void;
}

/** Something else has happened to the package: what is under way for the old state has no say any more. */
export class Overtaken extends Error {}
