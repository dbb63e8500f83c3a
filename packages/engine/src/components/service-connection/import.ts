import type { MediumImport } from '@sallyport/core/domain/exchange/medium';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { formatBytes } from '@sallyport/core/shared/units';
import type { ImportResult } from '@sallyport/core/wire/api';
import { contentListMaxBytes, mediumPlaces, parseContentList } from '@sallyport/core/wire/medium';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { packageOf, type TrustedView } from '../hierarchy-manager/trusted-view.ts';
import type { ConnectionPorts } from './connection-ports.ts';
import { connectionSettingName, readConnection } from './connection-setting.ts';
import { contentOf, entryFor, type IndexedMedium, indexOf, isComplete } from './media.ts';
import { noteExchange, takeAnswers } from './take-answers.ts';
import { isWhole, takeContent } from './take-content.ts';

/**
 * Takes in what media carry for this hierarchy, in whatever order they come: metadata and offers only ever move
 * forward, receipts settle, and blobs are kept when the trusted catalogue names them. Everything is verified here
 * before it is visible. Nothing is written to the media.
 *
 * @throws {MediumError} the site is as it was, but for what was verified before a medium was pulled out
 */
export async function importMedia(
  ports: ConnectionPorts,
  from: readonly string[],
  signal: AbortSignal,
): Promise<ImportResult> {
  const media: IndexedMedium[] = [];
  for (const folder of from) {
    const medium = ports.openMedium(folder);
    media.push({ ...medium, index: await indexOf(medium.folder) });
  }
  const { hierarchyId, blobs, releases, log } = ports;
  await refuseOtherVendor(ports, media);
  const entry = entryFor(media, hierarchyId);
  const notes = [...entry.problems];
  const metadata = await takeMetadata(ports, media, notes, signal);
  const view = await ports.documents.view();
  const guids = entry.packages.flatMap(({ guid }) => (packageOf(view, guid) === undefined ? [] : [guid]));
  // Before anything of them comes: collection takes what belongs to nothing.
  noteBrought(ports, guids);
  const list = await firstOf(media, mediumPlaces(hierarchyId).content, contentListMaxBytes);
  const content = await takeContent(
    { blobs, freeBytes: () => releases.freeBytes() },
    list === undefined ? [] : parseContentList(list),
    contentOf(media),
    view,
    signal,
  );
  for (const sha256 of content.damaged.slice(0, 5))
    notes.push(
      `Blob ${sha256} was damaged on its way and was not taken: the next request asks for it again.`,
    );
  const answers = await takeAnswers(ports, media, view);
  notes.push(...answers.notes);
  const packages = await broughtPackages(ports, guids, view);
  const writtenAt =
    media
      .map(({ index }) => index.writtenAt)
      .toSorted()
      .at(-1) ?? '';
  keep(ports, {
    importedAt: new Date(ports.clock.now()).toISOString(),
    writtenAt,
    receipts: answers.receipts,
    ...(answers.sequence === undefined ? {} : { offer: answers.sequence }),
    blobs: content.blobs,
    sizeBytes: content.sizeBytes,
  });
  noteExchange(ports, metadata, answers);
  ports.downloader.contentCame();
  log.info(
    'A medium of {writtenAt} was taken in: metadata {metadata}, offer {offer}, {receipts} receipts, {blobs} blobs of {size}',
    {
      writtenAt,
      metadata: metadata.result,
      offer: answers.offer.result,
      receipts: answers.receipts,
      blobs: content.blobs,
      size: formatBytes(content.sizeBytes),
    },
  );
  const { damaged: _, ...counts } = content;
  return {
    writtenAt,
    complete: isComplete(media) && entry.missingBlobs === 0,
    metadata,
    receipts: answers.receipts,
    offer: answers.offer,
    ...counts,
    packages: [...packages],
    notes,
  };
}

async function refuseOtherVendor({ trust }: ConnectionPorts, media: readonly IndexedMedium[]): Promise<void> {
  for (const { folder, index, repository } of media) {
    for (const { version } of index.roots) {
      const own = await trust.loadRoot(version);
      if (own === undefined) continue;
      const theirs = await repository
        .metadata(`${version}.root.json`, { maxBytes: own.length }, never)
        .catch(() => undefined);
      if (theirs !== undefined && Buffer.compare(own, theirs) === 0) continue;
      throw new MediumError(
        'OTHER_VENDOR',
        `${folder.place} is of another vendor (${index.vendor.name}), or its root was altered: its root ${version} is not the one trusted here; take the medium of this site’s vendor`,
        { place: folder.place },
      );
    }
  }
}

const never = new AbortController().signal;

async function takeMetadata(
  { documents, tufVersions }: ConnectionPorts,
  media: readonly IndexedMedium[],
  notes: string[],
  signal: AbortSignal,
): Promise<ImportResult['metadata']> {
  const before = await tufVersions();
  const [newest] = media.toSorted((a, b) => timestampOf(b) - timestampOf(a));
  if (newest === undefined) return { result: 'known' };
  const offered = await timestampOn(newest);
  if (offered === undefined)
    return { result: 'refused', code: 'NOT_FOUND', message: 'The medium has no metadata.' };
  if (offered < (before['timestamp'] ?? 0)) {
    const message = `The medium’s metadata are older (timestamp ${offered}) than those trusted here (${before['timestamp'] ?? 0}): they were not taken.`;
    return { result: 'refused', code: 'OLDER', message };
  }
  try {
    const source = newest.repository;
    for (const problem of await documents.refreshFrom({ source, content: contentOf(media) }, signal))
      notes.push(`${problem.what} could not be taken: ${problem.message}`);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    throw new MediumError(
      error.code === 'EXPIRED' ? 'EXPIRED' : 'EDITED',
      error.code === 'EXPIRED'
        ? `${newest.folder.place} is too old to be believed: ${error.message}. It was written at ${newest.index.writtenAt}. Make another trip, or let media be older: "sallyport site media-age --days …"`
        : `${newest.folder.place} cannot be believed: ${error.message}. Have it written anew, and distrust where it has been`,
      { why: error.code },
      { cause: error },
    );
  }
  const after = await tufVersions();
  return { result: JSON.stringify(before) === JSON.stringify(after) ? 'known' : 'taken' };
}

function timestampOf({ index }: IndexedMedium): number {
  return index.metadata?.timestamp ?? 0;
}

/** The version that a medium's timestamp says it has: not believed, and enough to pass an older one over. */
async function timestampOn({ repository, folder }: IndexedMedium): Promise<number | undefined> {
  const bytes = await repository.metadata('timestamp.json', { maxBytes: 64 * 1024 }, never);
  if (bytes === undefined) return undefined;
  try {
    return parseMetadata('timestamp', bytes).signed.version;
  } catch (cause) {
    throw new MediumError(
      'EDITED',
      `${folder.place} has a timestamp that cannot be read: it was altered or damaged; have it written anew`,
      { place: folder.place },
      { cause },
    );
  }
}

async function broughtPackages(
  { blobs }: ConnectionPorts,
  guids: readonly PackageGuid[],
  view: TrustedView,
): Promise<ImportResult['packages']> {
  const packages: ImportResult['packages'] = [];
  for (const guid of guids) {
    const known = packageOf(view, guid);
    if (known?.descriptor === undefined) continue;
    const { name, version, content } = known.descriptor;
    packages.push({ guid, name, version, whole: await isWhole(content, blobs) });
  }
  return packages;
}

function noteBrought({ database }: ConnectionPorts, guids: readonly PackageGuid[]): void {
  database.write(({ settings }) => {
    const before = readConnection(settings);
    settings.put(connectionSettingName, { ...before, brought: [...new Set([...before.brought, ...guids])] });
  });
}

function keep({ database }: ConnectionPorts, lastImport: MediumImport): void {
  database.write(({ settings }) =>
    settings.put(connectionSettingName, { ...readConnection(settings), lastImport }),
  );
}

/** The same on every part: the first that has it will do. */
async function firstOf(
  media: readonly IndexedMedium[],
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  for (const { folder } of media) {
    const bytes = await folder.read(path, maxBytes);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}
