import type { TreeProblem } from '@sallyport/core/domain/content/tree-rules';

/** Where files of a release come from. */
export interface PayloadSource {
  readonly kind: 'folder' | 'tarball';
  /** A folder, or a tar file: plain, or compressed with gzip or zstd. */
  readonly path: string;
  /** Leading parts of each path that are left out: 1 for an npm tarball's `package/`. 0 when not given. */
  readonly strip?: number;
  /** Folder of the release that the files go into; its top when empty or not given. */
  readonly into?: string;
  /** Whether to take a file, by its path after `strip` and before `into`; all when not given. */
  readonly accepts?: (path: string) => boolean;
}

/** What payload may be at most, so that a bomb ends early. */
export interface PayloadLimits {
  readonly entriesMax: number;
  /** Of everything that is unpacked, taken or not. */
  readonly totalBytesMax: number;
}

export const defaultPayloadLimits: PayloadLimits = { entriesMax: 100_000, totalBytesMax: 64 * 1024 ** 3 };

/** Something wrong with payload: `path` is the source's, with the entry's name after it. */
export type PayloadProblem = TreeProblem;

/** One entry as the source has it. Its chunks are read, if at all, before the next entry is asked for. */
export interface PayloadEntry {
  /** As the source spells it, with `/` between parts. */
  readonly name: string;
  /** `file`, `folder`, or what else it is, for people: `symbolic link`. */
  readonly type: string;
  readonly isExecutable: boolean;
  readonly sizeBytes: number;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Opens a source anew. @throws {PayloadUnreadable} while entries are read */
export type PayloadReader = (source: PayloadSource, limits: PayloadLimits) => AsyncIterable<PayloadEntry>;

/** A source that cannot be read at all, or not to its end. */
export class PayloadUnreadable extends Error {
  readonly problem: PayloadProblem;

  constructor(problem: PayloadProblem, options: { readonly cause?: unknown } = {}) {
    super(`${problem.path} ${problem.problem}: ${problem.remedy}`, options);
    this.name = 'PayloadUnreadable';
    this.problem = problem;
  }
}

/** The place of an entry, for problems. */
export function placeOf(source: PayloadSource, name: string): string {
  return `${source.path}: ${name}`;
}
