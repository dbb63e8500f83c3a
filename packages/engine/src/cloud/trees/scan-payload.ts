import { pathCollisions, pathProblem } from '@sallyport/core/domain/content/tree-rules';
import { readFolder } from './folder-reader.ts';
import {
  type PayloadEntry,
  type PayloadLimits,
  type PayloadProblem,
  type PayloadReader,
  type PayloadSource,
  PayloadUnreadable,
  placeOf,
} from './payload-source.ts';
import { readTarball } from './tarball-reader.ts';

/** A file of payload and where in the release it goes. */
export interface PlannedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

export interface ScannedPayload {
  /** For each source, its files by the name that the source gives them. */
  readonly files: readonly ReadonlyMap<string, PlannedFile>[];
  readonly problems: readonly PayloadProblem[];
  readonly totalBytes: number;
}

/** So many problems are enough to see what is wrong. */
const problemsMax = 200;

/** Opens folders and tar files of this machine. */
export const readPayload: PayloadReader = (source, limits) =>
  source.kind === 'folder' ? readFolder(source.path) : readTarball(source.path, limits.totalBytesMax);

/** Reads all sources through, without keeping anything, and finds everything that stands in the way of a tree. */
export async function scanPayload(
  sources: readonly PayloadSource[],
  limits: PayloadLimits,
  signal: AbortSignal,
  reader: PayloadReader = readPayload,
): Promise<ScannedPayload> {
  const scan = new Scan(limits, reader);
  for (const source of sources) {
    await scan.read(source, signal);
  }
  return scan.result();
}

class Scan {
  readonly #limits: PayloadLimits;
  readonly #reader: PayloadReader;
  readonly #files: Map<string, PlannedFile>[] = [];
  readonly #problems: PayloadProblem[] = [];
  /** Of each path in the release, the place it comes from. */
  readonly #places = new Map<string, string>();
  readonly #paths: string[] = [];
  #entries = 0;
  #totalBytes = 0;
  #isFull = false;

  constructor(limits: PayloadLimits, reader: PayloadReader) {
    this.#limits = limits;
    this.#reader = reader;
  }

  async read(source: PayloadSource, signal: AbortSignal): Promise<void> {
    const files = new Map<string, PlannedFile>();
    this.#files.push(files);
    const into = source.into ?? '';
    const problem = into === '' ? undefined : pathProblem(into);
    if (problem !== undefined) {
      this.#report(
        source.path,
        `goes into "${into}", which ${problem}`,
        'name a folder of the release by a plain relative path',
      );
      return;
    }
    try {
      for await (const entry of this.#reader(source, this.#limits)) {
        signal.throwIfAborted();
        if (!this.#hasRoom(source, entry)) {
          return;
        }
        this.#take(source, entry, files);
      }
    } catch (failure) {
      if (!(failure instanceof PayloadUnreadable)) {
        throw failure;
      }
      this.#problems.push(failure.problem);
      return;
    }
    if (files.size === 0 && this.#problems.length === 0) {
      this.#report(
        source.path,
        'has no files to publish',
        'check the path, and what is included and left out',
      );
    }
  }

  result(): ScannedPayload {
    for (const { path, problem, remedy } of pathCollisions(this.#paths)) {
      this.#report(this.#places.get(path) ?? path, problem, remedy);
    }
    const more = this.#problems.length - problemsMax;
    const problems = this.#problems.slice(0, problemsMax);
    if (more > 0) {
      problems.push({
        path: 'payload',
        problem: `has ${String(more)} more problems`,
        remedy: 'mend these first',
      });
    }
    return { files: this.#files, problems, totalBytes: this.#totalBytes };
  }

  #take(source: PayloadSource, entry: PayloadEntry, files: Map<string, PlannedFile>): void {
    const place = placeOf(source, entry.name);
    const name = entry.name.replace(/^(?:\.\/+)+/, '');
    if (entry.type === 'folder' && (name === '' || name === '.')) {
      return;
    }
    // What cannot be decoded became this: published, the file would have another name than the vendor gave it.
    const problem = name.includes('\ufffd') ? 'has a name that is not UTF-8' : pathProblem(name);
    if (problem !== undefined) {
      this.#report(place, problem, 'only plain relative paths within the release can be published');
      return;
    }
    const stripped = name
      .split('/')
      .slice(source.strip ?? 0)
      .join('/');
    if (entry.type === 'folder' || (stripped !== '' && source.accepts?.(stripped) === false)) {
      return;
    }
    if (entry.type !== 'file') {
      this.#report(
        place,
        `is a ${entry.type}`,
        'only plain files can be published: put a file there, or leave it out',
      );
    } else if (stripped === '') {
      this.#report(
        place,
        `has no more than the ${String(source.strip)} leading parts that are left out`,
        'strip fewer parts',
      );
    } else {
      const into = source.into ?? '';
      this.#plan({ ...entry, path: into === '' ? stripped : `${into}/${stripped}` }, place, files);
    }
  }

  #plan(file: PlannedFile & { readonly name: string }, place: string, files: Map<string, PlannedFile>): void {
    const { name, path, sizeBytes, isExecutable } = file;
    const problem = pathProblem(path);
    if (problem !== undefined) {
      this.#report(place, problem, 'shorten the path');
      return;
    }
    files.set(name, { path, sizeBytes, isExecutable });
    this.#places.set(path, place);
    this.#paths.push(path);
  }

  /** Whether the limits allow another entry; reports it once when they do not. */
  #hasRoom(source: PayloadSource, entry: PayloadEntry): boolean {
    this.#entries += 1;
    this.#totalBytes += entry.type === 'file' ? entry.sizeBytes : 0;
    const { entriesMax, totalBytesMax } = this.#limits;
    if (this.#entries <= entriesMax && this.#totalBytes <= totalBytesMax) {
      return true;
    }
    if (!this.#isFull) {
      this.#isFull = true;
      const limit =
        this.#entries > entriesMax ? `${String(entriesMax)} entries` : `${String(totalBytesMax)} bytes`;
      this.#report(
        source.path,
        `goes beyond the ${limit} that a package may have`,
        'publish less in one package, or raise the limit',
      );
    }
    return false;
  }

  #report(path: string, problem: string, remedy: string): void {
    this.#problems.push({ path, problem, remedy });
  }
}
