import { resolve } from 'node:path';
import { formatBytes } from '@sallyport/core/shared/units';
import type { DueResult, ImportResult, PreparedResult } from '@sallyport/core/wire/api';
import { createFileDurably } from '@sallyport/engine/storage/files/create-file';
import { administrator } from '../command/administrator.ts';
import { withSite } from '../client/site-client.ts';
import { secretOf } from '../command/secret.ts';
import { formatCsv } from '../output/csv.ts';
import { formatInstant } from '../output/instant.ts';
import { formatTable, plain } from '../output/table.ts';
import { mediaIn } from './destination.ts';
import type { PrepareOptions, SiteToolOptions } from './site-commands.ts';
import { runTool } from './tool-run.ts';

export function prepareFile(options: PrepareOptions): Promise<void> {
  return runTool(
    'prepare',
    options,
    async (log, signal) => {
      const enrolmentCode = await secretOf({
        what: 'enrolment code',
        word: undefined,
        file: options.enrolmentCodeFile,
        wordOption: '--enrolment-code',
        fileOption: '--enrolment-code-file',
      });
      const input = {
        to: resolve(options.to),
        ...(options.choice === undefined ? {} : { choice: options.choice }),
        ...(enrolmentCode === undefined ? {} : { enrolmentCode }),
      };
      const prepared = await withSite(options.data, signal, (site) =>
        site.ask<PreparedResult>('tool-prepare', input),
      );
      log.info('Request {sequence} of hierarchy {id} is in {file}', {
        sequence: prepared.sequence,
        id: prepared.hierarchyId,
        file: prepared.file,
      });
      return prepared;
    },
    renderPrepared,
  );
}

export function importMedia(options: SiteToolOptions, from: readonly string[]): Promise<void> {
  return runTool(
    'import',
    options,
    async (log, signal) => {
      const media = await Promise.all(from.map((folder) => mediaIn(folder)));
      const input = { from: media.flat(), by: administrator() };
      const imported = await withSite(options.data, signal, (site) =>
        site.ask<ImportResult>('tool-import', input),
      );
      log.info('Taken in: {receipts} receipts, {blobs} blobs of {size}; metadata {metadata}, offer {offer}', {
        receipts: imported.receipts,
        blobs: imported.blobs,
        size: formatBytes(imported.sizeBytes),
        metadata: imported.metadata.result,
        offer: imported.offer.result,
      });
      for (const note of imported.notes) log.warn('{note}', { note });
      return imported;
    },
    renderImported,
  );
}

export function exportCsv(options: SiteToolOptions, to: string): Promise<void> {
  return runTool(
    'export',
    options,
    async (_log, signal) => {
      const due = await withSite(options.data, signal, (site) => site.ask<DueResult>('tool-due', {}));
      const file = resolve(to);
      await createFileDurably(
        file,
        new TextEncoder().encode(formatCsv(['part', 'field', 'value'], csvRows(due))),
      );
      return { file, envelopes: due.envelopes.length };
    },
    ({ file, envelopes }) => `${file} tells of ${envelopes} envelopes, one value a row`,
  );
}

function csvRows({
  hierarchyId,
  vendorUrl,
  products,
  heldBlobs,
  envelopes,
}: DueResult): (number | string)[][] {
  return [
    ['request', 'hierarchyId', hierarchyId],
    ['request', 'vendorUrl', vendorUrl],
    ...products.map(({ product, version }) => ['request', `products/${product}`, version]),
    ['request', 'heldBlobs', heldBlobs],
    ...envelopes.flatMap(({ what, payloadType, payloadSha256, payload }) => [
      [what, 'type', payloadType],
      [what, 'sha256', payloadSha256],
      ...(payload === ''
        ? [[what, 'content', 'the enrolment code, which is shown to nobody']]
        : leaves(JSON.parse(payload)).map(([field, value]) => [what, field, value])),
    ]),
  ];
}

/** Every value of a document with the way to it. */
function leaves(value: unknown, path = ''): [string, number | string][] {
  if (typeof value !== 'object' || value === null)
    return [[path, typeof value === 'number' ? value : String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}/${key}`));
}

function renderPrepared({ file, sequence, envelopes, heldBlobs, vendor }: PreparedResult): string {
  const table = formatTable(
    ['leaves, sealed to the vendor', 'size', 'SHA-256 of what was signed'],
    envelopes.map(({ what, sizeBytes, payloadSha256 }) => [what, formatBytes(sizeBytes), payloadSha256]),
  );
  return [
    `Request ${sequence} for ${plain(vendor.name)} is in ${file}; ${heldBlobs} blobs are held here.`,
    ...(envelopes.length === 0 ? ['Nothing leaves but the list of what is held.'] : ['', table]),
    '',
    `Next, where there is internet: sallyport tool connect --from <its folder> --to <medium>`,
  ].join('\n');
}

function renderImported(imported: ImportResult): string {
  const { metadata, offer, receipts, blobs, sizeBytes, knownBlobs, absentBlobs, strangeBlobs } = imported;
  const packages =
    imported.packages.length === 0
      ? ['No package came along.']
      : [
          formatTable(
            ['package', 'version', 'content'],
            imported.packages.map(({ name, version, whole }) => [
              name,
              version,
              whole ? 'complete here' : 'not complete: prepare again, and let another medium come',
            ]),
          ),
        ];
  const left = [
    absentBlobs > 0 ? `${absentBlobs} blobs are listed and on none of these media` : '',
    strangeBlobs > 0 ? `${strangeBlobs} are named by no trusted catalogue and were left` : '',
  ].filter((text) => text !== '');
  return [
    `Medium written ${formatInstant(Date.parse(imported.writtenAt))}${imported.complete ? '' : ' (not complete)'}`,
    `  metadata: ${metadata.result}${metadata.message === undefined ? '' : ` – ${plain(metadata.message)}`}`,
    `  receipts: ${receipts}`,
    `  offer: ${offer.result}${offer.message === undefined ? '' : ` – ${plain(offer.message)}`}`,
    `  content: ${blobs} blobs taken (${formatBytes(sizeBytes)}), ${knownBlobs} were here already${left.length === 0 ? '' : `; ${left.join('; ')}`}`,
    ...imported.notes.map((note) => `  ${plain(note)}`),
    '',
    ...packages,
    '',
    'What was new goes on by itself: see "sallyport update list".',
  ].join('\n');
}
