import { dirname, resolve } from 'node:path';
import { pathCollisions, pathProblem } from '@sallyport/core/domain/content/tree-rules';
import type { BlobRef, Tree } from '@sallyport/core/domain/content/tree';
import type { Blobs } from '../../ports/blobs.ts';
import { buildTree, type TreeProgress } from '../trees/build-tree.ts';
import { defaultPayloadLimits, type PayloadReader, type PayloadSource } from '../trees/payload-source.ts';
import { scanPayload } from '../trees/scan-payload.ts';
import type { PayloadSource as PayloadField, ReadDefinition } from './definition.ts';
import { fitsPattern } from './path-patterns.ts';

/** A release whose files are in the library. */
export interface BuiltPayload {
  readonly tree: Tree;
  readonly treeRef: BlobRef;
}

/**
 * Reads a definition's payload through without keeping anything.
 *
 * @returns the release's files with their sizes; undefined when something is wrong, which is reported
 */
export async function scanDefinition(
  definition: ReadDefinition,
  signal: AbortSignal,
  reader?: PayloadReader,
): Promise<ReadonlyMap<string, number> | undefined> {
  const sources = sourcesOf(definition);
  if (sources === undefined) {
    return undefined;
  }
  const sizes = new Map<string, number>();
  const paths: string[] = [];
  let right = true;
  // One by one, so that each problem is told at its own source, also where two name the same folder.
  for (const [index, source] of sources.entries()) {
    const { files, problems } = await scanPayload([source], defaultPayloadLimits, signal, reader);
    for (const { path, problem, remedy } of problems) {
      right = false;
      definition.source.reportAt(['payload', index], `${path} ${problem}`, remedy);
    }
    for (const { path, sizeBytes } of files.flatMap((planned) => [...planned.values()])) {
      paths.push(path);
      sizes.set(path, sizeBytes);
    }
  }
  for (const { path, problem, remedy } of right ? pathCollisions(paths) : []) {
    right = false;
    definition.source.reportAt(['payload'], `${path} ${problem}`, remedy);
  }
  return right ? sizes : undefined;
}

/** Reads a definition's payload into the library; undefined when something is wrong, which is reported. @throws {ContentError} */
export async function buildDefinition(
  definition: ReadDefinition,
  blobs: Blobs,
  signal: AbortSignal,
  onProgress: (progress: TreeProgress) => void,
  reader?: PayloadReader,
): Promise<BuiltPayload | undefined> {
  const sources = sourcesOf(definition) ?? [];
  const built = await buildTree({ sources, ...(reader && { reader }) }, { blobs }, signal, onProgress);
  if (built.kind === 'refused') {
    // It was right when it was scanned, so it has changed since.
    for (const { path, problem, remedy } of built.problems) {
      definition.source.reportAt(['payload'], `${path} ${problem}`, remedy);
    }
    return undefined;
  }
  return { tree: built.tree, treeRef: built.ref };
}

function sourcesOf({ source, partial }: ReadDefinition): readonly PayloadSource[] | undefined {
  const folder = dirname(source.file);
  let right = true;
  for (const [index, { include, exclude }] of (partial.payload ?? []).entries()) {
    for (const [field, patterns] of Object.entries({ include, exclude })) {
      for (const [at, pattern] of (patterns ?? []).entries()) {
        const problem = pathProblem(pattern.replace(/\/$/, ''));
        if (problem !== undefined) {
          right = false;
          source.reportAt(
            ['payload', index, field, at],
            `the pattern "${pattern}" ${problem}`,
            'write it relative to the folder or tarball, without ".."',
          );
        }
      }
    }
  }
  return right ? partial.payload?.map((field) => sourceOf(field, folder)) : undefined;
}

function sourceOf(
  { folder, tarball, strip, into, include, exclude }: PayloadField,
  base: string,
): PayloadSource {
  return {
    kind: folder === undefined ? 'tarball' : 'folder',
    path: resolve(base, folder ?? tarball ?? ''),
    strip,
    into: into.replace(/^\.$|\/$/, ''),
    accepts: (path) =>
      (include?.some((pattern) => fitsPattern(path, pattern)) ?? true) &&
      exclude?.some((pattern) => fitsPattern(path, pattern)) !== true,
  };
}
