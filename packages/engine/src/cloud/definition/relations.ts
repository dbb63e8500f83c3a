import type { CatalogueEntry } from '@sallyport/core/domain/updates/package';
import { findRequiresCycle } from '@sallyport/core/domain/updates/requires-cycle';
import type { PackageGuid, ProductId } from '@sallyport/core/shared/ids';
import { compareVersions } from '@sallyport/core/shared/version';
import type { Definition, ReadDefinition } from './definition.ts';
import { suggestion } from './nearest.ts';

/** What is published already, as far as definitions relate to it: packages by product. */
export type PublishedPackages = ReadonlyMap<ProductId, readonly CatalogueEntry[]>;

/**
 * Checks definitions against each other and against what is published. Problems are reported at their place in
 * each definition's source.
 */
export function checkRelations(definitions: readonly ReadDefinition[], published: PublishedPackages): void {
  const known = packagesByGuid(definitions, published);
  const seen = new Map<PackageGuid, ReadDefinition>();
  for (const definition of definitions) {
    const { source, partial } = definition;
    checkProduct(definition, published);
    const twin = partial.guid === undefined ? undefined : seen.get(partial.guid);
    if (partial.guid !== undefined && twin !== undefined) {
      source.reportAt(
        ['guid'],
        `the GUID ${partial.guid} is that of ${twin.source.file} too`,
        'give each package a GUID of its own, for example from "uuidgen"',
      );
    } else if (partial.guid !== undefined) {
      seen.set(partial.guid, definition);
    }
    checkReferences(definition, 'requires', known);
    checkReferences(definition, 'supersedes', known);
    checkKind(definition);
    checkVersionsAndDates(definition);
    checkIds(definition);
  }
  checkCycles(definitions);
}

interface Known {
  readonly product: ProductId | undefined;
  readonly withdrawn: boolean;
  readonly baseline: boolean;
}

function packagesByGuid(
  definitions: readonly ReadDefinition[],
  published: PublishedPackages,
): ReadonlyMap<PackageGuid, Known> {
  const known = new Map<PackageGuid, Known>();
  for (const [product, entries] of published) {
    for (const entry of entries) {
      known.set(entry.guid, {
        product,
        withdrawn: entry.withdrawn !== undefined,
        baseline: entry.kind === 'baseline',
      });
    }
  }
  for (const { partial } of definitions) {
    if (partial.guid !== undefined && !known.has(partial.guid)) {
      known.set(partial.guid, {
        product: partial.product,
        withdrawn: false,
        baseline: partial.kind === 'baseline',
      });
    }
  }
  return known;
}

function checkProduct({ source, partial }: ReadDefinition, published: PublishedPackages): void {
  if (partial.product !== undefined && !published.has(partial.product)) {
    source.reportAt(
      ['product'],
      `the product ${partial.product} is not one of this vendor's`,
      `${suggestion(partial.product, [...published.keys()])}; a new product is added with "sallyport cloud product add"`,
    );
  }
}

function checkReferences(
  { source, partial }: ReadDefinition,
  field: 'requires' | 'supersedes',
  known: ReadonlyMap<PackageGuid, Known>,
): void {
  const listed = new Set<PackageGuid>();
  for (const [index, guid] of (partial[field] ?? []).entries()) {
    const other = known.get(guid);
    const report = (what: string, remedy: string): void => source.reportAt([field, index], what, remedy);
    if (guid === partial.guid) {
      report(`the package ${field} itself`, 'leave this line out');
    } else if (listed.has(guid)) {
      report(`${guid} is listed twice in ${field}`, 'leave one of the two out');
    } else if (other === undefined) {
      report(
        `the package ${field} ${guid}, which is neither published nor given here`,
        'publish that package first or together with this one, or correct the GUID',
      );
    } else if (
      partial.product !== undefined &&
      other.product !== undefined &&
      other.product !== partial.product
    ) {
      report(
        `the package ${field} ${guid}, which is of the product ${other.product}`,
        'name packages of the same product only',
      );
    } else if (field === 'requires' && other.withdrawn) {
      report(
        `the package requires ${guid}, which is withdrawn and so never installed again`,
        'require another package',
      );
    }
    listed.add(guid);
  }
}

function checkKind({ source, partial }: ReadDefinition): void {
  if (partial.kind !== 'baseline') {
    return;
  }
  const meaningless = (['appliesTo', 'requires', 'supersedes', 'applicability'] as const).filter(
    (field) => !isEmpty(partial[field]),
  );
  for (const field of meaningless) {
    source.reportAt(
      [field],
      `a baseline cannot have "${field}": it comes from media when a site is set up, and is never offered`,
      'leave it out, or make the package a version update',
    );
  }
}

function isEmpty(value: Definition['appliesTo'] | Definition['applicability'] | readonly string[]): boolean {
  return value === undefined || Object.keys(value).length === 0;
}

function checkVersionsAndDates({ source, partial }: ReadDefinition): void {
  const { lowest, highest } = partial.appliesTo ?? {};
  if (lowest !== undefined && highest !== undefined && compareVersions(lowest, highest) > 0) {
    source.reportAt(
      ['appliesTo', 'lowest'],
      `the lowest version it applies to (${lowest}) is above the highest (${highest})`,
      'exchange or correct them',
    );
  }
  if (
    lowest !== undefined &&
    partial.kind === 'version-update' &&
    partial.version !== undefined &&
    compareVersions(lowest, partial.version) >= 0
  ) {
    source.reportAt(
      ['appliesTo', 'lowest'],
      `a version update to ${partial.version} cannot apply only from ${lowest} on`,
      'give a lower version, or leave it out',
    );
  }
  if (
    partial.supportEndsAt !== undefined &&
    partial.releasedAt !== undefined &&
    Date.parse(partial.supportEndsAt) <= Date.parse(partial.releasedAt)
  ) {
    source.reportAt(['supportEndsAt'], 'support ends before the release', 'correct one of the two dates');
  }
}

function checkIds({ source, partial }: ReadDefinition): void {
  for (const field of ['prerequisites', 'features', 'hooks'] as const) {
    const seen = new Set<string>();
    for (const [index, { id }] of (partial[field] ?? []).entries()) {
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(id)) {
        source.reportAt(
          [field, index, 'id'],
          `"${id}" is no id`,
          'use letters, digits, dots, hyphens and underscores, at most 63',
        );
      }
      if (seen.has(id)) {
        source.reportAt(
          [field, index, 'id'],
          `the id "${id}" is there twice in ${field}`,
          'give each its own',
        );
      }
      seen.add(id);
    }
  }
}

/** Published packages cannot name packages that are not, so a circle lies among the definitions. */
function checkCycles(definitions: readonly ReadDefinition[]): void {
  const byGuid = new Map(
    definitions.flatMap((definition) =>
      definition.partial.guid === undefined ? [] : [[definition.partial.guid, definition]],
    ),
  );
  // A package that requires itself has been told already.
  const requires = new Map(
    [...byGuid].map(([guid, { partial }]) => [
      guid,
      (partial.requires ?? []).filter((other) => other !== guid),
    ]),
  );
  for (;;) {
    const circle = findRequiresCycle([...requires].map(([guid, others]) => ({ guid, requires: others })));
    const [last, first] = circle?.slice(-2) ?? [];
    if (circle === undefined || last === undefined || first === undefined) {
      return;
    }
    const names = circle.map((guid) => byGuid.get(guid)?.partial.name ?? guid).join(' → ');
    const definition = byGuid.get(last);
    definition?.source.reportAt(
      ['requires', definition.partial.requires?.indexOf(first) ?? 0],
      `packages require each other in a circle: ${names}`,
      'take one of these requirements out',
    );
    // Without this one, the next circle shows.
    requires.set(
      last,
      (requires.get(last) ?? []).filter((guid) => guid !== first),
    );
  }
}
