import { overallState } from '@sallyport/core/domain/updates/overall-state';
import { stateCode } from '@sallyport/core/domain/updates/state-codes';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { digest } from '@sallyport/core/shared/ids';
import type { ExchangeResult, PackageResult, ShowResult, WhyResult } from '@sallyport/core/wire/api';
import type { Digests } from '../../ports/digests.ts';
import { readExchange } from '../dmp-downloader/exchange-state.ts';
import { readConnection } from '../service-connection/connection-setting.ts';
import type { ReadTables } from '../../ports/site-database.ts';
import { resultOf, type SelectionSetting } from '../hierarchy-manager/selection-setting.ts';
import { isTopTierSite, type SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import type { TrustedPackage } from '../hierarchy-manager/trusted-view.ts';
import type { OrderBook } from './order-book.ts';

/**
 * How the last exchange fared.
 *
 * @param offline the vendor is reached by media only
 */
export function exchangeResult(
  tables: ReadTables,
  mode: ExchangeResult['mode'],
  offline?: true,
): ExchangeResult {
  const { metadata, facts, offer, usage, startedAt, finishedAt, nextAt } = readExchange(tables.settings);
  return {
    mode,
    ...(offline === true ? { offline: mediaResult(tables) } : {}),
    metadata,
    facts,
    offer,
    usage,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(nextAt === undefined ? {} : { nextAt }),
  };
}

function mediaResult({ settings }: ReadTables): NonNullable<ExchangeResult['offline']> {
  const { preparedAt, lastImport } = readConnection(settings);
  return {
    ...(preparedAt === undefined ? {} : { preparedAt }),
    ...(lastImport === undefined
      ? {}
      : { importedAt: lastImport.importedAt, writtenAt: lastImport.writtenAt }),
  };
}

/** What all views of packages are made of. */
export interface PackageSnapshot {
  readonly site: SiteIdentity;
  readonly book: OrderBook;
  readonly selection: SelectionSetting | undefined;
}

/** No event tells of it: a site begins with its first release. */
const installedAtSetUp = {
  state: 'INSTALL_SUCCESS',
  stateCode: stateCode('INSTALL_SUCCESS'),
  reason: 'It was installed when the site was set up.',
} as const;

export function packageResult(
  { product, entry, descriptor }: TrustedPackage,
  snapshot: PackageSnapshot,
): PackageResult {
  const { guid, kind, version, withdrawn } = entry;
  const overall = overallOf(guid, snapshot);
  const result = resultOf(snapshot.selection, guid);
  return {
    guid,
    product: product.product,
    name: descriptor?.name ?? `${product.catalogue.productName} ${version}`,
    kind,
    version,
    ...(descriptor === undefined
      ? {}
      : { releasedAt: descriptor.releasedAt, totalBytes: descriptor.content.totalBytes }),
    ...(result === undefined ? {} : { verdict: result.verdict }),
    ...overall,
    ...(overall.state === 'UNKNOWN' && result?.verdict === 'installed' ? installedAtSetUp : {}),
    hasLicence: descriptor?.licence !== undefined,
    ...(withdrawn === undefined ? {} : { withdrawn }),
  };
}

export function showResult(found: TrustedPackage, snapshot: PackageSnapshot, digests: Digests): ShowResult {
  const { descriptor } = found;
  const result = packageResult(found, snapshot);
  if (descriptor === undefined) return result;
  const { licence, supportEndsAt, moreInfo } = descriptor;
  return {
    ...result,
    description: descriptor.description,
    appliesTo: descriptor.appliesTo,
    supersedes: [...descriptor.supersedes],
    requires: [...descriptor.requires],
    ring: descriptor.ring,
    impact: [...descriptor.impact],
    fileCount: descriptor.content.fileCount,
    ...(supportEndsAt === undefined ? {} : { supportEndsAt }),
    ...(moreInfo === undefined ? {} : { moreInfo }),
    ...(licence === undefined
      ? {}
      : { licence: { ...licence, textSha256: licenceDigest(licence.text, digests) } }),
    prerequisites: descriptor.prerequisites.map(({ id, title, severity, remedy }) => ({
      id,
      title,
      severity,
      remedy,
    })),
    features: descriptor.features.map(({ id, name, kind }) => ({ id, name, kind })),
  };
}

export function whyResult(
  found: TrustedPackage,
  snapshot: PackageSnapshot,
  exchange: ExchangeResult,
): WhyResult | undefined {
  const result = resultOf(snapshot.selection, found.entry.guid);
  if (result === undefined || snapshot.selection === undefined) return undefined;
  return {
    package: packageResult(found, snapshot),
    verdict: result.verdict,
    reasons: [...result.reasons],
    since: snapshot.selection.at,
    exchange,
  };
}

/** Names the licence text that somebody accepts. */
export function licenceDigest(text: string, digests: Digests): ReturnType<typeof digest> {
  return digest(digests.of('sha256', new TextEncoder().encode(text)));
}

/** The state over all sites that were told of it; this site's own before the first order, and below the top-tier site. */
function overallOf(
  guid: PackageGuid,
  { site, book, selection }: PackageSnapshot,
): Pick<PackageResult, 'nextAt' | 'reason' | 'since' | 'state' | 'stateCode'> {
  const own = book.projection(guid, site.code);
  const told = isTopTierSite(site)
    ? book.workOf(guid).filter((work) => work.order !== undefined || work.site.code === site.code)
    : [];
  const overall = overallState(
    site.code,
    told.length === 0
      ? [{ site: site.code, projection: own }]
      : told.map((work) => ({ site: work.site.code, projection: work.projection })),
  );
  const nextAt = book.projection(guid, overall.site)?.nextAt;
  const reasons = resultOf(selection, guid)?.reasons.map(({ sentence }) => sentence) ?? [];
  const selected = reasons.length === 0 ? 'Nothing has been done with it here.' : reasons.join(' ');
  const elsewhere = overall.site === site.code ? '' : `${overall.site}: `;
  return {
    state: overall.state,
    stateCode: stateCode(overall.state),
    reason: own === undefined && overall.site === site.code ? selected : `${elsewhere}${overall.reason}`,
    ...(overall.since === undefined ? {} : { since: overall.since }),
    ...(nextAt === undefined ? {} : { nextAt }),
  };
}
