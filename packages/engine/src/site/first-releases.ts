import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { PackageGuid, ProductId, SiteCode } from '@sallyport/core/shared/ids';
import { formatBytes, formatDuration } from '@sallyport/core/shared/units';
import { parseTree } from '@sallyport/core/wire/tree';
import { TrustedDocuments } from '../components/hierarchy-manager/trusted-documents.ts';
import { packagesOf, type TrustedPackage } from '../components/hierarchy-manager/trusted-view.ts';
import { installBaseline } from '../components/update-installer/baseline.ts';
import type { Clock } from '../ports/clock.ts';
import type { ContentSource } from '../ports/content-source.ts';
import type { RepositorySource } from '../ports/repository.ts';
import { SiteError } from './site-error.ts';
import type { SitePorts } from './site-ports.ts';

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

/** A first release that the vendor vouches for, as its source has it. */
export interface ChosenRelease {
  readonly product: ProductId;
  readonly descriptor: PackageDescriptor;
  readonly installed?: readonly PackageGuid[];
}

/**
 * Finds the releases that a new site is to begin with, and believes their source or not. Nothing is fetched yet but
 * what the vendor has signed, so that a wrong answer is told before anything is used up by which others know the site.
 *
 * @throws {SiteError} NOT_TRUSTED, BASELINE_UNKNOWN, BASELINE_DIFFERS
 * @throws {RepositorySourceError} when the source cannot be read
 */
export async function chooseFirstReleases(
  ports: Omit<SitePorts, 'backups'>,
  releases: readonly FirstRelease[],
  source: FirstReleaseSource,
  signal: AbortSignal,
): Promise<readonly ChosenRelease[]> {
  const { logs } = ports;
  const documents = new TrustedDocuments({
    ...ports,
    log: logs.of('SMS_HIERARCHY_MANAGER'),
    products: [...new Set(releases.map(({ product }) => product))],
    source: source.repository,
    content: source.content,
    stalenessMs: () => source.stalenessMs ?? 0,
  });
  const problems = await believing(source, () => documents.refresh(signal));
  const chosen: ChosenRelease[] = [];
  const known = packagesOf(await documents.view());
  for (const release of releases) {
    const { product, entry, descriptor } = find(
      known,
      release,
      problems.map(({ what, message }) => `${what}: ${message}`),
    );
    if (product.problem !== undefined) {
      throw new SiteError(
        'NOT_TRUSTED',
        `${source.repository.name} cannot be believed: ${product.problem.message}`,
        { code: product.problem.code },
      );
    }
    if (entry.withdrawn !== undefined) {
      throw new SiteError(
        'NOT_TRUSTED',
        `${entry.version} was withdrawn by the vendor on ${entry.withdrawn.at}: ${entry.withdrawn.reason}. Name another version.`,
      );
    }
    const current = await ports.releases.current(release.product);
    if (release.guid === undefined && current !== undefined && current.guid !== entry.guid) {
      throw new SiteError(
        'BASELINE_DIFFERS',
        `an earlier, unfinished set-up installed ${current.product} ${current.version} here: give that version as the baseline again, or set the site up in an empty folder`,
        { product: current.product, version: current.version },
      );
    }
    const installed = release.installed?.filter((guid) =>
      known.some(({ entry: other }) => other.guid === guid),
    );
    chosen.push({ product: release.product, descriptor, ...(installed === undefined ? {} : { installed }) });
  }
  return chosen;
}

/**
 * Fetches, verifies and installs the releases that a new site begins with. Repeating it after a kill goes on.
 *
 * @throws {InstallError} {ContentError}
 */
export async function installFirstReleases(
  ports: Omit<SitePorts, 'backups'>,
  code: SiteCode,
  chosen: readonly ChosenRelease[],
  source: FirstReleaseSource,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { logs, fetcher, blobs } = ports;
  for (const { product, descriptor, installed } of chosen) {
    const { version } = descriptor;
    say(
      `${product} ${version}: takes ${formatBytes(descriptor.content.totalBytes)} from ${source.content.name}`,
    );
    const progress = progressWriter(say, ports.clock);
    const fetched = await fetcher.fetch(descriptor.content, source.content, { signal, onProgress: progress });
    say(
      `${product} ${version}: ${formatBytes(fetched.receivedBytes)} received, every byte verified; installs it`,
    );
    const tree = parseTree(
      await blobs.readBytes(descriptor.content.tree.sha256, descriptor.content.tree.sizeBytes),
    );
    await installBaseline(
      { ...ports, log: logs.of('CONFIGURATION_MANAGER_UPDATE') },
      { code, platform: ports.platform },
      { descriptor, tree, ...(installed === undefined ? {} : { installed }) },
      signal,
    );
    say(`${product} ${version}: installed`);
  }
}

/** What does not follow from the trust root is the source's fault, or the root is not that vendor's. */
async function believing<T>(source: FirstReleaseSource, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause;
    const { name } = source.repository;
    const message =
      cause.code === 'EXPIRED'
        ? `${name} is too old to be believed: ${cause.message}. Copy the vendor's repository anew, or let it be older`
        : `${name} cannot be believed by the trust root that was given: ${cause.message}. Compare that file with the 1.root.json that the vendor hands out, or take another medium`;
    throw new SiteError('NOT_TRUSTED', message, { code: cause.code }, { cause });
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
    throw new SiteError(
      'BASELINE_UNKNOWN',
      `the catalogue of ${product} has no usable ${version}: it has ${versions}${why}`,
      { product, version },
    );
  }
  return { ...found, descriptor: found.descriptor };
}

/** A line every few seconds, so that nobody wonders whether it still goes on. */
function progressWriter(say: (text: string) => void, clock: Clock) {
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
