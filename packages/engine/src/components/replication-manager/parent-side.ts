import type { JoinReply, JoinRequest } from '@sallyport/core/domain/sites/joining';
import { RecordError } from '@sallyport/core/domain/sites/record-error';
import { ancestorsOf, entryOf, entryOfKey } from '@sallyport/core/domain/sites/roster';
import { goesDown } from '@sallyport/core/domain/sites/record-flow';
import type { ReplicatedRecord, Roster } from '@sallyport/core/domain/sites/site';
import { UpdateError } from '@sallyport/core/domain/updates/update-error';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { Digests } from '../../ports/digests.ts';
import { LinkError } from '../../ports/link-error.ts';
import type { Log } from '../../ports/log.ts';
import type { LinkHello } from '../../ports/parent-link.ts';
import type { PeerHandler, PeerIdentity } from '../../ports/peer-handler.ts';
import type { ReadTables, SiteDatabase } from '../../ports/site-database.ts';
import type { HierarchyAuthority } from '../hierarchy-identity/hierarchy-authority.ts';
import { hierarchySettingName } from '../hierarchy-identity/hierarchy-setting.ts';
import type { HierarchyView } from '../hierarchy-identity/hierarchy-view.ts';
import type { JoinRelay } from '../hierarchy-identity/join-relay.ts';
import { type Concern, concerns } from '../work/concerns.ts';
import { admitFromChild, checkQuota, type ChildQuota } from './admission.ts';
import { haltForFork, haltOf, judgeHello, ownHello } from './handshake.ts';
import { linksSettingName } from './link-state.ts';
import { provenEpoch } from './old-copy.ts';
import { mayGoDown, readBatch } from './outgoing.ts';
import { checkRecord } from './receive.ts';

/** What says whether a child is served. */
const ofAdmission: Concern = { settings: [hierarchySettingName, linksSettingName] };

export interface ChildStatus {
  readonly site: SiteCode;
  /** Undefined when it has not called since this site server was started. */
  readonly lastSeenAt?: EpochMs;
  /** Changes of this site that the child has not taken yet. */
  readonly behind?: number;
  /** Why the link is refused or halted. */
  readonly problem?: string;
}

export interface ParentSideOptions {
  readonly site: SiteCode;
  readonly database: SiteDatabase;
  readonly view: HierarchyView;
  readonly join: JoinRelay;
  /** At the top-tier site. */
  readonly authority?: HierarchyAuthority;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly log: Log;
  readonly quota: ChildQuota;
  readonly tufVersions: () => Promise<Readonly<Record<string, number>>>;
  readonly onPeerTufVersions: (versions: Readonly<Record<string, number>>) => void;
}

interface Session {
  lastSeenAt: EpochMs;
  takenUpTo: number;
  problem?: string;
}

/** The links to a site's children, from the parent's side. */
export class ParentSide implements PeerHandler {
  readonly #options: ParentSideOptions;
  /** Children that have greeted since this process started, for a restored database must be noticed before records flow. */
  readonly #sessions = new Map<SiteCode, Session>();

  constructor(options: ParentSideOptions) {
    this.#options = options;
  }

  identify(key: string): PeerIdentity {
    return this.#identityIn(this.#options.view.current().roster, key);
  }

  #identityIn(roster: Roster, key: string): PeerIdentity {
    const { site: self } = this.#options;
    const entry = entryOfKey(roster, key);
    if (entry === undefined) {
      return refusal(
        'NOT_IN_ROSTER',
        `the key ${key.slice(0, 16)}… belongs to no site of this hierarchy (roster ${roster.version} at ${self}): join with a token from the top-tier site`,
      );
    }
    if (entry.revoked !== undefined) {
      return refusal(
        'REVOKED',
        `site ${entry.code} was revoked at ${entry.revoked.at} (${entry.revoked.reason}): take it out of service, or set it up anew under another site code`,
      );
    }
    return entry.parent === self
      ? { kind: 'child', site: entry.code }
      : refusal(
          'REFUSED',
          `the parent of site ${entry.code} is ${entry.parent ?? 'none'}, not ${self}: correct the parent's address`,
        );
  }

  async hello(child: SiteCode, hello: LinkHello): Promise<LinkHello> {
    const { site, database, view, clock, log } = this.#options;
    const tufVersions = await this.#options.tufVersions();
    const hierarchy = view.current();
    const { roster } = hierarchy;
    const now = clock.now();
    const proven = hello.proof && provenEpoch(hello.proof, site, hierarchy, view.tools);
    const refused = database.write((tables) =>
      judgeHello(tables, { site, roster, now, provenEpoch: proven }, child, hello),
    );
    const session: Session = { lastSeenAt: now, takenUpTo: hello.cursor };
    this.#sessions.set(child, session);
    if (refused !== undefined) {
      session.problem = refused.message;
      log.error('The link of child site {child} is refused: {reason}', {
        child,
        reason: refused.message,
        code: refused.code,
      });
      throw refused;
    }
    this.#options.authority?.raiseEpochs(new Map([[child, hello.epoch]]));
    this.#options.onPeerTufVersions(hello.tufVersions);
    return database.read((tables) => ownHello(tables, { site, roster, tufVersions }, child));
  }

  async pull(
    child: SiteCode,
    after: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly records: readonly ReplicatedRecord[]; readonly cursor: number }> {
    const { database, view, clock } = this.#options;
    this.#requireGreeting(child).takenUpTo = after;
    const deadline = clock.now() + waitMs;
    let cursor = after;
    for (;;) {
      const committed = Promise.withResolvers<void>();
      const { roster } = view.current();
      const ancestors = ancestorsOf(roster, this.#options.site).map(({ code }) => code);
      const stop = database.onCommit((change) => {
        if (mayGoDown(change, this.#options.site, ancestors) || concerns(change, ofAdmission))
          committed.resolve();
      });
      try {
        const batch = database.read((tables) => {
          this.#requireAdmitted(tables, roster, child);
          return readBatch(tables.records, cursor, (record) => goesDown(roster, child, record));
        });
        cursor = batch.cursor;
        const leftMs = deadline - clock.now();
        if (batch.records.length > 0 || (batch.complete && leftMs <= 0)) {
          return { records: batch.records, cursor };
        }
        if (batch.complete) {
          await firstOf(committed.promise, leftMs, clock, signal);
        }
      } finally {
        stop();
      }
      signal.throwIfAborted();
    }
  }

  push(child: SiteCode, values: readonly unknown[], cursor: number): void {
    const { database, view, digests, log, clock } = this.#options;
    const session = this.#requireGreeting(child);
    const { roster } = view.current();
    const halted = database.read((tables) => haltOf(tables, child));
    if (halted !== undefined) {
      throw halted;
    }
    try {
      const checked = values.map((value) => checkRecord(value, digests));
      const records = admitFromChild(roster, child, checked);
      database.write((tables) => {
        checkQuota(tables, roster, child, records, this.#options.quota);
        // Never backwards: a request that was given up may still arrive after the one that replaced it.
        tables.records.apply(child, records, Math.max(cursor, tables.records.cursor(child)));
      });
      session.lastSeenAt = clock.now();
      delete session.problem;
      this.#options.authority?.raiseEpochs(highestEpochs(records));
    } catch (error) {
      const refused = this.#refusalOf(child, error);
      session.problem = refused.message;
      log.error('Records of child site {child} are refused: {reason}', {
        child,
        reason: refused.message,
        code: refused.code,
      });
      throw refused;
    }
  }

  join(request: JoinRequest, clientKey: string): JoinReply {
    return this.#options.join.answer(request, clientKey);
  }

  /** Every child of the roster that is not revoked. */
  children(): readonly ChildStatus[] {
    const { site, database, view } = this.#options;
    const head = database.read(({ records }) => records.head());
    return view
      .current()
      .roster.sites.filter((entry) => entry.parent === site && entry.revoked === undefined)
      .map(({ code }) => {
        const session = this.#sessions.get(code);
        return {
          site: code,
          ...(session === undefined
            ? {}
            : { lastSeenAt: session.lastSeenAt, behind: Math.max(0, head - session.takenUpTo) }),
          ...(session?.problem === undefined ? {} : { problem: session.problem }),
        };
      });
  }

  #requireGreeting(child: SiteCode): Session {
    const session = this.#sessions.get(child);
    if (session === undefined) {
      throw new LinkError(
        'STALLED',
        `site ${this.#options.site} has been started since site ${child} greeted it: greet again`,
        { child },
      );
    }
    session.lastSeenAt = this.#options.clock.now();
    return session;
  }

  /** While a child waits for records it may be revoked, or its link halted. */
  #requireAdmitted(tables: ReadTables, roster: Roster, child: SiteCode): void {
    const identity = this.#identityIn(roster, entryOf(roster, child)?.key ?? '');
    if (identity.kind === 'refused') {
      throw new LinkError(identity.code, identity.message, { child });
    }
    const halted = haltOf(tables, child);
    if (halted !== undefined) {
      throw halted;
    }
  }

  #refusalOf(child: SiteCode, error: unknown): LinkError {
    const { database, clock } = this.#options;
    if (error instanceof LinkError) {
      return error;
    }
    if (error instanceof RecordError && error.code === 'FORK') {
      return database.write((tables) => haltForFork(tables, child, error.message, clock.now()));
    }
    if (error instanceof RecordError || error instanceof UpdateError) {
      return new LinkError('REFUSED', error.message, { child, cause: error.code }, { cause: error });
    }
    throw error;
  }
}

function refusal(code: 'NOT_IN_ROSTER' | 'REVOKED' | 'REFUSED', message: string): PeerIdentity {
  return { kind: 'refused', code, message };
}

function highestEpochs(records: readonly ReplicatedRecord[]): ReadonlyMap<SiteCode, number> {
  const epochs = new Map<SiteCode, number>();
  for (const { owner, epoch } of records) {
    epochs.set(owner, Math.max(epoch, epochs.get(owner) ?? 0));
  }
  return epochs;
}

/** Until something is committed, the time is over, or the signal ends the wait. */
async function firstOf(
  committed: Promise<void>,
  waitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const woken = new AbortController();
  void committed.then(() => woken.abort());
  try {
    await clock.sleep(waitMs, AbortSignal.any([signal, woken.signal]));
  } catch (error) {
    if (!woken.signal.aborted) {
      throw error;
    }
  }
}
