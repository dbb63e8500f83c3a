import { endsHalt, type LinkHalt } from '@sallyport/core/domain/sites/epoch';
import { compareVersions, recordId } from '@sallyport/core/domain/sites/record';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { readLink } from '@sallyport/engine/components/replication-manager/link-state';
import type { SimSite } from '../site/sim-site.ts';

/** What every side of a link that has stopped must name. */
const remedy = 'sallyport site restore';

/** What two machines know of one link's two histories. */
export interface ForkFinding {
  /** How the two contradict each other; undefined when they do not. */
  readonly contradiction: string | undefined;
  /** Sides that have not stopped, or do not say so. */
  readonly silent: readonly string[];
}

/** Judges the link of a child's machine and its parent's, both up and in reach of each other, by what their disks hold. */
export function judgeFork(parent: SimSite, child: SimSite): ForkFinding {
  const contradiction = contradictionOf(parent, child);
  if (contradiction === undefined) return { contradiction, silent: [] };
  const silent = [
    ...(says(child, parent.code, child.process?.parts.replicationManager.query().reason)
      ? []
      : [`${child.code} goes on`]),
    ...(says(parent, child.code, problemOf(parent, child.code)) ? [] : [`${parent.code} goes on`]),
  ];
  return { contradiction, silent };
}

function problemOf(parent: SimSite, child: SiteCode): string | undefined {
  return parent.process?.parts.replicationManager.childLinks().find(({ site }) => site === child)?.problem;
}

/** Whether a site has stopped a link, in its database or in its status, and names what to do. */
function says(site: SimSite, peer: SiteCode, status = ''): boolean {
  const halt = haltAt(site, peer);
  return (halt?.reason ?? status).includes(remedy);
}

/** The halt in force at a site, of its link to a peer. */
function haltAt(site: SimSite, peer: SiteCode): LinkHalt | undefined {
  return site.disk.read(({ records, settings }) => {
    const { halt, epoch } = readLink(settings, peer);
    return halt === undefined || endsHalt(halt, { own: records.epoch(), peer: epoch }) ? undefined : halt;
  });
}

/** How the histories of two sites contradict each other; the records themselves are asked, and no cursor is believed. */
function contradictionOf(parent: SimSite, child: SimSite): string | undefined {
  const [childEpoch, parentEpoch] = [epochOf(child), epochOf(parent)];
  const held = new Map(listOf(parent).map((record) => [recordId(record), record]));
  for (const below of listOf(child)) {
    const above = held.get(recordId(below));
    held.delete(recordId(below));
    if (above === undefined) continue;
    const order = compareVersions(above, below);
    if (order === 0 && above.hash !== below.hash) return `two versions ${nameOf(above)}`;
    // Nobody but its owner writes a record: who has a newer one has it from a history that the owner has lost. What
    // an owner lost in an epoch before its own, it was told to have lost.
    if (order > 0 && below.owner === child.code && above.epoch >= childEpoch) {
      return `${child.code} has lost ${nameOf(above)}`;
    }
    if (order < 0 && below.owner === parent.code && below.epoch >= parentEpoch) {
      return `${parent.code} has lost ${nameOf(below)}`;
    }
  }
  const lost = [...held.values()].find(({ owner, epoch }) => owner === child.code && epoch >= childEpoch);
  return lost && `${child.code} has lost ${nameOf(lost)}`;
}

function epochOf(site: SimSite): number {
  return site.disk.read(({ records }) => records.epoch());
}

function listOf(site: SimSite): readonly ReplicatedRecord[] {
  return site.disk.read(({ records }) => records.list({}));
}

function nameOf({ owner, kind, key, epoch, n }: ReplicatedRecord): string {
  return `${owner}/${kind}/${key} ${epoch}.${n}`;
}

/** Sees that a side of a link that has stopped takes nothing over it any more. */
export class HaltWatch {
  readonly #fail: (problem: string) => void;
  readonly #before = new Map<
    SimSite,
    ReadonlyMap<SiteCode, { readonly halt: LinkHalt; readonly cursor: number }>
  >();

  constructor(fail: (problem: string) => void) {
    this.#fail = fail;
  }

  /** After a write of the site's database. */
  observe(site: SimSite, peers: readonly SiteCode[]): void {
    const now = new Map(
      peers.flatMap((peer) => {
        const halt = haltAt(site, peer);
        return halt === undefined
          ? []
          : [[peer, { halt, cursor: site.disk.read(({ records }) => records.cursor(peer)) }] as const];
      }),
    );
    for (const [peer, { halt, cursor }] of this.#before.get(site) ?? []) {
      const after = now.get(peer);
      if (after?.halt.since === halt.since && after.cursor !== cursor) {
        this.#fail(`${site.code} took records of ${peer} while it says: ${halt.reason}`);
      }
    }
    this.#before.set(site, now);
  }

  /** A site goes on from another copy of its disk. */
  forget(site: SimSite): void {
    this.#before.delete(site);
  }
}
