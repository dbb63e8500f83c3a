import type { MediumRequest } from '@sallyport/core/domain/exchange/medium';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import { messageOf } from '@sallyport/core/shared/errors';
import { mebibytes } from '@sallyport/core/shared/units';
import { requestEnvelopeMaxBytes } from '@sallyport/core/wire/medium';
import { readMediumRequest } from '@sallyport/core/wire/medium-reading';
import type { VerificationTools } from '@sallyport/core/wire/hierarchy-documents';
import type { Digests } from '../../ports/digests.ts';
import type { PartArchive, PartArchives } from '../../ports/media.ts';
import { requestName } from '../service-connection/request-names.ts';

/** A request file that is what a site made. */
export interface OpenRequest {
  readonly request: MediumRequest;
  readonly archive: PartArchive;
}

/**
 * Opens a request file and verifies its index. The caller closes it.
 *
 * @throws {MediumError} NOT_A_REQUEST, TRUNCATED, EDITED, TOOL_OLDER, UNSAFE, UNREADABLE
 */
export async function openRequest(
  path: string,
  archives: PartArchives,
  tools: VerificationTools,
): Promise<OpenRequest> {
  const archive = await archives.open(path);
  try {
    const bytes = await archive.read(requestName, requestEnvelopeMaxBytes);
    if (bytes === undefined) {
      throw new MediumError(
        'NOT_A_REQUEST',
        `${path} has no ${requestName}: it is no request file of "sallyport tool prepare"`,
        { path },
      );
    }
    return { request: readMediumRequest(bytes, path, tools), archive };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

/** No part is larger: a sealed report, or what two million blobs take. Whoever signed for more is no site of ours. */
const partMaxBytes = mebibytes(32);

/** A part of a request, as the site signed for it. @throws {MediumError} EDITED, TRUNCATED */
export async function partOf(
  { request, archive }: OpenRequest,
  name: string,
  digests: Digests,
): Promise<Uint8Array> {
  const part = request.parts.find((each) => each.name === name);
  const bytes =
    part === undefined ? undefined : await archive.read(name, Math.min(part.sizeBytes, partMaxBytes));
  if (bytes !== undefined && digests.of('sha256', bytes) === part?.sha256) return bytes;
  throw new MediumError(
    'EDITED',
    `${archive.path} was altered or damaged on its way: its part ${name} is not the one that the site signed for; prepare a new one`,
    { path: archive.path, part: name },
  );
}

/** What a folder of request files comes to. */
export interface RequestFolder {
  /** One for each hierarchy: the newest. */
  readonly requests: readonly OpenRequest[];
  /** Files that were passed over, and why. */
  readonly notes: readonly string[];
}

/**
 * The requests among files, one for each hierarchy: of two the newer counts. A file that is none, or is damaged, keeps
 * the others from nothing, and is told. The caller closes what it gets.
 *
 * @throws {MediumError} that of the first file when none is any good; NO_REQUESTS when there is no file at all
 */
export async function openRequests(
  paths: readonly string[],
  archives: PartArchives,
  tools: VerificationTools,
): Promise<RequestFolder> {
  const newest = new Map<string, OpenRequest>();
  const notes: string[] = [];
  const failures: MediumError[] = [];
  for (const path of paths) {
    let opened: OpenRequest;
    try {
      opened = await openRequest(path, archives, tools);
    } catch (error) {
      if (!(error instanceof MediumError)) throw error;
      failures.push(error);
      notes.push(`Passed over: ${messageOf(error)}`);
      continue;
    }
    const id = opened.request.hierarchyId;
    const other = newest.get(id);
    const [kept, dropped] =
      other === undefined || isNewer(opened.request, other.request) ? [opened, other] : [other, opened];
    newest.set(id, kept);
    if (dropped === undefined) continue;
    notes.push(
      `${dropped.archive.path} and ${kept.archive.path} are of one hierarchy (${id.slice(0, 12)}…): the newer one, of ${kept.request.preparedAt}, counts`,
    );
    await dropped.archive.close();
  }
  if (newest.size > 0) return { requests: [...newest.values()], notes };
  throw (
    failures[0] ??
    new MediumError(
      'NO_REQUESTS',
      'there is no request file there: let "sallyport tool prepare" write one at the offline site, and name its folder with --from',
    )
  );
}

function isNewer(one: MediumRequest, other: MediumRequest): boolean {
  return one.epoch !== other.epoch ? one.epoch > other.epoch : one.sequence > other.sequence;
}
