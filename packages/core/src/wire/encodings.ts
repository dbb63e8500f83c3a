import { type Static, Type, type TSchema } from 'typebox';
import { encodingsDocumentMaxBytes } from '../domain/content/tree-rules.ts';
import {
  type BlobRef,
  type DocumentEncodings,
  type Encoding,
  type Encodings,
  segmentSizeMaxBytes,
  type SegmentEncodings,
  type Tree,
} from '../domain/content/tree.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { blobRefField, closed, countField } from './fields.ts';
import type { Problem } from './wire-error.ts';

/** 2^27 bytes is what the decoder may need for a window over a base and a segment of the largest size. */
const windowLogMax = 27;
/** Nothing encoded needs to be much larger than a segment is. */
const blobBytesMax = segmentSizeMaxBytes + mebibytes(1);

const zstdFields = { kind: Type.Literal('zstd'), blob: blobRefField };
const zstdPatchFields = {
  kind: Type.Literal('zstd-patch'),
  blob: blobRefField,
  base: blobRefField,
  windowLog: countField(10, windowLogMax),
};

/** Closed: a way to fetch that is not understood is no way. */
const encodingField = Type.Union([Type.Object(zstdFields, closed), Type.Object(zstdPatchFields, closed)]);

/** The same within a document that may get more fields. A new kind of way needs a field of its own there. */
const openEncodingField = Type.Union([Type.Object(zstdFields), Type.Object(zstdPatchFields)]);

/** Ways to one segment or document. */
const waysMax = 100;

/** The field `documentEncodings` of a package's content. */
export const documentEncodingsField = Type.Object({
  tree: Type.Array(openEncodingField, { maxItems: waysMax }),
  encodings: Type.Array(openEncodingField, { maxItems: waysMax }),
} satisfies Record<keyof DocumentEncodings, TSchema>);

const segmentField = Type.Object(
  { segment: blobRefField, encodings: Type.Array(encodingField, { maxItems: waysMax }) } satisfies Record<
    keyof SegmentEncodings,
    TSchema
  >,
  closed,
);

const schema = Type.Object(
  { schema: Type.Literal(1), segments: Type.Array(segmentField) } satisfies Record<keyof Encodings, TSchema>,
  closed,
);

export const encodingsFormat: DocumentFormat<Encodings> = documentFormat({
  name: 'list of encodings',
  schema,
  maxBytes: encodingsDocumentMaxBytes,
  rules,
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseEncodings(bytes: Uint8Array): Encodings {
  return encodingsFormat.parse(bytes);
}

/** How encodings and the tree that they are for contradict each other: a segment unknown to it, or of another size. */
export function encodingsProblems(encodings: Encodings, tree: Tree): readonly Problem[] {
  const sizes = new Map(
    tree.files.flatMap(({ segments }) => segments.map(({ sha256, sizeBytes }) => [sha256, sizeBytes])),
  );
  return encodings.segments.flatMap(({ segment }, index) => {
    const sizeBytes = sizes.get(segment.sha256);
    if (sizeBytes === segment.sizeBytes) {
      return [];
    }
    const message =
      sizeBytes === undefined ? 'is no segment of the tree' : `has ${sizeBytes} bytes in the tree`;
    return [{ path: `/segments/${index}/segment`, message }];
  });
}

/** What a schema cannot say of the ways to one of a package's documents. */
export function documentEncodingProblems(
  document: BlobRef,
  ways: DocumentEncodings[keyof DocumentEncodings],
  path: string,
): readonly Problem[] {
  if (ways.length > 0 && document.sizeBytes > segmentSizeMaxBytes) {
    return [{ path, message: `must be empty for a document of more than ${segmentSizeMaxBytes} bytes` }];
  }
  return ways.flatMap((way, at) => wayProblems(document, way, `${path}/${at}`));
}

function wayProblems(target: BlobRef, way: Encoding, path: string): readonly Problem[] {
  const problems: Problem[] = [];
  const { sizeBytes } = way.blob;
  if (sizeBytes < 1 || sizeBytes > blobBytesMax) {
    problems.push({ path: `${path}/blob/sizeBytes`, message: `must be 1 to ${blobBytesMax}` });
  }
  if (way.kind === 'zstd-patch' && way.base.sha256 === target.sha256) {
    problems.push({ path: `${path}/base`, message: 'must not be what it leads to' });
  }
  return problems;
}

function rules(encodings: Static<typeof schema>): readonly Problem[] {
  const problems: Problem[] = [];
  let before = '';
  for (const [index, { segment, encodings: ways }] of encodings.segments.entries()) {
    const path = `/segments/${index}`;
    if (segment.sha256 <= before) {
      problems.push({ path: `${path}/segment`, message: 'must come in the order of digests, each once' });
    }
    before = segment.sha256;
    if (segment.sizeBytes < 1 || segment.sizeBytes > segmentSizeMaxBytes) {
      problems.push({ path: `${path}/segment/sizeBytes`, message: `must be 1 to ${segmentSizeMaxBytes}` });
    }
    let smallest = 0;
    for (const [at, way] of ways.entries()) {
      problems.push(...wayProblems(segment, way, `${path}/encodings/${at}`));
      const { sizeBytes } = way.blob;
      if (sizeBytes < smallest) {
        problems.push({ path: `${path}/encodings/${at}`, message: 'must come in the order of sizes' });
      }
      smallest = sizeBytes;
    }
  }
  return problems;
}
