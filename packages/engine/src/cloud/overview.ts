import type { PackageKind } from '@sallyport/core/domain/updates/package';
import type { EpochMs, HierarchyId, PackageGuid, ProductId } from '@sallyport/core/shared/ids';
import { compareVersions } from '@sallyport/core/shared/version';
import { parseTargetingFacts } from '@sallyport/core/wire/facts';
import type { CloudDatabase, HierarchySummary } from '../ports/cloud-database.ts';
import type { KeyRole } from '../ports/key-ring.ts';
import type { CloudTools } from './cloud-tools.ts';
import { readPublished } from './cloud-tools.ts';
import { readDescriptors } from './contents.ts';
import { forecast, type RoleForecast } from './renewal.ts';
import { publicKeysOf, repositoryRoles, roleKeysOf } from './repository/state.ts';

/** Everything that a vendor wants to see at once. */
export interface Overview {
  readonly vendor: string;
  readonly products: readonly ProductOverview[];
  readonly roles: readonly RoleForecast[];
  readonly keys: readonly KeyOverview[];
  readonly hierarchies: readonly HierarchyOverview[];
  readonly codes: { readonly unused: number; readonly used: number; readonly expired: number };
}

export interface ProductOverview {
  readonly product: ProductId;
  readonly name: string;
  readonly requiresUsageData: boolean;
  readonly packages: readonly PackageOverview[];
}

export interface PackageOverview {
  readonly guid: PackageGuid;
  readonly name: string;
  readonly kind: PackageKind;
  readonly version: string;
  readonly ring: string;
  readonly totalBytes: number;
  readonly fileCount: number;
  /** Absent for baselines, which are not rolled out. */
  readonly percentage?: number;
  readonly held?: string;
  /** Reasons of holds that count on some configurations only. */
  readonly heldWhere?: readonly string[];
  readonly stopped?: string;
  readonly floor: boolean;
  readonly withdrawn?: string;
}

export interface KeyOverview {
  readonly name: string;
  readonly role: KeyRole;
  readonly publicKey: string;
  readonly offline: boolean;
  readonly place: string;
  /** Whether anything published trusts it. */
  readonly inForce: boolean;
}

export interface HierarchyOverview {
  readonly id: HierarchyId;
  readonly enrolledAt: EpochMs;
  readonly reportedAt?: EpochMs;
  readonly ring?: string;
  readonly sites?: number;
  readonly versions: readonly { readonly product: ProductId; readonly version: string }[];
  readonly offerSequence: number;
  /** It exists twice, so nothing is taken from it or offered to it. */
  readonly quarantined: boolean;
}

/** @throws {CloudError} NOT_THERE, BROKEN_REPOSITORY */
export async function overview(tools: CloudTools, database: CloudDatabase): Promise<Overview> {
  const { state, contents } = await readPublished(tools);
  const products: ProductOverview[] = [];
  for (const [product, catalogue] of contents.catalogues) {
    const descriptors = await readDescriptors(tools.blobs, catalogue);
    const rollout = new Map(contents.rollouts.get(product)?.packages.map((entry) => [entry.guid, entry]));
    const packages = catalogue.packages.map((entry): PackageOverview => {
      const descriptor = descriptors.get(entry.guid);
      const rolledOut = rollout.get(entry.guid);
      return {
        guid: entry.guid,
        name: descriptor?.name ?? '',
        kind: entry.kind,
        version: entry.version,
        ring: rolledOut?.ring ?? descriptor?.ring ?? '',
        totalBytes: descriptor?.content.totalBytes ?? 0,
        fileCount: descriptor?.content.fileCount ?? 0,
        floor: rolledOut?.floor === true,
        ...(rolledOut === undefined ? {} : { percentage: rolledOut.percentage }),
        ...(rolledOut?.held === undefined ? {} : { held: rolledOut.held.reason }),
        ...(rolledOut?.heldWhere === undefined
          ? {}
          : { heldWhere: rolledOut.heldWhere.map(({ reason }) => reason) }),
        ...(rolledOut?.stopped === undefined ? {} : { stopped: rolledOut.stopped.reason }),
        ...(entry.withdrawn === undefined ? {} : { withdrawn: entry.withdrawn.reason }),
      };
    });
    products.push({
      product,
      name: catalogue.productName,
      requiresUsageData: catalogue.requiresUsageData,
      packages: packages.toSorted(
        (a, b) => compareVersions(a.version, b.version) || (a.guid < b.guid ? -1 : 1),
      ),
    });
  }
  const signed = { root: state.root.signed, targets: state.targets.signed };
  const inForce = new Set([
    ...repositoryRoles.flatMap((role) => publicKeysOf(roleKeysOf(signed, role))),
    ...contents.service.offerKeys,
    ...(contents.service.sealKeys ?? []),
  ]);
  return {
    vendor: contents.service.vendor,
    products,
    roles: await forecast(tools, state),
    keys: (await tools.keys.list()).map((key) => ({ ...key, inForce: inForce.has(key.publicKey) })),
    hierarchies: await hierarchiesOf(database),
    codes: await codesOf(database, tools.clock.now()),
  };
}

async function hierarchiesOf(database: CloudDatabase): Promise<readonly HierarchyOverview[]> {
  const all: HierarchyOverview[] = [];
  for (const summary of await database.hierarchies()) {
    const quarantined = (await database.quarantineOf(summary.id)) !== undefined;
    all.push({ ...hierarchyOf(summary), quarantined });
  }
  return all;
}

function hierarchyOf({
  id,
  enrolledAt,
  offerSequence,
  facts,
}: HierarchySummary): Omit<HierarchyOverview, 'quarantined'> {
  if (facts === undefined) {
    return { id, enrolledAt, offerSequence, versions: [] };
  }
  const { ring, siteCounts, products } = parseTargetingFacts(facts.payload);
  return {
    id,
    enrolledAt,
    offerSequence,
    reportedAt: facts.acceptedAt,
    ring,
    sites: siteCounts.central + siteCounts.primary + siteCounts.secondary,
    versions: products.map(({ product, version }) => ({ product, version })),
  };
}

async function codesOf(database: CloudDatabase, now: EpochMs): Promise<Overview['codes']> {
  const codes = await database.codes();
  const used = codes.filter(({ usedBy }) => usedBy !== undefined).length;
  const expired = codes.filter(
    ({ usedBy, expiresAt }) => usedBy === undefined && expiresAt !== undefined && expiresAt <= now,
  ).length;
  return { used, expired, unused: codes.length - used - expired };
}
