import type { Catalogue, CatalogueEntry } from '@sallyport/core/domain/updates/package';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import type { Blobs } from '../../ports/blobs.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { DocumentProblem } from './trusted-view.ts';

/** A descriptor beyond this is not fetched: nothing that an administrator could read is that long. */
const descriptorMaxBytes = 1024 * 1024;
const parallel = 6;

/**
 * Fetches the package descriptors that a catalogue names and that are not held yet, by digest.
 *
 * @returns those that could not be had; each concerns its own package only
 */
export async function fetchDescriptors(
  catalogue: Catalogue,
  blobs: Blobs,
  source: ContentSource | undefined,
  signal: AbortSignal,
): Promise<readonly DocumentProblem[]> {
  const held = await blobs.held(catalogue.packages.map(({ descriptor }) => descriptor.sha256));
  const missing = catalogue.packages.filter(({ descriptor }) => !held.has(descriptor.sha256));
  const problems: DocumentProblem[] = [];
  const next = missing.values();
  const worker = async (): Promise<void> => {
    for (const entry of next) {
      const problem = await fetchOne(entry, blobs, source, signal);
      if (problem !== undefined) problems.push(problem);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, missing.length) }, worker));
  signal.throwIfAborted();
  return problems;
}

async function fetchOne(
  { guid, descriptor }: CatalogueEntry,
  blobs: Blobs,
  source: ContentSource | undefined,
  signal: AbortSignal,
): Promise<DocumentProblem | undefined> {
  if (source === undefined) {
    return {
      what: guid,
      code: 'NOT_HELD',
      message: `the descriptor of package ${guid} is not held here, and this site has nowhere to fetch it from`,
    };
  }
  if (descriptor.sizeBytes > descriptorMaxBytes) {
    const message = `the descriptor of package ${guid} has ${descriptor.sizeBytes} bytes, and at most ${descriptorMaxBytes} are fetched: the vendor must publish a shorter one`;
    return { what: guid, code: 'TOO_LARGE', message };
  }
  try {
    const { startsAt, chunks } = await source.open(descriptor, 0, signal);
    if (startsAt !== 0) throw new RangeError(`${source.name} began the descriptor at byte ${startsAt}`);
    await blobs.put(chunks, descriptor, signal);
    return undefined;
  } catch (error) {
    return {
      what: guid,
      code: error instanceof SallyportError ? error.code : 'FAILED',
      message: `the descriptor of package ${guid}: ${messageOf(error)}`,
    };
  }
}
