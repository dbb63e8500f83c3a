import type {
  Catalogue,
  CatalogueEntry,
  PackageContent,
  PackageDescriptor,
  PackageKind,
} from '@sallyport/core/domain/updates/package';
import type { PackageGuid, ProductId } from '@sallyport/core/shared/ids';
import { compareVersions } from '@sallyport/core/shared/version';
import { descriptorFormat } from '@sallyport/core/wire/descriptor';
import type { Compute } from '../ports/compute.ts';
import { changeRepository, type CloudTools, type Published, readPublished } from './cloud-tools.ts';
import { checkCommands } from './definition/commands.ts';
import type { ReadDefinition } from './definition/definition.ts';
import { checkLicence, readLicence } from './definition/licence.ts';
import { buildDefinition, type BuiltPayload, scanDefinition } from './definition/payload.ts';
import { DefinitionError, inReadingOrder } from './definition/problem.ts';
import { checkRelations } from './definition/relations.ts';
import { checkDescriptor, compareWithPublished, descriptorFrom } from './descriptor-making.ts';
import { previousReleases } from './previous-releases.ts';
import { publicationChange } from './publication-change.ts';
import { checkPercentage } from './rollout-changes.ts';
import { buildEncodings } from './trees/build-encodings.ts';
import { documentBytes, encodeDocuments } from './trees/document-encodings.ts';
import type { PayloadReader } from './trees/payload-source.ts';

export interface PublishTools extends CloudTools {
  readonly compute: Compute;
  /** How payload is read; folders and tar files of this machine when not given. */
  readonly reader?: PayloadReader;
}

export interface PublishOptions {
  /** Whole percent of hierarchies that may have it at once. */
  readonly percentage: number;
  /** Only finds out what would be wrong; nothing is stored. */
  readonly checkOnly?: boolean;
  /** How hard zstd tries; as hard as is sensible for what is published once and fetched often, when not given. */
  readonly level?: number;
  readonly onStep?: (step: PublishStep) => void;
}

/** What the publisher is at, for people who wait. */
export interface PublishStep {
  readonly kind: 'checking' | 'encoding' | 'reading' | 'signing';
  readonly name: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

export interface PublishedPackage {
  readonly product: ProductId;
  readonly guid: PackageGuid;
  readonly name: string;
  readonly version: string;
  readonly kind: PackageKind;
  /** `unchanged`: the very same was published before. `checked`: nothing was published. */
  readonly outcome: 'checked' | 'published' | 'unchanged';
  readonly fileCount?: number;
  readonly totalBytes?: number;
  /** What a site with nothing of the product fetches. */
  readonly wholeBytes?: number;
  /** What a site with the newest older release fetches. */
  readonly updateBytes?: number;
  /** What is in force, whatever was asked for: publishing again changes no roll-out. Absent for baselines. */
  readonly percentage?: number;
}

/** A definition that is right in every way, with its payload in the library. */
export interface Candidate {
  readonly read: ReadDefinition;
  readonly payload: BuiltPayload;
  /** Complete but for `content.encodings` and the ways to the documents. */
  readonly descriptor: PackageDescriptor;
  readonly unchanged: boolean;
}

/** A package that is ready to be signed for. */
export interface MadePackage extends Candidate {
  readonly entry: CatalogueEntry;
  /** What a site with nothing fetches, documents included. */
  readonly wholeBytes: number;
  /** The same for a site on the newest earlier release, if there is one. */
  readonly updateBytes: number | undefined;
}

/**
 * Publishes packages: checks all definitions and reports everything that is wrong with any of them before anything
 * is stored, makes trees, encodings and descriptors, and then signs catalogues and roll-outs in one step. Cut short,
 * it leaves the repository as it was; repeated, it goes on with the blobs that are there.
 *
 * @throws {DefinitionError} with all problems; {CloudError} KEYS_MISSING, WRONG_PASSPHRASE, LOCKED; {ContentError} DISK_FULL
 */
export async function publish(
  tools: PublishTools,
  definitions: readonly ReadDefinition[],
  options: PublishOptions,
  signal: AbortSignal,
): Promise<readonly PublishedPackage[]> {
  checkPercentage(options.percentage);
  const published = await readPublished(tools);
  await checkDefinitions(tools, definitions, published, options, signal);
  refuseProblems(definitions);
  if (options.checkOnly === true) {
    return definitions.flatMap(({ complete }) =>
      complete === undefined ? [] : [{ ...namesOf(complete), outcome: 'checked' }],
    );
  }
  const candidates = await buildAll(tools, definitions, published, options, signal);
  refuseProblems(definitions);
  const made = await encodeAll(tools, candidates, published, options, signal);
  if (made.length > 0) {
    options.onStep?.({ kind: 'signing', name: 'catalogue' });
    await changeRepository(
      tools,
      'publish packages',
      async (now) => {
        const change = publicationChange(now, made, { percentage: options.percentage, random: tools.random });
        refuseProblems(definitions);
        return { change, result: undefined };
      },
      signal,
    );
  }
  return candidates.map((candidate) =>
    resultOf(
      candidate,
      made.find(({ read }) => read === candidate.read),
      options,
      published,
    ),
  );
}

/** Everything that can be found without storing anything. */
async function checkDefinitions(
  tools: PublishTools,
  definitions: readonly ReadDefinition[],
  published: Published,
  options: PublishOptions,
  signal: AbortSignal,
): Promise<void> {
  checkRelations(
    definitions,
    new Map([...published.contents.catalogues].map(([product, { packages }]) => [product, packages])),
  );
  for (const definition of definitions) {
    signal.throwIfAborted();
    options.onStep?.({ kind: 'checking', name: labelOf(definition) });
    const sizes = await scanDefinition(definition, signal, tools.reader);
    checkCommands(definition, sizes && new Set(sizes.keys()));
    await checkLicence(definition, sizes);
    if (definition.complete !== undefined) {
      const descriptor = descriptorFrom(definition.complete, undefined, undefined);
      checkDescriptor(definition, descriptor);
      await compareWithPublished(definition, descriptor, published, tools.blobs, false);
    }
  }
}

async function buildAll(
  tools: PublishTools,
  definitions: readonly ReadDefinition[],
  published: Published,
  options: PublishOptions,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  for (const read of definitions) {
    const name = labelOf(read);
    const payload = await buildDefinition(
      read,
      tools.blobs,
      signal,
      ({ doneBytes, totalBytes }) => options.onStep?.({ kind: 'reading', name, doneBytes, totalBytes }),
      tools.reader,
    );
    if (payload !== undefined && read.complete !== undefined) {
      const licence = await readLicence(read, { tree: payload.tree, blobs: tools.blobs });
      const descriptor = descriptorFrom(read.complete, licence, payload);
      const compared = await compareWithPublished(read, descriptor, published, tools.blobs, true);
      candidates.push({ read, payload, descriptor, unchanged: compared === 'same' });
    }
  }
  // Older ones first: newer ones are patched against them.
  return candidates.toSorted((a, b) => compareVersions(a.descriptor.version, b.descriptor.version));
}

async function encodeAll(
  tools: PublishTools,
  candidates: readonly Candidate[],
  published: Published,
  options: PublishOptions,
  signal: AbortSignal,
): Promise<readonly MadePackage[]> {
  const made: MadePackage[] = [];
  for (const candidate of candidates.filter(({ unchanged }) => !unchanged)) {
    const { name, product } = candidate.descriptor;
    const catalogue: Catalogue | undefined = published.contents.catalogues.get(product);
    const previous = await previousReleases(tools.blobs, candidate.descriptor, catalogue, made);
    const level = options.level === undefined ? {} : { level: options.level };
    const { ref, stats } = await buildEncodings(
      { tree: candidate.payload.tree, previous, ...level },
      tools,
      signal,
      ({ doneBytes, totalBytes }) => options.onStep?.({ kind: 'encoding', name, doneBytes, totalBytes }),
    );
    const documents = { ...candidate.descriptor.content, encodings: ref };
    const content: PackageContent = {
      ...documents,
      documentEncodings: await encodeDocuments(
        { documents, previous: previous.map((release) => release.content), ...level },
        tools,
        signal,
      ),
    };
    const descriptor = { ...candidate.descriptor, content };
    const { guid, kind, version } = descriptor;
    const entry = {
      guid,
      kind,
      version,
      descriptor: await tools.blobs.putBytes(descriptorFormat.print(descriptor)),
    };
    const [updateBytes] = stats.updateBytes;
    made.push({
      ...candidate,
      descriptor,
      entry,
      wholeBytes: stats.wholeBytes + documentBytes(content, undefined),
      updateBytes:
        updateBytes === undefined ? undefined : updateBytes + documentBytes(content, previous[0]?.content),
    });
  }
  return made;
}

/** @throws {DefinitionError} */
function refuseProblems(definitions: readonly ReadDefinition[]): void {
  const problems = definitions.flatMap(({ source }) => source.problems);
  if (problems.length > 0) {
    throw new DefinitionError(inReadingOrder(problems));
  }
}

function labelOf({ source, partial }: ReadDefinition): string {
  return partial.name ?? source.file;
}

function namesOf({
  product,
  guid,
  name,
  version,
  kind,
}: Pick<PackageDescriptor, 'guid' | 'kind' | 'name' | 'product' | 'version'>) {
  return { product, guid, name, version, kind };
}

function resultOf(
  { descriptor }: Candidate,
  made: MadePackage | undefined,
  { percentage }: PublishOptions,
  { contents }: Published,
): PublishedPackage {
  const { fileCount, totalBytes } = descriptor.content;
  const base = { ...namesOf(descriptor), fileCount, totalBytes };
  if (made === undefined) {
    const { product, guid, kind } = descriptor;
    const rollout = contents.rollouts.get(product)?.packages.find((entry) => entry.guid === guid);
    return {
      ...base,
      outcome: 'unchanged',
      ...(kind === 'baseline' ? {} : { percentage: rollout?.percentage ?? 0 }),
    };
  }
  const { wholeBytes, updateBytes } = made;
  return {
    ...base,
    outcome: 'published',
    wholeBytes,
    ...(updateBytes === undefined ? {} : { updateBytes }),
    ...(descriptor.kind === 'baseline' ? {} : { percentage }),
  };
}
