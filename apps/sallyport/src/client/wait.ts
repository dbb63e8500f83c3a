import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { titleOf } from '@sallyport/core/domain/updates/title';
import type { ActionResult, PackageStatusResult, StatusResult } from '@sallyport/core/wire/api';
import { formatBytes, formatDuration } from '@sallyport/core/shared/units';
import { plain } from '../output/table.ts';
import { Screen } from '../output/screen.ts';
import { progressOf, type Progress } from './settled.ts';
import type { SiteClient } from './site-client.ts';

const askEveryMs = 400;

/**
 * Follows an action until it has come to rest at every site it is for, showing what each of them does and why it
 * waits. Undefined when the signal ended the waiting: the sites go on without it.
 */
export async function followAction(
  site: SiteClient,
  action: ActionResult,
  signal: AbortSignal,
): Promise<Exclude<Progress['kind'], 'under-way'> | undefined> {
  const screen = new Screen(process.stderr);
  while (!signal.aborted) {
    const status = await site.ask<StatusResult>('status', {
      id: action.orders.at(-1)?.guid ?? action.guid ?? '',
    });
    const progress = progressOf(status, action);
    if (progress.package !== undefined) screen.show(linesOf(progress.package, action.sites));
    if (progress.kind !== 'under-way') return progress.kind;
    // Asked again and again, for a warning that rests is told by time alone.
    await setTimeout(askEveryMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** Shows the state of everything in hand as it changes, until the signal ends it. */
export async function followStatus(site: SiteClient, signal: AbortSignal): Promise<void> {
  const screen = new Screen(process.stdout);
  for await (const { packages } of site.watch<StatusResult>(signal)) {
    screen.show(
      packages.flatMap((found) => [
        `${plain(titleOf(found.name, found.version))}: ${found.state}`,
        ...linesOf(
          found,
          found.sites.map((each) => each.site),
        ).map((line) => `  ${line}`),
      ]),
    );
  }
}

function linesOf({ sites }: PackageStatusResult, concerned: readonly string[]): readonly string[] {
  return sites
    .filter(({ site, state }) => (concerned.length === 0 ? state !== 'UNKNOWN' : concerned.includes(site)))
    .map(({ site, state, step, transfer, reason }) => {
      const moving =
        transfer === undefined || transfer.doneBytes >= transfer.totalBytes
          ? ''
          : ` ${formatBytes(transfer.doneBytes)} of ${formatBytes(transfer.totalBytes)}${transfer.remainingMs === undefined ? '' : `, ${formatDuration(transfer.remainingMs)} left`}`;
      return `${site}  ${state}${step === undefined ? '' : ` (${step})`}${moving}  ${plain(reason)}`;
    });
}
