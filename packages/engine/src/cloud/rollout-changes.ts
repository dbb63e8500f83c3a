import type {
  Catalogue,
  CatalogueEntry,
  Ring,
  Rollout,
  RolloutEntry,
} from '@sallyport/core/domain/updates/package';
import { packageGuid, type PackageGuid, type ProductId } from '@sallyport/core/shared/ids';
import type { Rule } from '@sallyport/core/domain/updates/rule';
import { encodeHex } from '@sallyport/core/wire/hex';
import { CloudError } from '../ports/cloud-error.ts';
import type { Random } from '../ports/random.ts';
import { changeRepository, type CloudTools, readPublished } from './cloud-tools.ts';
import { catalogueFile, type Contents, rolloutFile } from './contents.ts';
import { withFiles } from './repository/writer.ts';

/** What to change about a package's roll-out; whatever is absent stays. */
export interface RolloutChange {
  readonly percentage?: number;
  /** `general` ends the narrowing. */
  readonly ring?: Ring;
  readonly hold?: string;
  /** With `hold`: only where this rule over reported facts holds, or cannot be judged. */
  readonly holdWhere?: Rule;
  readonly stop?: string;
  /** Lifts every hold and a stop. */
  readonly release?: boolean;
  readonly floor?: boolean;
}

/** A package that the operator named, with what is published of it. */
export interface NamedPackage {
  readonly product: ProductId;
  readonly entry: CatalogueEntry;
}

/** Changes one package's roll-out, by the online key alone. Answers its new entry. @throws {CloudError} UNKNOWN_PACKAGE, BAD_REQUEST */
export async function changeRollout(
  tools: CloudTools,
  named: { readonly package: string; readonly product?: ProductId },
  wanted: RolloutChange,
  signal: AbortSignal,
): Promise<NamedPackage & { readonly rollout: RolloutEntry }> {
  checkChange(wanted);
  return changeRepository(
    tools,
    'change a roll-out',
    async ({ state, contents }) => {
      const found = findPackage(contents, named);
      if (found.entry.kind === 'baseline') {
        throw new CloudError(
          'BAD_REQUEST',
          `${found.entry.version} (${found.entry.guid}) is a baseline: it comes from media and is not rolled out`,
        );
      }
      const before = contents.rollouts.get(found.product);
      const entry = changed(
        before?.packages.find(({ guid }) => guid === found.entry.guid) ??
          newEntry(found.entry.guid, 0, tools.random),
        wanted,
      );
      const file = rolloutFile(withEntries(before, found.product, [entry]));
      return {
        change: { rollout: withFiles(state.rollout.signed.targets, [file]), files: [file] },
        result: { ...found, rollout: entry },
      };
    },
    signal,
  );
}

/** A published package by its GUID, or by its version when only one has it. @throws {CloudError} UNKNOWN_PACKAGE, UNKNOWN_PRODUCT, BAD_REQUEST */
export async function packageNamed(
  tools: Pick<CloudTools, 'repository'>,
  named: { readonly package: string; readonly product?: ProductId },
): Promise<NamedPackage> {
  return findPackage((await readPublished(tools)).contents, named);
}

/** Takes a package back for good: nobody installs it any more. Needs the catalogue keys. @throws {CloudError} UNKNOWN_PACKAGE, BAD_REQUEST, KEYS_MISSING */
export async function withdrawPackage(
  tools: CloudTools,
  named: { readonly package: string; readonly product?: ProductId },
  reason: string,
  signal: AbortSignal,
): Promise<NamedPackage> {
  if (reason.trim() === '') {
    throw new CloudError(
      'BAD_REQUEST',
      'a withdrawal needs a reason, which administrators will read: give --reason',
    );
  }
  return changeRepository(
    tools,
    'withdraw a package',
    async ({ state, contents }) => {
      const found = findPackage(contents, named);
      if (found.entry.withdrawn !== undefined) {
        return { result: found };
      }
      const at = `${new Date(tools.clock.now()).toISOString().slice(0, 19)}Z`;
      const entry: CatalogueEntry = { ...found.entry, withdrawn: { at, reason } };
      const before = contents.catalogues.get(found.product) as Catalogue;
      const packages = before.packages.map((other) => (other.guid === entry.guid ? entry : other));
      const file = catalogueFile({ ...before, packages });
      return {
        change: { catalog: withFiles(state.catalog.signed.targets, [file]), files: [file] },
        result: { ...found, entry },
      };
    },
    signal,
  );
}

/** The entry with which a package's roll-out begins: its seed draws the hierarchies, and stays. */
export function newEntry(guid: PackageGuid, percentage: number, random: Random): RolloutEntry {
  return { guid, percentage, seed: encodeHex(random.bytes(16)) };
}

/** A roll-out with entries replaced or added, in the order of their GUIDs. */
export function withEntries(
  before: Rollout | undefined,
  product: ProductId,
  entries: readonly RolloutEntry[],
): Rollout {
  const all = new Map([...(before?.packages ?? []), ...entries].map((entry) => [entry.guid, entry]));
  return { schema: 1, product, packages: [...all.values()].toSorted((a, b) => (a.guid < b.guid ? -1 : 1)) };
}

/** A package by its GUID, or by its version when only one has it. @throws {CloudError} UNKNOWN_PACKAGE, BAD_REQUEST */
function findPackage(
  contents: Contents,
  named: { readonly package: string; readonly product?: ProductId },
): NamedPackage {
  const all = [...contents.catalogues].flatMap(([product, { packages }]) =>
    packages.map((entry) => ({ product, entry })),
  );
  const within = all.filter(({ product }) => named.product === undefined || product === named.product);
  if (named.product !== undefined && !contents.catalogues.has(named.product)) {
    throw new CloudError(
      'UNKNOWN_PRODUCT',
      `${contents.service.vendor} has no product ${named.product}: use one of ${contents.service.products.join(', ')}`,
      { product: named.product },
    );
  }
  const guid = asGuid(named.package);
  const found = within.filter(({ entry }) =>
    guid === undefined ? entry.version === named.package : entry.guid === guid,
  );
  const [only, second] = found;
  if (only === undefined) {
    throw new CloudError(
      'UNKNOWN_PACKAGE',
      `no package "${named.package}" is published: "sallyport cloud show" lists those that are`,
      {
        package: named.package,
      },
    );
  }
  if (second !== undefined) {
    const choices = found.map(({ product, entry }) => `${entry.guid} (${product}, ${entry.kind})`).join(', ');
    throw new CloudError(
      'BAD_REQUEST',
      `several packages have the version ${named.package}: name one by its GUID: ${choices}`,
      {
        package: named.package,
      },
    );
  }
  return only;
}

function asGuid(text: string): PackageGuid | undefined {
  try {
    return packageGuid(text);
  } catch {
    // Then it is a version.
    return undefined;
  }
}

function changed(entry: RolloutEntry, wanted: RolloutChange): RolloutEntry {
  const { held, heldWhere, stopped, ring, floor, ...rest } = entry;
  const kept =
    wanted.release === true
      ? {}
      : { ...(held && { held }), ...(heldWhere && { heldWhere }), ...(stopped && { stopped }) };
  const ringNow = wanted.ring ?? ring;
  return {
    ...rest,
    ...kept,
    ...(wanted.percentage === undefined ? {} : { percentage: wanted.percentage }),
    ...(ringNow === undefined || ringNow === 'general' ? {} : { ring: ringNow }),
    ...newHold(wanted, heldWhere ?? []),
    ...(wanted.stop === undefined ? {} : { stopped: { reason: wanted.stop } }),
    ...((wanted.floor ?? floor) === true ? { floor: true } : {}),
  };
}

function newHold(
  { hold: reason, holdWhere: rule }: RolloutChange,
  before: NonNullable<RolloutEntry['heldWhere']>,
): Pick<RolloutEntry, 'held' | 'heldWhere'> {
  if (reason === undefined) return {};
  return rule === undefined ? { held: { reason } } : { heldWhere: [...before, { reason, rule }] };
}

function checkChange(wanted: RolloutChange): void {
  const refuse = (message: string): never => {
    throw new CloudError('BAD_REQUEST', message);
  };
  if (Object.values(wanted).every((value) => value === undefined)) {
    refuse(
      'nothing to change: give --percentage, --ring, --hold, --release, --stop, --stop-above, --floor or --no-floor',
    );
  }
  checkPercentage(wanted.percentage);
  if (wanted.release === true && (wanted.hold !== undefined || wanted.stop !== undefined)) {
    refuse('--release lifts what --hold and --stop set: give one of them');
  }
  if (wanted.holdWhere !== undefined && wanted.hold === undefined) {
    refuse('--where says on which configurations a hold counts: give --hold with the reason');
  }
  for (const reason of [wanted.hold, wanted.stop]) {
    if (reason?.trim() === '') {
      refuse('a hold or a stop needs a reason, which administrators will read');
    }
  }
}

/** @throws {CloudError} BAD_REQUEST */
export function checkPercentage(percentage: number | undefined): void {
  if (percentage !== undefined && (!Number.isInteger(percentage) || percentage < 0 || percentage > 100)) {
    throw new CloudError('BAD_REQUEST', `${percentage} is no percentage: give a whole number from 0 to 100`);
  }
}
