import type { BlobRef, Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';

/** Patches against so many of the newest earlier releases; sites on older ones fetch compressed. */
export const previousReleasesMax = 3;
/** Of a file that was cut, so many old segments are tried for each new one. */
const neighboursMax = 2;
/** Files of more different sizes have little in common, whatever their names. */
const sizeRatioMax = 4;

/**
 * For each segment of `tree`, the older segments worth a patch: of the same path, else of a file with a
 * similar name, in each of the newest earlier releases that lack the segment itself.
 *
 * @param previous newest first
 */
export function patchBases(tree: Tree, previous: readonly Tree[]): ReadonlyMap<Digest, readonly BlobRef[]> {
  const bases = new Map<Digest, Map<Digest, BlobRef>>();
  for (const older of previous.slice(0, previousReleasesMax)) {
    const there = new Set(older.files.flatMap((file) => file.segments.map((segment) => segment.sha256)));
    const counterparts = new Counterparts(older);
    for (const file of tree.files) {
      const counterpart = counterparts.of(file);
      let start = 0;
      for (const segment of file.segments) {
        const middle = start + segment.sizeBytes / 2;
        start += segment.sizeBytes;
        if (counterpart === undefined || there.has(segment.sha256)) {
          continue;
        }
        const found = bases.get(segment.sha256) ?? new Map<Digest, BlobRef>();
        bases.set(segment.sha256, found);
        for (const base of nearest(counterpart, middle / file.sizeBytes)) {
          found.set(base.sha256, base);
        }
      }
    }
  }
  return new Map([...bases].map(([sha256, found]) => [sha256, [...found.values()]]));
}

/** The segments of a file whose middles lie nearest to a place in it, given as a fraction of its length. */
function nearest(file: TreeFile, place: number): readonly BlobRef[] {
  let start = 0;
  const distances = file.segments.map((segment) => {
    const middle = (start + segment.sizeBytes / 2) / file.sizeBytes;
    start += segment.sizeBytes;
    return { segment, distance: Math.abs(middle - place) };
  });
  return distances
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, neighboursMax)
    .map(({ segment }) => segment);
}

/** Finds, in an older release, what a file was before. */
class Counterparts {
  readonly #byPath: ReadonlyMap<string, TreeFile>;
  readonly #byStem: ReadonlyMap<string, readonly TreeFile[]>;
  readonly #byName: ReadonlyMap<string, readonly TreeFile[]>;

  constructor({ files }: Tree) {
    const filled = files.filter((file) => file.segments.length > 0);
    this.#byPath = new Map(filled.map((file) => [file.path, file]));
    this.#byStem = Map.groupBy(filled, (file) => stemOf(file.path));
    this.#byName = Map.groupBy(filled, (file) => nameOf(file.path));
  }

  /** The same path; else the same path but for numbers and hashes in its name; else the same name elsewhere. */
  of(file: TreeFile): TreeFile | undefined {
    return (
      this.#byPath.get(file.path) ??
      closest(file, this.#byStem.get(stemOf(file.path)) ?? []) ??
      closest(file, this.#byName.get(nameOf(file.path)) ?? [])
    );
  }
}

function closest(file: TreeFile, others: readonly TreeFile[]): TreeFile | undefined {
  const ratio = (other: TreeFile): number =>
    Math.max(other.sizeBytes / file.sizeBytes, file.sizeBytes / other.sizeBytes);
  return others
    .filter((other) => ratio(other) <= sizeRatioMax)
    .toSorted((a, b) => ratio(a) - ratio(b) || (a.path < b.path ? -1 : 1))[0];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A path with versions and hashes in its last part made alike: `app.3f9a2c1b.js` and `app.77d0e4aa.js`, `lib-1.2.so` and `lib-1.3.so`. */
function stemOf(path: string): string {
  const name = nameOf(path);
  return (
    path.slice(0, path.length - name.length) +
    name.replaceAll(/(?<![A-Za-z0-9])(?=[0-9a-f]*\d)[0-9a-f]{6,}(?![A-Za-z0-9])|\d+/gi, '#')
  );
}
