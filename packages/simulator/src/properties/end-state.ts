import { isDeepStrictEqual } from 'node:util';
import { goesDown, goesUp } from '@sallyport/core/domain/sites/record-flow';
import type { ReplicatedRecord, Roster } from '@sallyport/core/domain/sites/site';
import type { UpdateEvent, UpdateProjection } from '@sallyport/core/domain/updates/event';
import { refold } from '@sallyport/core/domain/updates/state';
import { messageOf } from '@sallyport/core/shared/errors';
import type { ProductId, SiteCode } from '@sallyport/core/shared/ids';
import type { SimSite } from '../site/sim-site.ts';

/** Why the sites of a run have not come to their end yet; empty when they have. */
export function notYet(
  sites: readonly SimSite[],
  target: { readonly product: ProductId; readonly guid: string },
): readonly string[] {
  return sites.flatMap((site) => {
    if (site.settings === undefined) return [`${site.code} is not set up`];
    if (!site.isUp || site.process === undefined) return [`${site.code} does not run`];
    const current = site.disk.currentRelease(target.product);
    if (current?.guid !== target.guid) {
      return [`${site.code} runs ${current?.version ?? 'nothing'}: ${stateOf(site, target.guid)}`];
    }
    const own = site.disk.read(({ updates }) => updates.projections({ site: site.code }));
    return own
      .filter(({ state }) => state === 'INSTALL_IN_PROGRESS')
      .map(({ guid }) => `${site.code} still installs ${guid}`);
  });
}

function stateOf(site: SimSite, guid: string): string {
  const projection = site.disk
    .read(({ updates }) => updates.projections({ site: site.code }))
    .find((each) => each.guid === guid);
  return projection === undefined
    ? 'it knows nothing of the package'
    : `${projection.state}, ${projection.reason}`;
}

/** What every site's database must be like on its own: the projection is the fold of the log. */
export function foldProblems(site: SimSite): readonly string[] {
  const { events, projections } = site.disk.read(({ updates }) => ({
    events: updates.events({}),
    projections: updates.projections(),
  }));
  return projections.flatMap((projection) => {
    const log = events.filter(({ guid, site: code }) => guid === projection.guid && code === projection.site);
    return foldProblem(log, projection).map((problem) => `${site.code}: ${problem}`);
  });
}

/** How a state is not what its history gives: every event of it must be one that the state before it allows. */
export function foldProblem(events: readonly UpdateEvent[], projection: UpdateProjection): readonly string[] {
  const what = `the state of ${projection.guid} at ${projection.site}`;
  try {
    const folded = refold(events.toSorted((a, b) => a.sequence - b.sequence));
    return isDeepStrictEqual(normal(folded), normal(projection))
      ? []
      : [`${what} is not what its history gives`];
  } catch (error) {
    return [`${what} has a history that cannot be: ${messageOf(error)}`];
  }
}

function normal(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** Records that a child and its parent must share, and do not. */
export function recordProblems(roster: Roster, parent: SimSite, child: SimSite): readonly string[] {
  const all = (site: SimSite): readonly ReplicatedRecord[] =>
    site.disk.read(({ records }) => records.list({}));
  const above = all(parent);
  const below = all(child);
  return [
    ...missing(
      child.code,
      below.filter((record) => goesUp(roster, child.code, record)),
      parent.code,
      above,
    ),
    ...missing(
      parent.code,
      above.filter((record) => goesDown(roster, child.code, record)),
      child.code,
      below,
    ),
  ];
}

function missing(
  from: SiteCode,
  records: readonly ReplicatedRecord[],
  to: SiteCode,
  held: readonly ReplicatedRecord[],
): readonly string[] {
  const known = new Map(held.map((record) => [keyOf(record), record]));
  return records
    .filter((record) => {
      const other = known.get(keyOf(record));
      return (
        other === undefined ||
        other.hash !== record.hash ||
        other.n !== record.n ||
        other.epoch !== record.epoch
      );
    })
    .map(
      ({ owner, kind, key, epoch, n }) =>
        `${from} has ${owner}/${kind}/${key} ${epoch}.${n}, and ${to} has not`,
    );
}

function keyOf({ owner, kind, key }: ReplicatedRecord): string {
  return `${owner}/${kind}/${key}`;
}
