import { parseSync } from 'oxc-parser';

/**
 * @typedef {object} Reference one module that a file names
 * @property {string} specifier
 * @property {readonly string[]} names what is taken from it, as exported; `*` for all of it, or for unknown
 * @property {boolean} typeOnly nothing of it exists when the program runs
 * @property {number} line counted from 1
 */

/**
 * @typedef {{ readonly type: string, readonly start: number, readonly [field: string]: unknown }} SyntaxNode an
 *   ESTree node
 */

/**
 * @typedef {{ readonly kind: 'parsed', readonly program: SyntaxNode, readonly imports: readonly Reference[],
 *   readonly lineAt: (offset: number) => number }
 *   | { readonly kind: 'broken', readonly line: number, readonly message: string }} Parsed
 */

/**
 * @param {string} file decides the dialect by its name's end
 * @param {string} text
 * @returns {Parsed}
 */
export function parse(file, text) {
  const result = parseSync(file, text, { sourceType: 'module' });
  const lineAt = (/** @type {number} */ offset) => text.slice(0, offset).split('\n').length;
  const [error] = result.errors;
  if (error !== undefined) {
    return { kind: 'broken', line: lineAt(error.labels[0]?.start ?? 0), message: error.message };
  }
  const program = /** @type {SyntaxNode} */ (/** @type {unknown} */ (result.program));
  /** @type {Reference[]} */
  const imports = [];
  visit(program, (node) => {
    const found = referenceOf(node);
    if (found !== undefined) imports.push({ ...found, line: lineAt(node.start) });
  });
  return { kind: 'parsed', program, imports, lineAt };
}

/**
 * Calls back for a node and everything below it, parents first.
 *
 * @param {SyntaxNode} node
 * @param {(node: SyntaxNode, parent: SyntaxNode | undefined, field: string) => void | 'skip'} callback `skip` leaves
 *   out what is below the node
 * @param {SyntaxNode} [parent]
 * @param {string} [field] of the parent that holds the node
 */
export function visit(node, callback, parent, field = '') {
  if (callback(node, parent, field) === 'skip') return;
  for (const [name, value] of Object.entries(node)) {
    const children = Array.isArray(value) ? value : [value];
    for (const child of children) if (isNode(child)) visit(child, callback, node, name);
  }
}

/** @param {unknown} value @returns {value is SyntaxNode} */
export function isNode(value) {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/**
 * @param {SyntaxNode} node
 * @returns {Omit<Reference, 'line'> | undefined} undefined when the node names no module
 */
function referenceOf(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration': {
      const specifier = textOf(node['source']);
      if (specifier === undefined) return undefined;
      const parts = Array.isArray(node['specifiers']) ? node['specifiers'].filter(isNode) : [];
      const wholeIsType = node['importKind'] === 'type' || node['exportKind'] === 'type';
      const partsAreTypes =
        parts.length > 0 &&
        parts.every((part) => part['importKind'] === 'type' || part['exportKind'] === 'type');
      return {
        specifier,
        names: parts.length === 0 ? ['*'] : parts.map(importedName),
        typeOnly: wholeIsType || partsAreTypes,
      };
    }
    case 'ImportExpression':
      return { specifier: textOf(node['source']) ?? '(computed)', names: ['*'], typeOnly: false };
    case 'TSImportType': {
      const specifier = textOf(node['source']) ?? textOf(node['argument']);
      return specifier === undefined ? undefined : { specifier, names: ['*'], typeOnly: true };
    }
    case 'CallExpression': {
      const callee = node['callee'];
      const [argument] = Array.isArray(node['arguments']) ? node['arguments'] : [];
      const specifier = textOf(argument);
      const isRequire = isNode(callee) && callee.type === 'Identifier' && callee['name'] === 'require';
      return isRequire && specifier !== undefined ? { specifier, names: ['*'], typeOnly: false } : undefined;
    }
    case 'NewExpression':
      return workerReference(node);
    default:
      return undefined;
  }
}

/**
 * `new URL('./worker.ts', import.meta.url)` is how a file names the worker that it starts.
 *
 * @param {SyntaxNode} node
 * @returns {Omit<Reference, 'line'> | undefined}
 */
function workerReference(node) {
  const callee = node['callee'];
  const [first, second] = Array.isArray(node['arguments']) ? node['arguments'] : [];
  const specifier = textOf(first);
  const isUrl = isNode(callee) && callee.type === 'Identifier' && callee['name'] === 'URL';
  if (!isUrl || specifier === undefined || !/^\..*\.[cm]?[jt]s$/.test(specifier)) return undefined;
  const besideThisFile = isNode(second) && second.type === 'MemberExpression' && isNode(second['object']);
  return besideThisFile ? { specifier, names: ['*'], typeOnly: false } : undefined;
}

/** @param {SyntaxNode} part of an import or export @returns {string} */
function importedName(part) {
  if (part.type === 'ImportDefaultSpecifier') return 'default';
  const name = part.type === 'ImportSpecifier' ? part['imported'] : part['local'];
  if (part.type === 'ImportNamespaceSpecifier' || !isNode(name)) return '*';
  return String(name['name'] ?? name['value']);
}

/** @param {unknown} node @returns {string | undefined} the text of a string literal, of a type's one too */
function textOf(node) {
  if (!isNode(node)) return undefined;
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node.type === 'TSLiteralType') return textOf(node['literal']);
  return undefined;
}
