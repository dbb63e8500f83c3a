import { formatBytes } from '@sallyport/core/shared/units';
import type { CourierResult } from '@sallyport/engine/components/courier/courier-ports';
import { formatTable, plain } from '../output/table.ts';

/** What a trip came to, or would come to. */
export function renderTrip(result: CourierResult): string {
  const { vendor, metadata, parts, complete, hierarchies, blobs, sizeBytes, fetchedBytes, notes } = result;
  const table = formatTable(
    ['hierarchy', 'receipts', 'offer', 'packages', 'content', 'missing'],
    hierarchies.map((each) => [
      each.hierarchyId.slice(0, 12),
      String(each.receipts),
      each.offer ? 'yes' : 'no',
      each.packages.map(({ name }) => name).join(', ') || 'none',
      `${each.blobs} blobs, ${formatBytes(each.sizeBytes)}`,
      each.missingBlobs === 0 ? '–' : `${each.missingBlobs} blobs, ${formatBytes(each.missingBytes)}`,
    ]),
  );
  const problems = hierarchies.flatMap(({ hierarchyId, problems: own }) =>
    own.map((problem) => `  ${hierarchyId.slice(0, 12)}: ${plain(problem)}`),
  );
  return [
    `${plain(vendor.name)}: metadata verified, root ${metadata.root}, timestamp ${metadata.timestamp}`,
    '',
    table,
    '',
    `${blobs} blobs of ${formatBytes(sizeBytes)} in ${parts === 1 ? 'one part' : `${parts} parts`}; ${formatBytes(fetchedBytes)} fetched now`,
    ...problems,
    ...notes.map((note) => `  ${plain(note)}`),
    complete ? 'Complete.' : 'Not complete: run it again, and it goes on.',
  ].join('\n');
}
