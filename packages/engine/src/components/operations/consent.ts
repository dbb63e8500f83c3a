import type { WarningConsent } from '@sallyport/core/domain/updates/order';
import type { PrerequisiteResult } from '@sallyport/core/domain/updates/prerequisites';
import type { EpochMs, PackageGuid } from '@sallyport/core/shared/ids';
import type { ConsentInput, KnownWarning } from '@sallyport/core/wire/api';
import type { ReadTables } from '../../ports/site-database.ts';
import { OperationError } from './operation-error.ts';

const checkEvents: ReadonlySet<string> = new Set([
  'prerequisites-passed',
  'prerequisites-warned',
  'prerequisites-failed',
]);

/** The warnings of a package that the last check at each site found. */
export function knownWarnings(tables: ReadTables, guid: PackageGuid): readonly KnownWarning[] {
  const events = tables.updates.events({ guid });
  const sites = [...new Set(events.map(({ site }) => site))].toSorted();
  return sites.flatMap((site) => {
    const checked = events.findLast((event) => event.site === site && checkEvents.has(event.event));
    if (checked === undefined) return [];
    const results = checked.data['results'];
    const warnings = (Array.isArray(results) ? (results as readonly PrerequisiteResult[]) : []).filter(
      ({ severity, status }) => severity === 'warning' && status !== 'passed',
    );
    return warnings.map(({ id, title, detail, remedy }) => ({
      site,
      prerequisite: id,
      title,
      detail,
      remedy,
      at: checked.at,
    }));
  });
}

/**
 * The consent that goes into an order: a person's name and every warning, each by name. Undefined when there is
 * nothing to consent to.
 *
 * @param concerned only warnings of the sites that the order is for are needed
 * @throws {OperationError} WARNINGS_NOT_CONSENTED when it leaves one out, NOT_FOUND when it names one that nobody knows
 */
export function consentFor(
  known: readonly KnownWarning[],
  given: ConsentInput,
  at: EpochMs,
): WarningConsent | undefined {
  const chosen = given.warnings === 'all-known' ? known : chosenOf(known, given.warnings);
  const left = known.filter((warning) => !chosen.includes(warning));
  if (left.length > 0) throw notConsented(left);
  if (chosen.length === 0) return undefined;
  return {
    by: given.by,
    at: new Date(at).toISOString(),
    warnings: chosen.map(({ site, prerequisite, title }) => ({
      site: site as WarningConsent['warnings'][number]['site'],
      prerequisite,
      title,
    })),
  };
}

export function notConsented(warnings: readonly KnownWarning[]): OperationError {
  const list = warnings
    .map(({ site, title, prerequisite }) => `${title} (${prerequisite}) at ${site}`)
    .join('; ');
  return new OperationError(
    'WARNINGS_NOT_CONSENTED',
    `prerequisite warnings stand in the way: ${list}. Remedy them and check the prerequisites again, or consent to each by name`,
    { warnings: warnings.length },
  );
}

function chosenOf(
  known: readonly KnownWarning[],
  named: Exclude<ConsentInput['warnings'], 'all-known'>,
): readonly KnownWarning[] {
  return named.map(({ site, prerequisite }) => {
    const found = known.find((warning) => warning.site === site && warning.prerequisite === prerequisite);
    if (found !== undefined) return found;
    throw new OperationError(
      'NOT_FOUND',
      `no warning "${prerequisite}" is known at site ${site}: nobody can consent to what has not been found`,
      {
        site,
        prerequisite,
      },
    );
  });
}
