import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { type PrerequisiteResult, unconsented, worst } from '@sallyport/core/domain/updates/prerequisites';
import type { InstallTools } from './install-tools.ts';
import type { OrderedWork } from './ordered-work.ts';
import { checkPrerequisites } from './prerequisite-check.ts';

const events = {
  passed: 'prerequisites-passed',
  warning: 'prerequisites-warned',
  failed: 'prerequisites-failed',
} as const;

/**
 * Checks an ordered package's prerequisites and records the results. A cancel or a newer order ends the check, and
 * nothing is recorded of it.
 */
export async function checkPhase(
  tools: InstallTools,
  work: OrderedWork,
  descriptor: PackageDescriptor,
  signal: AbortSignal,
): Promise<void> {
  const { log, records, site } = tools;
  const { guid, version } = descriptor;
  const begun = records.append(work.projection, { event: 'prerequisites-started' });
  if (begun === undefined) return;
  tools.report(`checks the prerequisites of ${version}`);
  log.info('Checking prerequisites of {version} ({guid})', { version, guid });
  const watch = records.watch(begun, signal);
  let results: readonly PrerequisiteResult[];
  try {
    results = await checkPrerequisites(tools, site, descriptor, records.others(guid), watch.signal);
  } catch (failure) {
    signal.throwIfAborted();
    if (watch.overtaken()) return;
    throw failure;
  } finally {
    watch.stop();
  }
  const result = worst(results);
  const reason = reasonOf(results, unconsented(results, work.consent, site.code));
  const data = { results, ...(reason === undefined ? {} : { reason }) };
  if (records.append(begun, { event: events[result], data }) === undefined) return;
  log.info('Prerequisite check of {version} ({guid}) ended: {result}', { version, guid, result });
}

/** What the state rests on or goes on in spite of; undefined when all are met. */
function reasonOf(
  results: readonly PrerequisiteResult[],
  open: readonly PrerequisiteResult[],
): string | undefined {
  const titles = (some: readonly PrerequisiteResult[]): string => some.map(({ title }) => title).join('; ');
  const unmet = results.filter(({ status }) => status !== 'passed');
  const failed = unmet.filter(({ severity }) => severity === 'error');
  if (failed.length > 0) return `Not met: ${titles(failed)}. Remedy it and retry.`;
  if (open.length > 0) {
    return `Warnings that nobody has consented to: ${titles(open)}. Consent to them by name, or remedy them and retry.`;
  }
  return unmet.length > 0 ? `Warnings that were consented to: ${titles(unmet)}.` : undefined;
}
