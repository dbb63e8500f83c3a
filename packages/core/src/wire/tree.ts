import { type Static, Type, type TSchema } from 'typebox';
import { treeDocumentMaxBytes, treeProblems } from '../domain/content/tree-rules.ts';
import type { Tree, TreeFile } from '../domain/content/tree.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { blobRefField, closed, countField, digestField } from './fields.ts';
import type { Problem } from './wire-error.ts';

/** Closed throughout: a tree is the identity of a release, and every byte of it is carried out. */
const fileField = Type.Object(
  {
    path: Type.String(),
    mode: Type.Union([Type.Literal(0o644), Type.Literal(0o755)]),
    sizeBytes: countField(),
    sha256: digestField,
    segments: Type.Array(blobRefField),
  } satisfies Record<keyof TreeFile, TSchema>,
  closed,
);

const schema = Type.Object(
  { schema: Type.Literal(1), files: Type.Array(fileField) } satisfies Record<keyof Tree, TSchema>,
  closed,
);

export const treeFormat: DocumentFormat<Tree> = documentFormat({
  name: 'tree',
  schema,
  maxBytes: treeDocumentMaxBytes,
  rules,
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseTree(bytes: Uint8Array): Tree {
  return treeFormat.parse(bytes);
}

function rules(tree: Static<typeof schema>): readonly Problem[] {
  const indexes = new Map(tree.files.map(({ path }, index) => [path, index]));
  const problems = treeProblems(tree).map(({ path, problem, remedy }) => ({
    path: `/files/${indexes.get(path) ?? ''}`,
    message: `(${JSON.stringify(path.slice(0, 200))}) ${problem}: ${remedy}`,
  }));
  return [...problems, ...sizeProblems(tree)];
}

/** One digest is one content, so it has one size. */
function sizeProblems(tree: Static<typeof schema>): readonly Problem[] {
  const sizes = new Map<string, number>();
  const problems: Problem[] = [];
  for (const [index, file] of tree.files.entries()) {
    for (const [at, { sha256, sizeBytes }] of file.segments.entries()) {
      const before = sizes.get(sha256);
      if (before !== undefined && before !== sizeBytes) {
        problems.push({
          path: `/files/${index}/segments/${at}/sizeBytes`,
          message: `says ${sizeBytes} bytes, and ${before} elsewhere for the same digest`,
        });
      }
      sizes.set(sha256, sizeBytes);
    }
  }
  return problems;
}
