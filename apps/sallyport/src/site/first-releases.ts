import type { PackageGuid, ProductId, SiteCode } from '@sallyport/core/shared/ids';
import { formatBytes, formatDuration } from '@sallyport/core/shared/units';
import { parseTree } from '@sallyport/core/wire/tree';
import { TrustedDocuments } from '@sallyport/engine/components/hierarchy-manager/trusted-documents';
import { packagesOf, type TrustedPackage } from '@sallyport/engine/components/hierarchy-manager/trusted-view';
import { installBaseline } from '@sallyport/engine/components/update-installer/baseline';
import type { ContentSource } from '@sallyport/engine/ports/content-source';
import type { RepositorySource } from '@sallyport/engine/ports/repository';
import type { SiteDatabase } from '@sallyport/engine/ports/site-database';
import type { SiteAdapters } from './adapters.ts';
import { SetupError } from './setup-error.ts';

/** One release to begin with: by version from a medium, by GUID from a parent. */
export interface FirstRelease {
  readonly product: ProductId;
  readonly version: string;
  readonly guid?: PackageGuid;
  /** What the parent's release is made of. */
  readonly installed?: readonly PackageGuid[];
}

/** Where they come from. Whatever it says is verified from the pinned root. */
export interface FirstReleaseSource {
  readonly repository: RepositorySource;
  readonly content: ContentSource;
  /** How long past their expiry timestamp and snapshot still count: media are carried about. */
  readonly stalenessMs?: number;
}

/**
 * Fetches, verifies and installs the releases that a new site begins with. Repeating it after a kill goes on.
 *
 * @throws {SetupError} NOT_TRUSTED, BASELINE_UNKNOWN
 * @throws {InstallError} {ContentError}
 */
export async function installFirstReleases(
  adapters: SiteAdapters,
  site: { readonly code: SiteCode; readonly database: SiteDatabase },
  releases: readonly FirstRelease[],
  source: FirstReleaseSource,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { logs, fetcher, blobs } = adapters;
  const documents = new TrustedDocuments({
    ...adapters,
    database: site.database,
    log: logs.of('SMS_HIERARCHY_MANAGER'),
    products: [...new Set(releases.map(({ product }) => product))],
    source: source.repository,
    content: source.content,
    ...(source.stalenessMs === undefined ? {} : { stalenessMs: source.stalenessMs }),
  });
  const problems = await documents.refresh(signal);
  const known = packagesOf(await documents.view());
  for (const release of releases) {
    const { product, entry, descriptor } = find(
      known,
      release,
      problems.map(({ what, message }) => `${what}: ${message}`),
    );
    if (product.problem !== undefined) {
      throw new SetupError(
        'NOT_TRUSTED',
        `${source.repository.name} cannot be believed: ${product.problem.message}`,
        { code: product.problem.code },
      );
    }
    if (entry.withdrawn !== undefined) {
      throw new SetupError(
        'NOT_TRUSTED',
        `${entry.version} was withdrawn by the vendor on ${entry.withdrawn.at}: ${entry.withdrawn.reason}. Name another version.`,
      );
    }
    say(
      `${release.product} ${entry.version}: takes ${formatBytes(descriptor.content.totalBytes)} from ${source.content.name}`,
    );
    const progress = progressWriter(say, adapters.clock);
    const fetched = await fetcher.fetch(descriptor.content, source.content, { signal, onProgress: progress });
    say(
      `${release.product} ${entry.version}: ${formatBytes(fetched.receivedBytes)} received, every byte verified; installs it`,
    );
    const tree = parseTree(
      await blobs.readBytes(descriptor.content.tree.sha256, descriptor.content.tree.sizeBytes),
    );
    const installed = release.installed?.filter((guid) =>
      known.some(({ entry: other }) => other.guid === guid),
    );
    await installBaseline(
      { ...adapters, log: logs.of('CONFIGURATION_MANAGER_UPDATE') },
      { code: site.code, platform: adapters.platform },
      { descriptor, tree, ...(installed === undefined ? {} : { installed }) },
      signal,
    );
    say(`${release.product} ${entry.version}: installed`);
  }
}

type KnownPackage = TrustedPackage & { readonly descriptor: NonNullable<TrustedPackage['descriptor']> };

function find(
  known: readonly TrustedPackage[],
  { product, version, guid }: FirstRelease,
  problems: readonly string[],
): KnownPackage {
  const ofProduct = known.filter((candidate) => candidate.product.product === product);
  const fitting = ofProduct.filter(({ entry }) =>
    guid === undefined ? entry.version === version : entry.guid === guid,
  );
  // Two builds may share a version: a baseline made for beginning with comes first.
  const found = fitting.find(({ entry }) => entry.kind === 'baseline') ?? fitting[0];
  if (found?.descriptor === undefined) {
    const versions = ofProduct.map(({ entry }) => entry.version).join(', ') || 'none';
    const why = problems.length === 0 ? '' : ` (${problems.join('; ')})`;
    throw new SetupError(
      'BASELINE_UNKNOWN',
      `the catalogue of ${product} has no usable ${version}: it has ${versions}${why}`,
      { product, version },
    );
  }
  return { ...found, descriptor: found.descriptor };
}

/** A line every few seconds, so that nobody wonders whether it still goes on. */
function progressWriter(say: (text: string) => void, clock: SiteAdapters['clock']) {
  let saidAt = clock.now();
  return (progress: {
    readonly doneBytes: number;
    readonly totalBytes: number;
    readonly rateBytesPerSecond?: number;
    readonly remainingMs?: number;
  }): void => {
    if (clock.now() - saidAt < 2_000) return;
    saidAt = clock.now();
    const { doneBytes, totalBytes, rateBytesPerSecond, remainingMs } = progress;
    const rate = rateBytesPerSecond === undefined ? '' : `, ${formatBytes(rateBytesPerSecond)}/s`;
    const left = remainingMs === undefined ? '' : `, ${formatDuration(remainingMs)} left`;
    say(`  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}${rate}${left}`);
  };
}
