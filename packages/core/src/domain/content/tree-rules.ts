import { segmentSizeMaxBytes, type Tree, type TreeFile } from './tree.ts';

/** Size limits of the two documents, checked before they are parsed. */
export const treeDocumentMaxBytes = 64 * 1024 * 1024;
export const encodingsDocumentMaxBytes = 128 * 1024 * 1024;

/** The longest path, and the longest part of one, in bytes of UTF-8. */
const pathMaxBytes = 1024;
const pathPartMaxBytes = 255;

/** Something in a tree, or in what is to become one, that is not allowed. */
export interface TreeProblem {
  readonly path: string;
  /** What is wrong, as a clause: `has a part ".."`. */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
}

const utf8 = new TextEncoder();
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/**
 * Why `path` cannot be the path of a file in a tree, as a clause, or undefined when it can.
 * Trees hold plain relative paths: what they name always lies inside the release's own folder.
 */
export function pathProblem(path: string): string | undefined {
  if (path === '') {
    return 'is empty';
  }
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) {
    return 'is absolute';
  }
  if (path.includes('\\')) {
    return 'has a backslash';
  }
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  if (/[\u0000-\u001F\u007F]/.test(path)) {
    return 'has a control character';
  }
  if (loneSurrogate.test(path)) {
    return 'is not valid Unicode';
  }
  for (const part of path.split('/')) {
    if (part === '') {
      return 'has an empty part';
    }
    if (part === '.' || part === '..') {
      return `has a part "${part}"`;
    }
    if (utf8.encode(part).length > pathPartMaxBytes) {
      return `has a part longer than ${String(pathPartMaxBytes)} bytes`;
    }
  }
  return utf8.encode(path).length > pathMaxBytes ? `is longer than ${String(pathMaxBytes)} bytes` : undefined;
}

/**
 * Paths that cannot lie beside each other on every file system: repeated ones, ones that differ only in
 * case or in Unicode composition (in any folder of theirs too), and a file where another needs a folder.
 */
export function pathCollisions(paths: Iterable<string>): readonly TreeProblem[] {
  const problems: TreeProblem[] = [];
  const spellings = new Map<string, { readonly spelling: string; readonly kind: 'file' | 'folder' }>();
  for (const path of paths) {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const problem = collision(spellings, path.slice(0, end), 'folder');
      if (problem !== undefined) {
        problems.push({ path, ...problem });
      }
    }
    const problem = collision(spellings, path, 'file');
    if (problem !== undefined) {
      problems.push({ path, ...problem });
    }
  }
  return problems;
}

function collision(
  spellings: Map<string, { readonly spelling: string; readonly kind: 'file' | 'folder' }>,
  spelling: string,
  kind: 'file' | 'folder',
): Omit<TreeProblem, 'path'> | undefined {
  const key = spelling.normalize('NFC').toLowerCase();
  const before = spellings.get(key);
  if (before === undefined) {
    spellings.set(key, { spelling, kind });
    return undefined;
  }
  if (before.spelling !== spelling) {
    return {
      problem: `differs from "${before.spelling}" only in upper and lower case or in Unicode composition`,
      remedy: 'rename one of them: many file systems take both for the same file',
    };
  }
  if (before.kind !== kind) {
    return { problem: `"${spelling}" is a file and a folder at once`, remedy: 'rename one of them' };
  }
  return kind === 'file' ? { problem: 'is there twice', remedy: 'leave one of the two out' } : undefined;
}

/**
 * Every way in which a tree breaks the rules that its type promises, apart from the shapes of its fields.
 * An empty answer means that the tree may be staged.
 */
export function treeProblems(tree: Tree): readonly TreeProblem[] {
  const problems: TreeProblem[] = [];
  let before: string | undefined;
  for (const file of tree.files) {
    const problem = pathProblem(file.path);
    if (problem !== undefined) {
      problems.push({ path: file.path, problem, remedy: 'give the file a plain relative path' });
    }
    if (before !== undefined && before >= file.path) {
      problems.push({
        path: file.path,
        problem: `comes after "${before}"`,
        remedy: 'sort files by path, each once',
      });
    }
    before = file.path;
    problems.push(...segmentProblems(file));
  }
  problems.push(...pathCollisions(tree.files.map((file) => file.path)));
  return problems;
}

function segmentProblems(file: TreeFile): readonly TreeProblem[] {
  const found: TreeProblem[] = [];
  const report = (problem: string): void => {
    found.push({ path: file.path, problem, remedy: 'publish the package again' });
  };
  let sum = 0;
  for (const segment of file.segments) {
    sum += segment.sizeBytes;
    if (segment.sizeBytes <= 0 || segment.sizeBytes > segmentSizeMaxBytes) {
      report(
        `has a segment of ${String(segment.sizeBytes)} bytes; 1 to ${String(segmentSizeMaxBytes)} are allowed`,
      );
    }
  }
  if (sum !== file.sizeBytes) {
    report(`is ${String(file.sizeBytes)} bytes but its segments are ${String(sum)}`);
  }
  const [only] = file.segments;
  if (only !== undefined && file.segments.length === 1 && only.sha256 !== file.sha256) {
    report('has another digest than its only segment');
  }
  return found;
}
