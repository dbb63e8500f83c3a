import type { SiteCode } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { Component, ComponentStatus } from '../../ports/component.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { ParentLink } from '../../ports/parent-link.ts';
import type { PeerHandler } from '../../ports/peer-handler.ts';
import type { Random } from '../../ports/random.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { HierarchyAuthority } from '../hierarchy-identity/hierarchy-authority.ts';
import type { HierarchyView } from '../hierarchy-identity/hierarchy-view.ts';
import type { JoinDesk } from '../hierarchy-identity/join-desk.ts';
import { JoinRelay } from '../hierarchy-identity/join-relay.ts';
import { concerns } from '../work/concerns.ts';
import { WorkLoop } from '../work/work-loop.ts';
import { ChildSide, type LinkTimes } from './child-side.ts';
import type { ChildQuota } from './admission.ts';
import { type ChildStatus, ParentSide } from './parent-side.ts';

/** A site with 250 secondaries and years of history stays far below this. */
const defaultChildQuota: ChildQuota = { recordsMax: 500_000, sizeMaxBytes: 1024 * 1024 * 1024 };

export interface ReplicationManagerOptions {
  readonly site: SiteCode;
  readonly database: SiteDatabase;
  readonly view: HierarchyView;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The way to the parent. Absent at the top-tier site. */
  readonly parent?: { readonly site: SiteCode; readonly link: ParentLink };
  /** At the top-tier site: who signs rosters, and who decides about new sites. */
  readonly topTier?: { readonly authority: HierarchyAuthority; readonly desk: JoinDesk };
  readonly quota?: ChildQuota;
  /** How the link to the parent is kept; the child's own when not given. */
  readonly times?: LinkTimes;
  /** Versions of the vendor's metadata that this site trusts, by role. */
  readonly tufVersions?: () => Promise<Readonly<Record<string, number>>>;
  /** What a peer trusts: higher versions than this site's mean that there is something to fetch. */
  readonly onPeerTufVersions?: (versions: Readonly<Record<string, number>>) => void;
}

/**
 * `SMS_REPLICATION_MANAGER`: records between this site, its parent and its children, and at the top-tier site the
 * answers to sites that want to join. `children` is what the link server asks; it answers while the component runs
 * or not, from the database.
 */
export class ReplicationManager implements Component {
  readonly name = 'SMS_REPLICATION_MANAGER';
  readonly children: PeerHandler;
  readonly #options: ReplicationManagerOptions;
  readonly #parentSide: ParentSide;
  readonly #childSide: ChildSide | undefined;
  readonly #joins: WorkLoop;
  #running:
    | { readonly lifetime: AbortController; readonly link: Promise<void>; readonly stopListening: () => void }
    | undefined;

  constructor(options: ReplicationManagerOptions) {
    this.#options = options;
    const { site, database, view, digests, clock, random, log } = options;
    const tufVersions = options.tufVersions ?? (() => Promise.resolve({}));
    const onPeerTufVersions = options.onPeerTufVersions ?? (() => undefined);
    const shared = { site, database, view, digests, clock, log, tufVersions, onPeerTufVersions };
    const join = new JoinRelay({
      site,
      database,
      view,
      digests,
      clock,
      ...(options.topTier === undefined ? {} : { desk: options.topTier.desk }),
    });
    this.#parentSide = new ParentSide({
      ...shared,
      join,
      quota: options.quota ?? defaultChildQuota,
      ...(options.topTier === undefined ? {} : { authority: options.topTier.authority }),
    });
    this.children = this.#parentSide;
    this.#childSide =
      options.parent &&
      new ChildSide({
        ...shared,
        random,
        parent: options.parent.site,
        link: options.parent.link,
        ...(options.times === undefined ? {} : { times: options.times }),
      });
    this.#joins = new WorkLoop({
      clock,
      random,
      log,
      pass: () => {
        join.answerRelayed();
        return Promise.resolve({ state: 'running', reason: 'serves the links of child sites' });
      },
    });
  }

  start(): Promise<void> {
    if (this.#running === undefined) {
      const lifetime = new AbortController();
      this.#options.topTier?.authority.publish();
      this.#joins.start();
      this.#running = {
        lifetime,
        link: this.#childSide?.run(lifetime.signal) ?? Promise.resolve(),
        stopListening: this.#options.database.onCommit((change) => {
          if (concerns(change, { records: ['join-request'] })) this.#joins.wake();
        }),
      };
    }
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) {
      return;
    }
    running.stopListening();
    running.lifetime.abort(new Error('the replication manager stops'));
    await Promise.all([running.link, this.#joins.stop()]);
    this.#running = undefined;
  }

  query(): ComponentStatus {
    return this.#childSide?.query() ?? this.#joins.query();
  }

  /** The links to this site's children. */
  childLinks(): readonly ChildStatus[] {
    return this.#parentSide.children();
  }
}
