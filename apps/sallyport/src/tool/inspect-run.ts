import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import { formatBytes, formatDuration } from '@sallyport/core/shared/units';
import type { DueResult } from '@sallyport/core/wire/api';
import type { CourierResult } from '@sallyport/engine/components/courier/courier-ports';
import {
  inspectMedia,
  inspectRequest,
  type MediumInspection,
  type RequestInspection,
} from '@sallyport/engine/components/courier/inspection';
import { openRequest } from '@sallyport/engine/components/courier/requests';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import { onMedium } from '@sallyport/engine/storage/files/medium-failure';
import { fileArchives } from '@sallyport/engine/storage/files/part-archives';
import { defaultDataFolder } from '../client/default-data-folder.ts';
import { withSite } from '../client/site-client.ts';
import { formatInstant } from '../output/instant.ts';
import { formatTable, plain } from '../output/table.ts';
import type { ConnectOptions } from './connect-command.ts';
import { mediaIn, mediumParts } from './destination.ts';
import { openMedium } from './open-medium.ts';
import { renderTrip } from './render-trip.ts';
import type { ToolOptions } from './tool-options.ts';
import { runTool } from './tool-run.ts';
import { travel } from './travel.ts';

/** `tool inspect`. */
export function inspect(paths: readonly string[], options: ToolOptions): Promise<void> {
  return runTool('inspect', options, () => inspectPaths(paths), renderInspection);
}

/** `tool plan`. */
export function plan(options: Partial<ConnectOptions> & { readonly data?: string }): Promise<void> {
  const { from } = options;
  if (from === undefined || options.data !== undefined) {
    const data = options.data ?? defaultDataFolder;
    return runTool(
      'plan',
      options,
      (_log, signal) => withSite(data, signal, (site) => site.ask<DueResult>('tool-due', {})),
      renderDue,
    );
  }
  return runTool(
    'plan',
    options,
    (log, signal) => planned({ ...options, from, to: '' }, log, signal),
    renderTrip,
  );
}

/** What a plan is made of (descriptors, trees) is fetched into a folder that goes away with it. */
async function planned(
  options: ConnectOptions,
  log: Parameters<typeof travel>[2],
  signal: AbortSignal,
): Promise<CourierResult> {
  const scratch = await mkdtemp(join(tmpdir(), 'sallyport-plan-'));
  try {
    return await travel(
      options,
      await mediumParts(scratch, options.maxSize !== undefined),
      log,
      signal,
      true,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** One request file, or a medium with its parts. @throws {MediumError} */
async function inspectPaths(paths: readonly string[]): Promise<MediumInspection | RequestInspection> {
  const [first, ...others] = paths.map((path) => resolve(path));
  if (first === undefined) throw new MediumError('NOT_A_MEDIUM', 'name a request file or a medium');
  const isFolder = await onMedium(first, async () => (await lstat(first)).isDirectory());
  if (!isFolder && others.length > 0)
    throw new MediumError('NOT_A_MEDIUM', 'name one request file, or the parts of one medium');
  if (isFolder) {
    const folders = (await Promise.all([first, ...others].map((folder) => mediaIn(folder)))).flat();
    return inspectMedia(folders.map((folder) => openMedium(folder)));
  }
  const opened = await openRequest(first, fileArchives, { check: checkSignature, digestOf: nodeDigests.of });
  try {
    return await inspectRequest(opened, nodeDigests);
  } finally {
    await opened.archive.close();
  }
}

function age(instant: string): string {
  const at = Date.parse(instant);
  return `${formatInstant(at)} (${formatDuration(Math.max(0, Date.now() - at))} ago)`;
}

function renderInspection(found: MediumInspection | RequestInspection): string {
  return found.kind === 'request' ? renderRequest(found) : renderMedium(found);
}

function renderRequest({ file, request, envelopes, sizeBytes }: RequestInspection): string {
  return [
    `${file}: request ${request.sequence} of hierarchy ${request.hierarchyId}, whole and signed by it`,
    `  prepared ${age(request.preparedAt)}, by release ${plain(request.madeBy)}`,
    `  for ${plain(request.vendor.name)} (${plain(request.vendor.url)})`,
    `  runs ${request.products.map(({ product, version }) => `${product} ${version}`).join(', ') || 'nothing'}, holds ${request.heldBlobs} blobs`,
    `  carries ${envelopes.map(({ what }) => what).join(', ') || 'no envelopes'}, sealed to the vendor; ${formatBytes(sizeBytes)} in all`,
    ...(request.choice === undefined ? [] : [`  asks for: ${request.choice}`]),
    ...(request.lastImport === undefined
      ? ['  no medium has come back yet']
      : [
          `  the last medium came ${age(request.lastImport.importedAt)}: ${request.lastImport.blobs} blobs, ${request.lastImport.receipts} receipts`,
        ]),
  ].join('\n');
}

function renderMedium(medium: MediumInspection): string {
  const { metadata, timestampExpires } = medium;
  const table = formatTable(
    ['hierarchy', 'request', 'packages', 'content', 'answers', 'missing'],
    medium.hierarchies.map((each) => [
      each.hierarchyId.slice(0, 12),
      `${each.sequence} of ${formatInstant(Date.parse(each.preparedAt))}`,
      each.packages.map(({ name }) => name).join(', ') || 'none',
      `${each.blobs} blobs, ${formatBytes(each.sizeBytes)}`,
      each.hasAnswer ? 'yes' : 'none',
      each.absentBlobs === 0 && each.missingBlobs === 0
        ? '–'
        : `${Math.max(each.absentBlobs, each.missingBlobs)} blobs`,
    ]),
  );
  return [
    `${medium.places.join(', ')}: a medium of ${plain(medium.vendor.name)}, written ${age(medium.writtenAt)} by release ${plain(medium.madeBy)}`,
    `  ${medium.parts === 1 ? 'one part' : `${medium.places.length} of ${medium.parts} parts`}, ${medium.complete ? 'complete' : 'not complete: a part is missing, or was not written to its end'}`,
    ...(metadata === undefined
      ? []
      : [
          `  metadata: root ${metadata.root}, timestamp ${metadata.timestamp}${timestampExpires === undefined ? '' : `, which expires ${formatInstant(Date.parse(timestampExpires))}`}`,
        ]),
    '',
    table,
  ].join('\n');
}

function renderDue({ envelopes, heldBlobs, products, vendorUrl }: DueResult): string {
  const sizeBytes = envelopes.reduce((sum, each) => sum + each.sizeBytes, 8 * heldBlobs);
  return [
    `A request to ${plain(vendorUrl)} would tell the courier: ${products.map(({ product, version }) => `${product} ${version}`).join(', ')}, ${heldBlobs} blobs held`,
    `and carry, sealed to the vendor: ${envelopes.map(({ what }) => what).join(', ') || 'nothing'}`,
    `It would take about ${formatBytes(sizeBytes)}.`,
  ].join('\n');
}
