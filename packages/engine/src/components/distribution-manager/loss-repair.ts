import { ContentError } from '@sallyport/core/domain/content/content-error';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Digest } from '@sallyport/core/shared/ids';
import type { ContentSource } from '../../ports/content-source.ts';
import type { PackageFetcher } from '../content/package-fetcher.ts';
import { reachableBlobs } from '../content/reachable.ts';
import { unlessEnded } from '../work/unless-ended.ts';
import { packagesToKeep, type RootPorts } from './collection-roots.ts';

export interface LossRepairOptions extends RootPorts {
  readonly fetcher: Pick<PackageFetcher, 'fetch'>;
  /** Where what is lost is fetched again. */
  readonly content: ContentSource;
}

export interface Repaired {
  readonly receivedBytes: number;
  /** What is still needed here and could not be had. */
  readonly left: readonly Digest[];
  /** Why, for people; absent when nothing is left. */
  readonly problem?: string;
}

/**
 * Fetches again what a disk has lost, each package by itself, and nothing that this site has not held before: a flipped
 * bit orders nothing. Ended in between, it goes on with what is still missing.
 */
export class LossRepair {
  readonly #options: LossRepairOptions;

  constructor(options: LossRepairOptions) {
    this.#options = options;
  }

  async repair(lost: readonly Digest[], signal: AbortSignal): Promise<Repaired> {
    const { blobs, fetcher, content } = this.#options;
    const left = new Set<Digest>();
    const problems: string[] = [];
    const failed = (digests: readonly Digest[], problem: string): void => {
      for (const sha256 of digests) left.add(sha256);
      problems.push(problem);
    };
    await this.#repairDocuments(lost, failed, signal);
    let receivedBytes = 0;
    for (const { descriptor } of await this.#heldHere(lost, failed)) {
      signal.throwIfAborted();
      const named = await reachableBlobs(descriptor.content, blobs);
      const missing = await this.#unheld(lost.filter((sha256) => named.has(sha256)));
      if (missing.length === 0) continue;
      try {
        receivedBytes += (await fetcher.fetch(descriptor.content, content, { signal })).receivedBytes;
      } catch (error) {
        signal.throwIfAborted();
        failed(missing, messageOf(error));
      }
    }
    const [problem] = problems;
    if (problem === undefined) return { receivedBytes, left: [] };
    const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
    return { receivedBytes, left: await this.#unheld([...left]), problem: `${problem}${more}` };
  }

  /** The vendor's own documents come with the metadata. */
  async #repairDocuments(
    lost: readonly Digest[],
    failed: (digests: readonly Digest[], problem: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { documents, content } = this.#options;
    if ((await this.#documentsAmong(lost, signal)).length === 0) return;
    try {
      const problems = await unlessEnded(documents.refresh(signal), signal);
      const still = await this.#documentsAmong(lost, signal);
      if (still.length > 0)
        failed(still, problems[0]?.message ?? `${content.name} does not have all of the vendor’s documents`);
    } catch (error) {
      signal.throwIfAborted();
      failed(await this.#documentsAmong(lost, signal), messageOf(error));
    }
  }

  /** Those that are the vendor's documents and are not held; all that are not held while that is not known. */
  async #documentsAmong(lost: readonly Digest[], signal: AbortSignal): Promise<readonly Digest[]> {
    const unheld = await this.#unheld(lost);
    try {
      const roots = await unlessEnded(this.#options.documents.roots(), signal);
      return unheld.filter((sha256) => roots.has(sha256));
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      return unheld;
    }
  }

  async #heldHere(lost: readonly Digest[], failed: (digests: readonly Digest[], problem: string) => void) {
    try {
      return (await packagesToKeep(this.#options)).filter(({ heldHere }) => heldHere);
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      failed(await this.#unheld(lost), messageOf(error));
      return [];
    }
  }

  async #unheld(digests: readonly Digest[]): Promise<readonly Digest[]> {
    const held = await this.#options.blobs.held(digests);
    return digests.filter((sha256) => !held.has(sha256));
  }
}
