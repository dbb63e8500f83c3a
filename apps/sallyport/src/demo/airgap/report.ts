import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatBytes } from '@sallyport/core/shared/units';
import { formatTable } from '../../output/table.ts';
import type { Stage } from '../stage.ts';
import { airgapVersions, type Hierarchy, type ToldTrips } from './story.ts';

const run = promisify(execFile);

/**
 * The closing tables. A hierarchy counts when its program says the newest version itself, the vendor knows it by that
 * version, and holds each usage report that was ever made there once.
 */
export async function reportTrips(
  stage: Stage,
  { cloud, hierarchies, trips, isolated }: ToldTrips,
): Promise<{ readonly text: string; readonly complete: boolean }> {
  const tripTable = formatTable(
    ['trip', 'hierarchy', 'metadata', 'offer', 'receipts', 'blobs taken', 'bytes'],
    trips.map(({ trip, hierarchy, imported }) =>
      imported === undefined
        ? [trip, hierarchy, 'never came', '–', '–', '–', '–']
        : [
            trip,
            hierarchy,
            imported.metadata.result,
            imported.offer.result,
            String(imported.receipts),
            String(imported.blobs),
            formatBytes(imported.sizeBytes),
          ],
    ),
  );
  const known = JSON.parse(
    await stage.run(['cloud', 'show', '--data', cloud, '--json'], { quiet: true }),
  ) as {
    hierarchies: readonly { id: string; versions: Readonly<Record<string, string>> | readonly string[] }[];
  };
  const rows = await Promise.all(
    hierarchies.map(async (hierarchy) => {
      const { id, version } = await installedAt(hierarchy);
      const told = known.hierarchies.find((each) => each.id === id);
      return {
        code: hierarchy.code,
        version,
        told: JSON.stringify(told?.versions ?? 'nothing'),
        ...(await reportsOf(stage, hierarchy, cloud, id)),
      };
    }),
  );
  const newest = airgapVersions.hotfix;
  const done = rows.filter(
    ({ version, told, made, held }) =>
      version === `hello ${newest}` &&
      told.includes(newest) &&
      made.length > 0 &&
      held.join() === made.join(),
  );
  const endTable = formatTable(
    [
      'hierarchy',
      'began with',
      'its program says',
      'the vendor was told',
      'reports made',
      'held by the vendor',
    ],
    rows.map(({ code, version, told, made, held }) => [
      code,
      `hello ${airgapVersions.baseline}`,
      version,
      told,
      made.join(' '),
      held.join(' '),
    ]),
  );
  const text = [
    tripTable,
    '',
    endTable,
    '',
    isolated ? 'Neither hierarchy had a network.' : 'Neither hierarchy used its network.',
    `air gap: ${done.length}/${hierarchies.length} hierarchies on ${newest}`,
  ].join('\n');
  return { text, complete: done.length === hierarchies.length };
}

interface Numbered {
  readonly epoch: number;
  readonly sequence: number;
}

/** Numbers of the usage reports that a hierarchy has made, and of those that the vendor holds of it, both in order. */
async function reportsOf(
  stage: Stage,
  { data }: Hierarchy,
  cloud: string,
  id: string,
): Promise<{ readonly made: readonly string[]; readonly held: readonly string[] }> {
  const asked = async (args: readonly string[]): Promise<readonly string[]> => {
    const answer = await stage.run([...args, '--json'], { quiet: true });
    const { reports } = JSON.parse(answer) as { reports: readonly Numbered[] };
    return reports.map(({ epoch, sequence }) => `${epoch}.${sequence}`).toSorted();
  };
  return {
    made: await asked(['usage', 'history', '--data', data]),
    held: await asked(['cloud', 'usage', 'reports', id, '--data', cloud]),
  };
}

/** What is really installed: the program is run. */
async function installedAt({ data }: Hierarchy): Promise<{ readonly id: string; readonly version: string }> {
  const product = join(data, 'products', 'hello');
  const { folder } = JSON.parse(await readFile(join(product, 'current.json'), 'utf8')) as { folder: string };
  const { stdout } = await run(process.execPath, [
    join(product, 'releases', folder, 'bin', 'hello.mjs'),
    '--version',
  ]);
  const { hierarchyId } = JSON.parse(await readFile(join(data, 'site.json'), 'utf8')) as {
    hierarchyId: string;
  };
  return { id: hierarchyId, version: stdout.trim() };
}
