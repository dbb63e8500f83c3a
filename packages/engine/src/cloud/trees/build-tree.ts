import type { BlobRef, Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import { treeFormat } from '@sallyport/core/wire/tree';
import type { Blobs } from '../../ports/blobs.ts';
import {
  defaultPayloadLimits,
  type PayloadEntry,
  type PayloadLimits,
  type PayloadProblem,
  type PayloadReader,
  type PayloadSource,
  PayloadUnreadable,
  placeOf,
} from './payload-source.ts';
import { type PlannedFile, readPayload, scanPayload } from './scan-payload.ts';
import { storeFile } from './store-file.ts';

export interface TreeInput {
  readonly sources: readonly PayloadSource[];
  readonly limits?: PayloadLimits;
  /** How sources are opened; folders and tar files of this machine when not given. */
  readonly reader?: PayloadReader;
}

/** A tree in the library, or everything that stood in its way. */
export type BuiltTree =
  | {
      readonly kind: 'built';
      readonly tree: Tree;
      readonly ref: BlobRef;
      readonly fileCount: number;
      readonly totalBytes: number;
    }
  | { readonly kind: 'refused'; readonly problems: readonly PayloadProblem[] };

export interface TreeProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly files: number;
}

/**
 * Makes the tree of a release of folders and tarballs, its segments and itself in the library. Everything is read
 * through and judged first: what is refused has stored nothing. The same files give the same bytes, whatever they
 * come from: of their modes only the execute bit counts, and times and owners not at all.
 *
 * @throws {ContentError} of the library
 */
export async function buildTree(
  input: TreeInput,
  { blobs }: { readonly blobs: Blobs },
  signal: AbortSignal,
  onProgress: (progress: TreeProgress) => void = () => undefined,
): Promise<BuiltTree> {
  const { limits = defaultPayloadLimits, reader = readPayload } = input;
  const { files, problems, totalBytes } = await scanPayload(input.sources, limits, signal, reader);
  if (problems.length > 0) {
    return { kind: 'refused', problems };
  }
  const stored: TreeFile[] = [];
  let doneBytes = 0;
  try {
    for (const [index, source] of input.sources.entries()) {
      const entries = reader(source, limits);
      for await (const { file, planned } of plannedEntries(source, files[index] ?? new Map(), entries)) {
        signal.throwIfAborted();
        stored.push(await storeEntry(source, file, planned, blobs));
        doneBytes += planned.sizeBytes;
        onProgress({ doneBytes, totalBytes, files: stored.length });
      }
    }
  } catch (failure) {
    if (failure instanceof PayloadUnreadable) {
      return { kind: 'refused', problems: [failure.problem] };
    }
    throw failure;
  }
  const tree: Tree = { schema: 1, files: stored.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
  const sizeBytes = stored.reduce((sum, file) => sum + file.sizeBytes, 0);
  return {
    kind: 'built',
    tree,
    ref: await blobs.putBytes(treeFormat.print(tree)),
    fileCount: stored.length,
    totalBytes: sizeBytes,
  };
}

async function* plannedEntries(
  source: PayloadSource,
  files: ReadonlyMap<string, PlannedFile>,
  entries: AsyncIterable<PayloadEntry>,
): AsyncGenerator<{ readonly file: PayloadEntry; readonly planned: PlannedFile }> {
  let seen = 0;
  for await (const file of entries) {
    const planned = files.get(file.name);
    if (planned !== undefined && file.type === 'file') {
      seen += 1;
      yield { file, planned };
    }
  }
  if (seen !== files.size) {
    throw changed(source.path);
  }
}

async function storeEntry(
  source: PayloadSource,
  file: PayloadEntry,
  planned: PlannedFile,
  blobs: Blobs,
): Promise<TreeFile> {
  const { path, isExecutable, sizeBytes } = planned;
  const stored = await storeFile(file.chunks(), sizeBytes, blobs);
  if (stored.sizeBytes !== sizeBytes) {
    throw changed(placeOf(source, file.name));
  }
  return { path, mode: isExecutable ? 0o755 : 0o644, ...stored };
}

function changed(path: string): PayloadUnreadable {
  return new PayloadUnreadable({
    path,
    problem: 'changed while it was read',
    remedy: 'let nothing write to it, and publish again',
  });
}
