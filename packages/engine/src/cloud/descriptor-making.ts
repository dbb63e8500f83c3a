import { type Digest, digest } from '@sallyport/core/shared/ids';
import type {
  CatalogueEntry,
  Licence,
  PackageContent,
  PackageDescriptor,
} from '@sallyport/core/domain/updates/package';
import { descriptorFormat, parseDescriptor } from '@sallyport/core/wire/descriptor';
import type { Blobs } from '../ports/blobs.ts';
import type { Published } from './cloud-tools.ts';
import type { Definition, ReadDefinition } from './definition/definition.ts';
import type { BuiltPayload } from './definition/payload.ts';

/** Stands for what is not made yet. */
const nothing: Digest = digest('0'.repeat(64));
const noContent: PackageContent = {
  tree: { sha256: nothing, sizeBytes: 0 },
  encodings: { sha256: nothing, sizeBytes: 0 },
  fileCount: 0,
  totalBytes: 0,
};

/** The descriptor of a definition, as far as it can be made: `content.encodings` and the ways to the documents are still to come. */
export function descriptorFrom(
  definition: Definition,
  licence: Licence | undefined,
  payload: BuiltPayload | undefined,
): PackageDescriptor {
  const { payload: _, licence: __, ...fields } = definition;
  const content =
    payload === undefined
      ? noContent
      : {
          ...noContent,
          tree: payload.treeRef,
          fileCount: payload.tree.files.length,
          totalBytes: payload.tree.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        };
  return { ...fields, schema: 1, ...(licence === undefined ? {} : { licence }), content };
}

/** Checks a descriptor as sites will. Problems are reported in the definition's source. */
export function checkDescriptor({ source }: ReadDefinition, descriptor: PackageDescriptor): void {
  for (const { path, message } of descriptorFormat.problems(descriptor)) {
    const name = path === '' ? 'the package' : `"${path.slice(1).replaceAll('/', '.')}"`;
    source.reportAt(pathOf(path), `${name} ${message}`, 'correct it');
  }
}

/**
 * Compares with a published package of the same GUID, if there is one: what is published never changes. A
 * difference is reported in the definition's source.
 *
 * @param withContent whether the payload is compared too
 * @returns `same` when the very same is published already
 */
export async function compareWithPublished(
  { source }: ReadDefinition,
  descriptor: PackageDescriptor,
  { contents }: Published,
  blobs: Blobs,
  withContent: boolean,
): Promise<'different' | 'new' | 'same'> {
  const entry = [...contents.catalogues.values()]
    .flatMap(({ packages }) => packages)
    .find(({ guid }) => guid === descriptor.guid);
  if (entry === undefined) {
    return 'new';
  }
  const before = parseDescriptor(await blobs.readBytes(entry.descriptor.sha256, descriptorFormat.maxBytes));
  if (!isSame(before, descriptor, withContent)) {
    source.reportAt(
      ['guid'],
      `the GUID ${descriptor.guid} is published already, for ${before.name} ${before.version}, with other content`,
      'give this package a GUID of its own, for example from "uuidgen": what is published never changes',
    );
    return 'different';
  }
  return reportWithdrawn(source, entry) ? 'different' : 'same';
}

function reportWithdrawn(source: ReadDefinition['source'], { withdrawn }: CatalogueEntry): boolean {
  if (withdrawn !== undefined) {
    source.reportAt(
      ['guid'],
      `the package is withdrawn since ${withdrawn.at}: ${withdrawn.reason}`,
      'publish it under a new GUID if it is good after all',
    );
  }
  return withdrawn !== undefined;
}

/** New patches change the encodings, never the package. */
function isSame(before: PackageDescriptor, now: PackageDescriptor, withContent: boolean): boolean {
  const comparable = (descriptor: PackageDescriptor): PackageDescriptor => ({
    ...descriptor,
    content: withContent ? identityOf(descriptor.content) : noContent,
  });
  // The licence's text may lie in the payload, and is known with it only.
  const { licence: _, ...bare } = comparable(before);
  return Buffer.from(
    descriptorFormat.print(withContent ? comparable(before) : (bare as PackageDescriptor)),
  ).equals(descriptorFormat.print(comparable(now)));
}

function identityOf({ tree, fileCount, totalBytes }: PackageContent): PackageContent {
  return { ...noContent, tree, fileCount, totalBytes };
}

/** A JSON Pointer as a path into the definition, which has the same fields. */
function pathOf(pointer: string): readonly (number | string)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')));
}
