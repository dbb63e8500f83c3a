import { messageOf } from '@sallyport/core/shared/errors';
import { formatBytes } from '@sallyport/core/shared/units';
import { formatTable } from '../output/table.ts';
import { type Told, versions } from './story.ts';
import type { DemoSite } from './topology.ts';
import { inspectSite } from './verify.ts';

/**
 * The closing table and line of the demonstration. A site counts only when both packages are installed there, its
 * compiler says so itself, and every installed file is the vendor's.
 */
export async function report(
  sites: readonly DemoSite[],
  told: Told,
): Promise<{ readonly text: string; readonly complete: boolean }> {
  const rows: string[][] = [];
  const faults: string[] = [];
  for (const site of sites) {
    const { row, fault } = await reportSite(site, told);
    rows.push(row);
    if (fault !== undefined) faults.push(`${site.code}: ${fault}`);
  }
  const installed = sites.length - faults.length;
  const table = formatTable(
    [
      'site',
      'type',
      'version before',
      'version after',
      'state',
      'files checked',
      'bytes received',
      'seconds',
    ],
    rows,
  );
  const text = [table, ...faults, `main job: ${installed}/${sites.length} sites installed`].join('\n');
  return { text, complete: faults.length === 0 };
}

async function reportSite(
  site: DemoSite,
  { folders, statuses, events, before }: Told,
): Promise<{ readonly row: string[]; readonly fault?: string }> {
  const { code, type } = site;
  const own = statuses.map((found) => found.sites.find((each) => each.site === code));
  const state = own.find((each) => each?.state !== 'INSTALL_SUCCESS')?.state ?? 'INSTALL_SUCCESS';
  const happened = events.filter((event) => event.site === code);
  const received = receivedBytes(happened);
  const seconds = installSeconds(happened);
  const rest = [state, '–', formatBytes(received), seconds.toFixed(1)];
  try {
    const { version, filesChecked, differences } = await inspectSite(folders.get(code) ?? '');
    const row = [
      code,
      type,
      before.get(code) ?? '–',
      version,
      state,
      String(filesChecked),
      formatBytes(received),
      seconds.toFixed(1),
    ];
    if (state !== 'INSTALL_SUCCESS') return { row, fault: `a package is in state ${state}` };
    if (version !== versions.hotfix)
      return { row, fault: `the compiler says it is ${version}, not ${versions.hotfix}` };
    if (differences.length > 0)
      return { row, fault: `these files are not the vendor's: ${differences.join(', ')}` };
    return { row };
  } catch (error) {
    return { row: [code, type, before.get(code) ?? '–', '–', ...rest], fault: messageOf(error) };
  }
}

/** What travelled to the site for both packages: by download at the top, by replication below. */
function receivedBytes(events: Told['events']): number {
  return events
    .filter(({ event }) => event === 'download-succeeded' || event === 'replication-succeeded')
    .reduce((sum, { data }) => sum + Number(data['receivedBytes'] ?? 0), 0);
}

/** From the order to the end of each package's install, added up. */
function installSeconds(events: Told['events']): number {
  let total = 0;
  let orderedAt: number | undefined;
  for (const { event, at } of events.toSorted((a, b) => a.at - b.at)) {
    if (event === 'ordered') orderedAt = at;
    if (event === 'install-succeeded' && orderedAt !== undefined) total += at - orderedAt;
  }
  return total / 1_000;
}
