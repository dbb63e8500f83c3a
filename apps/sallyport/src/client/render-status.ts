import { titleOf } from '@sallyport/core/domain/updates/title';
import { formatBytes, formatDuration } from '@sallyport/core/shared/units';
import type {
  ActionResult,
  HistoryResult,
  PackageStatusResult,
  SiteStatusResult,
  SitesResult,
  StatusResult,
  UsageResult,
  WarningsResult,
} from '@sallyport/core/wire/api';
import { renderOffline } from './render-packages.ts';
import { formatInstant } from '../output/instant.ts';
import { formatTable, plain } from '../output/table.ts';

export function renderStatus({ packages, exchange }: StatusResult): string {
  const offline = exchange.offline === undefined ? [] : [renderOffline(exchange.offline)];
  if (packages.length === 0) return [...offline, 'No package is in hand.'].join('\n');
  return [...offline, ...packages.map(renderPackageStatus)].join('\n\n');
}

/** One package at every site: state, what is being done, and why it waits. */
function renderPackageStatus({
  name,
  version,
  state,
  decidedBy,
  reason,
  sites,
}: PackageStatusResult): string {
  const decided = decidedBy === undefined ? '' : `, decided by ${decidedBy}`;
  const table = formatTable(
    ['site', 'type', 'state', 'step', 'received', 'since', 'next', 'reason'],
    sites.map((site) => [
      site.site,
      site.type ?? '–',
      site.state,
      site.step ?? '–',
      received(site),
      site.since === undefined ? '–' : formatInstant(site.since),
      site.nextAt === undefined ? '–' : formatInstant(site.nextAt),
      site.reason,
    ]),
  );
  return `${plain(titleOf(name, version))}: ${state}${decided}\n${plain(reason)}\n\n${table}`;
}

function received({ transfer, receivedBytes }: SiteStatusResult): string {
  if (transfer !== undefined) {
    const percent =
      transfer.totalBytes === 0 ? 100 : Math.floor((100 * transfer.doneBytes) / transfer.totalBytes);
    const left = transfer.remainingMs === undefined ? '' : `, ${formatDuration(transfer.remainingMs)} left`;
    return `${percent} %${left}`;
  }
  return receivedBytes === undefined ? '–' : formatBytes(receivedBytes);
}

export function renderHistory({ events }: HistoryResult): string {
  if (events.length === 0) return 'Nothing has happened yet.';
  return formatTable(
    ['time', 'site', 'version', 'attempt', 'event', 'reason'],
    events.map(({ at, site, version, attempt, event, reason }) => [
      formatInstant(at),
      site,
      version ?? '–',
      String(attempt),
      event,
      reason,
    ]),
  );
}

export function renderSites({ hierarchyId, rosterVersion, sites }: SitesResult): string {
  const table = formatTable(
    ['site', 'type', 'parent', 'products', 'packages missing', 'platform', 'state'],
    sites.map(({ code, type, parent, products, platform, revoked, components, refusedOrders, link }) => {
      const failing = components?.filter((component) => component.state === 'failing') ?? [];
      const state = [
        revoked === undefined ? undefined : `revoked ${revoked.at}: ${revoked.reason}`,
        link?.problem,
        link !== undefined && link.problem === undefined ? silenceOf(link.lastSeenAt) : undefined,
        products === undefined ? 'nothing is known of it here' : undefined,
        ...failing.map(({ name, reason }) => `${name}: ${reason}`),
        ...refusedOrders.map(({ sequence, reason }) => `order ${sequence} refused: ${reason}`),
      ].filter((text) => text !== undefined);
      return [
        code,
        type,
        parent ?? '–',
        products?.map(({ product, version }) => `${product} ${version}`).join(', ') ?? '–',
        products === undefined ? '–' : String(products.reduce((sum, { missing }) => sum + missing.length, 0)),
        platform === undefined ? '–' : `${platform.os} ${platform.arch}`,
        state.join('; ') || 'well',
      ];
    }),
  );
  return `hierarchy ${hierarchyId}, roster ${rosterVersion}\n\n${table}`;
}

/** A child asks its parent again within half a minute, whether there is news or not. */
const silentAfterMs = 90_000;

function silenceOf(lastSeenAt: number | undefined): string | undefined {
  if (lastSeenAt === undefined) return 'has not called since this site server started';
  const silentMs = Date.now() - lastSeenAt;
  return silentMs > silentAfterMs ? `not heard of for ${formatDuration(silentMs)}` : undefined;
}

export function renderWarnings({ warnings }: WarningsResult): string {
  if (warnings.length === 0) return 'No warnings are known.';
  return formatTable(
    ['site', 'prerequisite', 'title', 'found', 'remedy'],
    warnings.map(({ site, prerequisite, title, detail, remedy }) => [
      site,
      prerequisite,
      title,
      detail,
      remedy,
    ]),
  );
}

export function renderAction({ message, notes }: ActionResult): string {
  return [plain(message), ...notes.map((note) => `  ${plain(note)}`)].join('\n');
}

/** The very bytes that leave next, and nothing around them but a heading line. */
export function renderUsage(usage: UsageResult): string {
  if (usage.kind !== 'report') return plain(usage.reason);
  return `Report ${usage.sequence}, fixed ${formatInstant(usage.fixedAt)}, SHA-256 ${usage.payloadSha256}. These bytes leave, and no others:\n\n${plain(usage.payload)}`;
}
