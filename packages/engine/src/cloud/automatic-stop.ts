import type { PackageGuid } from '@sallyport/core/shared/ids';
import type { Log } from '../ports/log.ts';
import type { InstallOutcome, StopLimit, UsageLedger } from '../ports/usage-ledger.ts';
import { type CloudTools, readPublished } from './cloud-tools.ts';
import type { Contents } from './contents.ts';
import { changeRollout } from './rollout-changes.ts';
import { serviceName } from '../ports/service-name.ts';

/**
 * Stops every package of which more installs fail than its limit allows. A limit that was passed is spent: whoever lifts
 * the stop sets a new one, or none. What is stopped already stays stopped for its own reason, also when it was this
 * service that died between the stop and its note.
 */
export async function stopWhatFails(
  ledger: UsageLedger,
  tools: CloudTools,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  for (const limit of await ledger.stopLimits()) {
    if (limit.trippedAt !== undefined) continue;
    const { guid } = limit;
    const outcome = await ledger.installOutcome(guid);
    if (!isPassed(limit, outcome)) continue;
    const { contents } = await readPublished(tools);
    if (!isOffered(contents, guid)) continue;
    const reason = stopReason(limit, outcome);
    if (!isStopped(contents, guid)) await changeRollout(tools, { package: guid }, { stop: reason }, signal);
    await ledger.tripStopLimit(guid, outcome, { at: tools.clock.now(), who: serviceName });
    log.error('package {guid} is stopped: {reason}', { guid, reason });
  }
}

function isPassed({ percent, ofAtLeast }: StopLimit, { attempted, failed }: InstallOutcome): boolean {
  return attempted >= ofAtLeast && failed * 100 > percent * attempted;
}

function isOffered({ catalogues }: Contents, guid: PackageGuid): boolean {
  return [...catalogues.values()].some(({ packages }) =>
    packages.some((each) => each.guid === guid && each.withdrawn === undefined),
  );
}

function isStopped({ rollouts }: Contents, guid: PackageGuid): boolean {
  return [...rollouts.values()].some(({ packages }) =>
    packages.some((each) => each.guid === guid && each.stopped !== undefined),
  );
}

/** For administrators of every site: the numbers, and the limit. */
function stopReason({ percent }: StopLimit, { attempted, failed }: InstallOutcome): string {
  const rate = Math.round((failed * 1000) / attempted) / 10;
  return `Installs failed at ${failed} of ${attempted} hierarchies that reported one (${rate} %), above the limit of ${percent} %. The vendor looks into it.`;
}
