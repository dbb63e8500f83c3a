import { createHash } from 'node:crypto';
import {
  type Digest,
  digest,
  hierarchyId,
  packageGuid,
  type PackageGuid,
  productId,
} from '../../../shared/ids.ts';
import type { TargetingFacts } from '../../exchange/exchange.ts';
import type { Catalogue, CatalogueEntry, PackageDescriptor, Rollout, RolloutEntry } from '../package.ts';
import type { SelectionHierarchy, SelectionInput } from '../selection-input.ts';

/** SHA-256 as the rules take it. */
export function sha256(bytes: Uint8Array): Digest {
  return digest(createHash('sha256').update(bytes).digest('hex'));
}

/** A GUID made of a number. */
export function guid(number: number): PackageGuid {
  return packageGuid(`00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`);
}

export const compiler = productId('typescript');
export const hierarchy = hierarchyId('a'.repeat(64));
const blob = { sha256: digest('b'.repeat(64)), sizeBytes: 10 };

/** A version update that applies to everything, changed as the test needs. */
export function descriptor(change: Partial<PackageDescriptor> = {}): PackageDescriptor {
  return {
    schema: 1,
    guid: guid(1),
    product: compiler,
    name: `TypeScript ${change.version ?? '5.9.2'}`,
    description: '',
    kind: 'version-update',
    version: '5.9.2',
    appliesTo: {},
    supersedes: [],
    requires: [],
    ring: 'general',
    impact: ['site-server'],
    releasedAt: '2025-08-01',
    prerequisites: [],
    features: [],
    content: { tree: blob, encodings: blob, fileCount: 1, totalBytes: 10 },
    hooks: [],
    ...change,
  };
}

/** The catalogue's line for a descriptor. */
export function entry(of: PackageDescriptor, change: Partial<CatalogueEntry> = {}): CatalogueEntry {
  return { guid: of.guid, kind: of.kind, version: of.version, descriptor: blob, ...change };
}

export function catalogue(packages: readonly CatalogueEntry[], change: Partial<Catalogue> = {}): Catalogue {
  return {
    schema: 1,
    product: compiler,
    productName: 'TypeScript',
    requiresUsageData: false,
    packages,
    ...change,
  };
}

/** A roll-out to everybody. */
export function rollout(guids: readonly PackageGuid[], change: Partial<RolloutEntry> = {}): Rollout {
  return {
    schema: 1,
    product: compiler,
    packages: guids.map((one) => ({ guid: one, percentage: 100, seed: 'seed', ...change })),
  };
}

/** A hierarchy on 5.8.3, set up from the baseline with number 100. */
export function hierarchyFacts(change: Partial<SelectionHierarchy> = {}): SelectionHierarchy {
  return {
    hierarchyId: hierarchy,
    ring: 'general',
    product: { version: '5.8.3', installed: [guid(100)] },
    facts: { 'product.version': '5.8.3', 'sites.total': 4, 'platform.os': 'linux' },
    ...change,
  };
}

/** Selection over descriptors that are all rolled out, on local applicability only. */
export function selectionInput(
  descriptors: readonly PackageDescriptor[],
  change: Partial<SelectionInput> = {},
): SelectionInput {
  return {
    catalogue: catalogue(descriptors.map((one) => entry(one))),
    descriptors: new Map(descriptors.map((one) => [one.guid, one])),
    hierarchy: hierarchyFacts(),
    rollout: { kind: 'rollout', rollout: rollout(descriptors.map((one) => one.guid)) },
    offer: { kind: 'local-only' },
    sha256,
    ...change,
  };
}

/** What the hierarchy of `hierarchyFacts` would report. */
export function targetingFacts(change: Partial<TargetingFacts> = {}): TargetingFacts {
  return {
    schema: 1,
    hierarchyId: hierarchy,
    epoch: 1,
    sequence: 1,
    collectedAt: '2025-09-01T00:00:00Z',
    ring: 'general',
    siteCounts: { central: 1, primary: 2, secondary: 1 },
    products: [
      {
        product: compiler,
        version: '5.8.3',
        installed: [guid(100)],
        versions: [
          { version: '5.8.3', type: 'central', sites: 1 },
          { version: '5.8.3', type: 'primary', sites: 2 },
          { version: '5.8.3', type: 'secondary', sites: 1 },
        ],
      },
    ],
    platform: { os: 'linux', arch: 'x64' },
    ...change,
  };
}
