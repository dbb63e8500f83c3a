import type { MediumHierarchy, MediumIndex, MediumRequest } from '@sallyport/core/domain/exchange/medium';
import {
  answersMaxBytes,
  contentListMaxBytes,
  mediumPlaces,
  parseContentList,
} from '@sallyport/core/wire/medium';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { Digests } from '../../ports/digests.ts';
import type { OpenMedium } from '../service-connection/connection-ports.ts';
import { indexOf, isComplete } from '../service-connection/media.ts';
import { type OpenRequest, partOf } from './requests.ts';

/** What a request file holds. */
export interface RequestInspection {
  readonly kind: 'request';
  readonly file: string;
  readonly request: Omit<MediumRequest, 'operatingKey' | 'parts'>;
  readonly envelopes: readonly { readonly what: string; readonly sizeBytes: number }[];
  readonly sizeBytes: number;
}

/** Looks at every byte of a request. @throws {MediumError} EDITED, TRUNCATED */
export async function inspectRequest(opened: OpenRequest, digests: Digests): Promise<RequestInspection> {
  const { operatingKey: _, parts, ...request } = opened.request;
  for (const { name } of parts) await partOf(opened, name, digests);
  return {
    kind: 'request',
    file: opened.archive.path,
    request,
    envelopes: parts.flatMap(({ envelope, sizeBytes }) =>
      envelope === undefined ? [] : [{ what: envelope.what, sizeBytes }],
    ),
    sizeBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

/** What media hold, by their own word and by what is there. */
export interface MediumInspection {
  readonly kind: 'medium';
  readonly places: readonly string[];
  readonly vendor: MediumIndex['vendor'];
  readonly madeBy: string;
  readonly writtenAt: string;
  readonly parts: number;
  /** All parts are here, and each was written to its end. */
  readonly complete: boolean;
  readonly metadata?: MediumIndex['metadata'];
  /** Until when they count without a site's leave to be older. */
  readonly timestampExpires?: string;
  readonly hierarchies: readonly (MediumHierarchy & {
    readonly hasAnswer: boolean;
    /** Listed, and on none of these media. */
    readonly absentBlobs: number;
  })[];
}

const never = new AbortController().signal;

/** Looks at media without taking anything, and without believing anything. @throws {MediumError} */
export async function inspectMedia(media: readonly OpenMedium[]): Promise<MediumInspection> {
  const indexed = await Promise.all(
    media.map(async (medium) => ({ ...medium, index: await indexOf(medium.folder) })),
  );
  const [first] = indexed;
  if (first === undefined) throw new TypeError('no media to inspect');
  const { index } = first;
  const timestamp = await first.repository.metadata('timestamp.json', { maxBytes: 64 * 1024 }, never);
  const expires = timestamp === undefined ? undefined : expiryOf(timestamp);
  const hierarchies = [];
  for (const entry of index.hierarchies) {
    const { answer, content } = mediumPlaces(entry.hierarchyId);
    const list = await first.folder.read(content, contentListMaxBytes);
    const digests = list === undefined ? [] : parseContentList(list).map(({ sha256 }) => sha256);
    const present = new Set<string>();
    for (const medium of indexed)
      for (const sha256 of await medium.content.offers(digests, never)) present.add(sha256);
    hierarchies.push({
      ...entry,
      hasAnswer: (await first.folder.read(answer, answersMaxBytes)) !== undefined,
      absentBlobs: digests.filter((sha256) => !present.has(sha256)).length,
    });
  }
  return {
    kind: 'medium',
    places: indexed.map(({ folder }) => folder.place),
    vendor: index.vendor,
    madeBy: index.madeBy,
    writtenAt: index.writtenAt,
    parts: index.parts,
    complete: isComplete(indexed),
    ...(index.metadata === undefined ? {} : { metadata: index.metadata }),
    ...(expires === undefined ? {} : { timestampExpires: expires }),
    hierarchies,
  };
}

function expiryOf(bytes: Uint8Array): string | undefined {
  try {
    return new Date(parseMetadata('timestamp', bytes).signed.expiresMs).toISOString();
  } catch (error) {
    if (error instanceof TrustError) return undefined;
    throw error;
  }
}
