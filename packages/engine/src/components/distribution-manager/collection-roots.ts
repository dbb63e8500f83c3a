import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import { ancestorsOf, descendantsOf } from '@sallyport/core/domain/sites/roster';
import type { Roster } from '@sallyport/core/domain/sites/site';
import type { UpdateProjection, UpdateState } from '@sallyport/core/domain/updates/event';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { Digest, PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import { compareVersions, tryParseVersion } from '@sallyport/core/shared/version';
import type { Blobs } from '../../ports/blobs.ts';
import type { Releases } from '../../ports/releases.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { reachableBlobs } from '../content/reachable.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';
import { packageOf } from '../hierarchy-manager/trusted-view.ts';
import { readConnection } from '../service-connection/connection-setting.ts';

/** In these a site has no use for a package's content; what is installed is kept by other rules. */
const useless: ReadonlySet<UpdateState> = new Set([
  'UNKNOWN',
  'APPLICABILITY_CHECKING',
  'APPLICABILITY_SUCCESS',
  'APPLICABILITY_HIDE',
  'APPLICABILITY_NA',
  'APPLICABILITY_FAILED',
  'INSTALL_SUCCESS',
]);

/** What is installed, and what was before it: roll-back and patches need both. */
const releasesKept = 2;

/** What roots are read from. */
export interface RootPorts {
  readonly site: SiteIdentity;
  /** Who belongs to the hierarchy. */
  readonly hierarchy: { current(): { readonly roster: Roster } };
  readonly database: SiteDatabase;
  readonly blobs: Blobs;
  readonly releases: Releases;
  readonly documents: TrustedDocuments;
}

/** A package whose content must stay at a site. */
export interface KeptPackage {
  readonly descriptor: PackageDescriptor;
  /** This site has had all of its content: by a download, by replication or by an install. */
  readonly heldHere: boolean;
}

/**
 * Packages whose content must stay here: every one that this site or one below it has in hand; of each product, what
 * is installed here and what was before it; and what is installed here and newer than what a site below runs, which
 * will fetch it from here. Revoked sites have no say, nor has one that only reaches this site through them.
 *
 * @throws {ContentError} NOT_HELD while the descriptor of such a package is not held: what it names is not known
 * @throws {HierarchyError} as `HierarchyView.current`
 */
export async function packagesToKeep(ports: Omit<RootPorts, 'blobs'>): Promise<readonly KeptPackage[]> {
  const { site, hierarchy, database, releases, documents } = ports;
  const below = sitesServed(hierarchy.current().roster, site.code);
  const { projections, facts } = database.read(({ updates, records }) => ({
    projections: updates
      .projections()
      .filter((projection) => projection.site === site.code || below.has(projection.site)),
    facts: records
      .list({ kind: 'site-facts' })
      .filter(({ owner }) => below.has(owner))
      .map(({ body }) => body as SiteFacts),
  }));
  const view = await documents.view();
  const wanted = new Set<PackageGuid>(
    projections.flatMap(({ guid, state }) => (useless.has(state) ? [] : [guid])),
  );
  const installedHere = new Set<PackageGuid>();
  for (const product of await releases.products()) {
    const installed = (await releases.current(product))?.installed ?? [];
    const versionsBelow = facts.flatMap(({ products }) =>
      products.filter((held) => held.product === product).map(({ version }) => version),
    );
    for (const guid of installed) installedHere.add(guid);
    for (const guid of installed.slice(-releasesKept)) wanted.add(guid);
    for (const guid of installed) {
      const version = packageOf(view, guid)?.entry.version;
      if (version !== undefined && versionsBelow.some((runs) => isNewer(version, runs))) wanted.add(guid);
    }
  }
  const held = heldBy(projections, site.code);
  return [...wanted].flatMap((guid) => {
    const missing = view.damaged.find(({ what }) => what === guid);
    if (missing !== undefined) {
      const message = `what has to stay in the content library is not known: ${missing.message}`;
      throw new ContentError('NOT_HELD', message, { package: guid });
    }
    const descriptor = packageOf(view, guid)?.descriptor;
    return descriptor === undefined
      ? []
      : [{ descriptor, heldHere: installedHere.has(guid) || held.has(guid) }];
  });
}

/** Packages that media brought content of and that are not installed: nobody could fetch it again. */
async function broughtContents({
  site,
  database,
  documents,
}: RootPorts): Promise<readonly PackageDescriptor[]> {
  const view = await documents.view();
  const { brought, installed } = database.read(({ settings, updates }) => ({
    brought: readConnection(settings).brought,
    installed: new Set(
      updates
        .projections({ site: site.code })
        .flatMap(({ guid, state }) => (state === 'INSTALL_SUCCESS' ? [guid] : [])),
    ),
  }));
  return brought
    .filter((guid) => !installed.has(guid))
    .flatMap((guid) => packageOf(view, guid)?.descriptor ?? []);
}

/** Everything in the content library that must stay: the vendor's documents, and the content of what is kept. */
export async function collectionRoots(ports: RootPorts): Promise<ReadonlySet<Digest>> {
  const roots = new Set<Digest>(await ports.documents.roots());
  const kept = (await packagesToKeep(ports)).map(({ descriptor }) => descriptor);
  for (const descriptor of [...kept, ...(await broughtContents(ports))]) {
    for (const digest of await reachableBlobs(descriptor.content, ports.blobs)) roots.add(digest);
  }
  return roots;
}

/** The sites below that fetch from here, themselves or through one another. */
function sitesServed(roster: Roster, code: SiteCode): ReadonlySet<SiteCode> {
  const below = descendantsOf(roster, code);
  const revoked = new Set(below.filter((site) => site.revoked !== undefined).map((site) => site.code));
  const served = below.filter(
    (site) =>
      !revoked.has(site.code) && !ancestorsOf(roster, site.code).some((above) => revoked.has(above.code)),
  );
  return new Set(served.map((site) => site.code));
}

function heldBy(projections: readonly UpdateProjection[], code: SiteCode): ReadonlySet<PackageGuid> {
  return new Set(
    projections.flatMap(({ guid, site, contentHeld }) => (site === code && contentHeld ? [guid] : [])),
  );
}

/** Also when a site says something that is no version: then it may need anything. */
function isNewer(version: string, than: string): boolean {
  const [a, b] = [tryParseVersion(version), tryParseVersion(than)];
  return a === undefined || b === undefined || compareVersions(a, b) > 0;
}
