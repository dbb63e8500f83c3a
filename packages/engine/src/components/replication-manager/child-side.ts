import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { RecordError } from '@sallyport/core/domain/sites/record-error';
import { goesUp } from '@sallyport/core/domain/sites/record-flow';
import { ancestorsOf, entryOf } from '@sallyport/core/domain/sites/roster';
import { UpdateError } from '@sallyport/core/domain/updates/update-error';
import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { ComponentStatus } from '../../ports/component.ts';
import type { Digests } from '../../ports/digests.ts';
import { LinkError, type LinkErrorCode } from '../../ports/link-error.ts';
import type { Log } from '../../ports/log.ts';
import type { LinkHello, ParentLink } from '../../ports/parent-link.ts';
import type { Random } from '../../ports/random.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { writeHierarchy } from '../hierarchy-identity/hierarchy-setting.ts';
import type { HierarchyView } from '../hierarchy-identity/hierarchy-view.ts';
import { type BackOff, backOffMs } from '../work/back-off.ts';
import { unlessEnded } from '../work/unless-ended.ts';
import { haltForFork, judgeHello, ownHello } from './handshake.ts';
import { mayGoUp, readBatch } from './outgoing.ts';
import { checkRecord } from './receive.ts';
import { admitFromParent } from './take-down.ts';

/** How a child keeps its link to the parent. */
export interface LinkTimes {
  /** How long the parent may keep a question for records open. */
  readonly pullWaitMs: number;
  /** Epochs and vendor metadata are compared again this often. */
  readonly greetEveryMs: number;
  /** A parent that cannot be reached is tried again at least this often, so that its return is noticed. */
  readonly retryMaxMs: number;
}

const defaultTimes: LinkTimes = { pullWaitMs: 25_000, greetEveryMs: 60_000, retryMaxMs: 15_000 };

/** What passes by itself is tried again so soon, then less and less often. */
const retryFirstMs = 500;
/** Lasts until somebody acts: tried now and then, so that acting is enough. */
const lasting: BackOff = { firstMs: 5_000, maxMs: 120_000 };
const passingCodes: ReadonlySet<LinkErrorCode> = new Set<LinkErrorCode>(['UNREACHABLE', 'STALLED']);

export interface ChildSideOptions {
  readonly site: SiteCode;
  readonly parent: SiteCode;
  readonly link: ParentLink;
  readonly database: SiteDatabase;
  readonly view: HierarchyView;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly times?: LinkTimes;
  readonly tufVersions: () => Promise<Readonly<Record<string, number>>>;
  readonly onPeerTufVersions: (versions: Readonly<Record<string, number>>) => void;
}

/**
 * The link to the parent, from the child's side. It greets, then takes and gives records at the same time; any
 * failure ends both, and after a delay it begins with the greeting again. Both directions go on from cursors in the
 * databases, so nothing depends on what this process remembers.
 */
export class ChildSide {
  readonly #options: ChildSideOptions;
  readonly #times: LinkTimes;
  #status: ComponentStatus;
  #failures = 0;
  /** Settles with the greeting under way. */
  #greeting: Promise<unknown> | undefined;

  constructor(options: ChildSideOptions) {
    this.#options = options;
    this.#times = options.times ?? defaultTimes;
    this.#status = { state: 'stopped', reason: 'not started', since: options.clock.now() };
  }

  query(): ComponentStatus {
    return this.#status;
  }

  /** Keeps the link up until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { parent, log, clock } = this.#options;
    this.#failures = 0;
    while (!signal.aborted) {
      this.#report('starting', `greets the parent site ${parent}`);
      try {
        await this.#session(signal);
      } catch (error) {
        if (signal.aborted) {
          break;
        }
        const { nextAt, reason, code } = this.#failed(error);
        log.warn('The link to parent site {parent} is down ({code}): {reason}; next try at {nextAt}', {
          parent,
          code,
          reason,
          nextAt: new Date(nextAt).toISOString(),
        });
        await clock.sleep(Math.max(0, nextAt - clock.now()), signal).catch(() => undefined);
      }
    }
    this.#report('stopped', 'stopped');
  }

  async #session(signal: AbortSignal): Promise<never> {
    const { parent, log } = this.#options;
    const parentCursor = await this.#greet(signal);
    this.#report('running', `linked with the parent site ${parent}`);
    log.info('Linked with parent site {parent}', { parent });
    return untilOneFails(
      [
        (ended) => this.#pull(ended),
        (ended) => this.#push(parentCursor, ended),
        (ended) => this.#greetAgain(ended),
      ],
      signal,
    );
  }

  /**
   * Answers what the parent has taken from here. Nothing is given to it meanwhile: it would know of more than the
   * greeting says there is, and take this site for an old copy of itself.
   */
  async #greet(signal: AbortSignal): Promise<number> {
    const greeting = this.#exchangeGreetings(signal);
    this.#greeting = greeting;
    try {
      return await greeting;
    } finally {
      this.#greeting = undefined;
    }
  }

  async #exchangeGreetings(signal: AbortSignal): Promise<number> {
    const { site, parent, database, view, clock } = this.#options;
    const tufVersions = await this.#options.tufVersions();
    const { roster } = view.current();
    const own = database.read((tables) => ownHello(tables, { site, roster, tufVersions }, parent));
    const hello = await this.#hello(own, signal);
    const refused = database.write((tables) =>
      judgeHello(tables, { site, roster, now: clock.now(), sent: own }, parent, hello),
    );
    if (refused !== undefined) {
      throw refused;
    }
    this.#options.onPeerTufVersions(hello.tufVersions);
    return hello.peerEpoch < own.epoch ? 0 : hello.cursor;
  }

  /**
   * Nobody takes another site's word for having been restored: a parent that should know of a higher epoch of itself
   * is shown the signed roster that names it. Not before it asks, for rosters are large.
   */
  async #hello(own: LinkHello, signal: AbortSignal): Promise<LinkHello> {
    const { parent, link, view } = this.#options;
    try {
      return await link.hello(own, signal);
    } catch (error) {
      const { roster, documents } = view.current();
      const restored = (entryOf(roster, parent)?.epoch ?? 1) > 1;
      if (!(error instanceof LinkError && error.code === 'READ_ONLY' && restored)) throw error;
      const { operatingKey, roster: signed } = documents;
      return link.hello({ ...own, proof: { operatingKey, roster: signed } }, signal);
    }
  }

  async #greetAgain(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#options.clock.sleep(this.#times.greetEveryMs, signal);
      await this.#greet(signal);
    }
  }

  async #pull(signal: AbortSignal): Promise<never> {
    const { parent, link, database } = this.#options;
    for (;;) {
      const after = database.read(({ records }) => records.cursor(parent));
      const batch = await link.pull(after, this.#times.pullWaitMs, signal);
      if (batch.cursor !== after || batch.records.length > 0) {
        this.#take(batch.records, batch.cursor);
      }
      // Not as soon as it has greeted: where nothing can be stored, each try gets as far as that.
      this.#failures = 0;
    }
  }

  #take(values: readonly unknown[], cursor: number): void {
    const { site, parent, database, view, digests, log } = this.#options;
    const records = values.map((value) => checkRecord(value, digests));
    const admitted = admitFromParent(site, records, view.current(), view.tools);
    for (const reason of admitted.ignored) {
      log.warn('Left out a record of parent site {parent}: {reason}', { parent, reason });
    }
    const changed = database.write((tables) => {
      writeHierarchy(tables.settings, admitted.hierarchy.documents);
      return tables.records.apply(parent, admitted.records, cursor);
    });
    if (changed.length > 0) {
      log.debug('Took {count} records from parent site {parent}', { count: changed.length, parent });
    }
  }

  async #push(from: number, signal: AbortSignal): Promise<never> {
    const { site, link, database, view, log, parent } = this.#options;
    let cursor = from;
    for (;;) {
      // Its own caller deals with how it ends.
      while (this.#greeting !== undefined) await this.#greeting.catch(() => undefined);
      signal.throwIfAborted();
      const committed = Promise.withResolvers<void>();
      const { roster } = view.current();
      const ancestors = ancestorsOf(roster, site).map(({ code }) => code);
      const stop = database.onCommit((change) => {
        if (mayGoUp(change, ancestors)) committed.resolve();
      });
      try {
        const batch = database.read(({ records }) =>
          readBatch(records, cursor, (record) => goesUp(roster, site, record)),
        );
        if (batch.records.length > 0) {
          await link.push(batch.records, batch.cursor, signal);
          log.debug('Gave {count} records to parent site {parent}', { count: batch.records.length, parent });
        }
        cursor = batch.cursor;
        if (batch.complete && batch.records.length === 0) {
          await unlessEnded(committed.promise, signal);
        }
      } finally {
        stop();
      }
    }
  }

  #failed(thrown: unknown): { readonly nextAt: EpochMs; readonly reason: string; readonly code: string } {
    const { clock, random } = this.#options;
    const error = this.#haltedBy(thrown);
    this.#failures += 1;
    const passes = error instanceof LinkError && passingCodes.has(error.code);
    const passing: BackOff = { firstMs: retryFirstMs, maxMs: this.#times.retryMaxMs };
    const nextAt = clock.now() + backOffMs(passes ? passing : lasting, this.#failures, random.fraction());
    const reason = messageOf(error);
    this.#report(passes ? 'waiting' : 'failing', reason, { nextAt, lastError: reason });
    return { nextAt, reason, code: codeOf(error) };
  }

  /** A fork found here, or told of by the parent, is remembered: the next greeting tells the parent of it. */
  #haltedBy(error: unknown): unknown {
    const { database, parent, clock } = this.#options;
    const forked = (error instanceof RecordError || error instanceof LinkError) && error.code === 'FORK';
    if (!forked) return error;
    try {
      return database.write((tables) => haltForFork(tables, parent, error.message, clock.now()));
    } catch (unwritten) {
      // A full disk ends no server: the fork is found again at the next try, and remembered once there is room.
      return unwritten;
    }
  }

  #report(state: ComponentStatus['state'], reason: string, more: Partial<ComponentStatus> = {}): void {
    const same = this.#status.state === state && this.#status.reason === reason;
    this.#status = { state, reason, since: same ? this.#status.since : this.#options.clock.now(), ...more };
  }
}

function codeOf(error: unknown): string {
  return error instanceof LinkError ||
    error instanceof RecordError ||
    error instanceof HierarchyError ||
    error instanceof UpdateError
    ? error.code
    : 'UNEXPECTED';
}

/** Runs endless tasks side by side until one fails; ends the others, and rejects once all have ended. */
async function untilOneFails(
  tasks: readonly ((signal: AbortSignal) => Promise<never>)[],
  signal: AbortSignal,
): Promise<never> {
  const ending = new AbortController();
  const either = AbortSignal.any([signal, ending.signal]);
  await Promise.allSettled(
    tasks.map(async (task) => {
      try {
        await task(either);
      } catch (error) {
        ending.abort(error);
      }
    }),
  );
  throw signal.aborted ? signal.reason : ending.signal.reason;
}
