import type { Digest } from '../../shared/ids.ts';
import type { BlobRef, Encoding, Encodings, Tree } from './tree.ts';

/** Patches that need a larger decoder window than this are left alone: memory at sites stays bounded. */
export const windowLogMax = 27;

/** One way to a segment. */
export type Route =
  /** A patch against `base`, which is held or planned earlier. */
  | { readonly kind: 'patch'; readonly blob: BlobRef; readonly base: BlobRef; readonly windowLog: number }
  /** The segment compressed by itself. */
  | { readonly kind: 'zstd'; readonly blob: BlobRef }
  /** The segment as it is. */
  | { readonly kind: 'raw'; readonly blob: BlobRef };

export interface SegmentStep {
  readonly segment: BlobRef;
  readonly route: Route;
  /** The other ways, cheapest first, for when `route` fails. Never needs a base that is only planned. */
  readonly fallbacks: readonly Route[];
  /** Bytes that `route` brings over the wire; 0 when its blob is held already. */
  readonly costBytes: number;
}

export interface FetchPlan {
  /** In an order in which each base comes before what is patched against it. */
  readonly steps: readonly SegmentStep[];
  /** Segments of the tree that are held, each once. */
  readonly held: readonly BlobRef[];
  /** Segments for which no way is offered. */
  readonly unobtainable: readonly BlobRef[];
  /** Bytes that the steps bring over the wire. */
  readonly plannedBytes: number;
}

interface Candidate {
  readonly route: Route;
  readonly costBytes: number;
}

/** The different segments of a tree, in the order in which files name them. */
export function segmentsOf(tree: Tree): readonly BlobRef[] {
  const segments = new Map<Digest, BlobRef>();
  for (const file of tree.files) {
    for (const segment of file.segments) {
      segments.set(segment.sha256, segment);
    }
  }
  return [...segments.values()];
}

/**
 * Chooses for each missing segment of `tree` the way with the fewest bytes: nothing when it is held, a
 * patch, compressed, or as it is; among equals the one with less work. A base that is itself missing
 * counts when it belongs to the tree, so that it is fetched anyway.
 *
 * @param held segments and encoded blobs that are in the library
 * @param offered blobs that the source can give
 */
export function planRoutes(input: {
  readonly tree: Tree;
  readonly encodings?: Encodings;
  readonly held: ReadonlySet<Digest>;
  readonly offered: ReadonlySet<Digest>;
}): FetchPlan {
  const { tree, encodings, held, offered } = input;
  const ways = new Map(encodings?.segments.map((entry) => [entry.segment.sha256, entry.encodings]));
  return planBlobs({ wanted: segmentsOf(tree), ways, held, offered });
}

/**
 * As `planRoutes`, for blobs of any kind: documents travel as segments do.
 *
 * @param wanted each once, each at most a segment large where it has ways other than as it is
 * @param ways the encodings of those that have any
 */
export function planBlobs(input: {
  readonly wanted: readonly BlobRef[];
  readonly ways: ReadonlyMap<Digest, readonly Encoding[]>;
  readonly held: ReadonlySet<Digest>;
  readonly offered: ReadonlySet<Digest>;
}): FetchPlan {
  const segments = input.wanted;
  const missing = segments.filter((segment) => !input.held.has(segment.sha256));
  const missingDigests = new Set(missing.map((segment) => segment.sha256));
  const candidates = new Map(
    missing.map((segment) => [
      segment.sha256,
      candidatesFor(segment, input.ways.get(segment.sha256) ?? [], missingDigests, input),
    ]),
  );
  const chosen = chooseWithoutCycles(missing, candidates, input.held);
  const steps = basesFirst(missing, chosen).map((segment): SegmentStep => {
    const choice = chosen.get(segment.sha256) as Candidate;
    const fallbacks = (candidates.get(segment.sha256) ?? [])
      .filter((other) => other !== choice && standsAlone(other.route, input.held))
      .map((other) => other.route);
    return { segment, route: choice.route, fallbacks, costBytes: choice.costBytes };
  });
  return {
    steps,
    held: segments.filter((segment) => input.held.has(segment.sha256)),
    unobtainable: missing.filter((segment) => !chosen.has(segment.sha256)),
    plannedBytes: steps.reduce((sum, step) => sum + step.costBytes, 0),
  };
}

const workOf: Readonly<Record<Route['kind'], number>> = { raw: 0, zstd: 1, patch: 2 };

function candidatesFor(
  segment: BlobRef,
  encodings: readonly Encoding[],
  missing: ReadonlySet<Digest>,
  { held, offered }: { readonly held: ReadonlySet<Digest>; readonly offered: ReadonlySet<Digest> },
): readonly Candidate[] {
  const routes: Route[] = [{ kind: 'raw', blob: segment }];
  for (const encoding of encodings) {
    if (encoding.kind === 'zstd') {
      routes.push({ kind: 'zstd', blob: encoding.blob });
    } else if (
      encoding.windowLog <= windowLogMax &&
      (held.has(encoding.base.sha256) || missing.has(encoding.base.sha256))
    ) {
      routes.push({ kind: 'patch', blob: encoding.blob, base: encoding.base, windowLog: encoding.windowLog });
    }
  }
  return routes
    .filter(({ blob }) => held.has(blob.sha256) || offered.has(blob.sha256))
    .map((route) => ({ route, costBytes: held.has(route.blob.sha256) ? 0 : route.blob.sizeBytes }))
    .toSorted((a, b) => a.costBytes - b.costBytes || workOf[a.route.kind] - workOf[b.route.kind]);
}

function standsAlone(route: Route, held: ReadonlySet<Digest>): boolean {
  return route.kind !== 'patch' || held.has(route.base.sha256);
}

/**
 * Each segment gets its cheapest candidate that does not close a circle of bases. A circle cannot appear
 * later either: whoever would close it walks the choices made before, and takes its next candidate.
 */
function chooseWithoutCycles(
  missing: readonly BlobRef[],
  candidates: ReadonlyMap<Digest, readonly Candidate[]>,
  held: ReadonlySet<Digest>,
): ReadonlyMap<Digest, Candidate> {
  const chosen = new Map<Digest, Candidate>();
  const leadsTo = (base: Digest, segment: Digest): boolean => {
    for (let at: Digest | undefined = base; at !== undefined;) {
      if (at === segment) {
        return true;
      }
      const route: Route | undefined = chosen.get(at)?.route;
      at = route?.kind === 'patch' && !held.has(route.base.sha256) ? route.base.sha256 : undefined;
    }
    return false;
  };
  const obtainable = obtainableSegments(missing, candidates, held);
  for (const segment of missing) {
    const choice = candidates
      .get(segment.sha256)
      ?.find(
        ({ route }) =>
          standsAlone(route, held) ||
          (route.kind === 'patch' &&
            obtainable.has(route.base.sha256) &&
            !leadsTo(route.base.sha256, segment.sha256)),
      );
    if (choice !== undefined && obtainable.has(segment.sha256)) {
      chosen.set(segment.sha256, choice);
    }
  }
  return chosen;
}

/**
 * The missing segments with a way of their own. Only these serve as planned bases: then no chain of
 * patches can hang on a segment that nobody offers.
 */
function obtainableSegments(
  missing: readonly BlobRef[],
  candidates: ReadonlyMap<Digest, readonly Candidate[]>,
  held: ReadonlySet<Digest>,
): ReadonlySet<Digest> {
  return new Set(
    missing
      .map((segment) => segment.sha256)
      .filter((sha256) => candidates.get(sha256)?.some(({ route }) => standsAlone(route, held)) === true),
  );
}

function basesFirst(missing: readonly BlobRef[], chosen: ReadonlyMap<Digest, Candidate>): readonly BlobRef[] {
  const bySha = new Map(missing.map((segment) => [segment.sha256, segment]));
  const ordered = new Map<Digest, BlobRef>();
  for (const segment of missing) {
    const chain: BlobRef[] = [];
    for (let at: BlobRef | undefined = segment; at !== undefined && !ordered.has(at.sha256);) {
      const route: Route | undefined = chosen.get(at.sha256)?.route;
      if (route === undefined) {
        break;
      }
      chain.push(at);
      at = route.kind === 'patch' ? bySha.get(route.base.sha256) : undefined;
    }
    for (const link of chain.toReversed()) {
      ordered.set(link.sha256, link);
    }
  }
  return [...ordered.values()];
}
