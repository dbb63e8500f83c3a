import { isNode, visit } from './parse.mjs';
import { mayOpenSockets, portedRooms } from './rooms.mjs';

/**
 * @typedef {object} Use of something that the room must not touch
 * @property {number} start offset in the file
 * @property {'clock' | 'chance' | 'socket'} rule
 * @property {string} message
 * @property {string} remedy
 */

const clockRemedy = 'take the Clock port; a workflow reads it once and passes the time on';
const chanceRemedy = 'take the Random port';
const socketRemedy = 'sockets belong in packages/engine/src/transport, behind a port';

/** @type {Readonly<Record<string, 'clock' | 'chance'>>} members of globals, as `object.property` */
const members = {
  'Date.now': 'clock',
  'performance.now': 'clock',
  'process.hrtime': 'clock',
  'process.uptime': 'clock',
  'Temporal.Now': 'clock',
  'AbortSignal.timeout': 'clock',
  'Math.random': 'chance',
  'crypto.randomUUID': 'chance',
  'crypto.getRandomValues': 'chance',
};

/** @type {Readonly<Record<string, 'clock' | 'chance' | 'socket'>>} globals that are forbidden by their name alone */
const globals = {
  setTimeout: 'clock',
  setInterval: 'clock',
  setImmediate: 'clock',
  fetch: 'socket',
  WebSocket: 'socket',
  EventSource: 'socket',
};

/** Expressions that wear a type: what they hold runs; all other nodes named TS… do not. */
const typedExpressions = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSInstantiationExpression',
  'TSTypeAssertion',
]);

/** Expressions that are what they hold. */
const wrappers = new Set(['ParenthesizedExpression', 'ChainExpression']);

/**
 * @param {string} room
 * @param {import('./parse.mjs').SyntaxNode} program
 * @returns {Use[]} reads of the clock and of chance where they are ports, and sockets outside the transports
 */
export function forbiddenUses(room, program) {
  const ported = portedRooms.includes(room);
  const sockets = mayOpenSockets(room);
  const own = declaredNames(program);
  /** @type {Use[]} */
  const uses = [];
  /** @param {import('./parse.mjs').SyntaxNode} node @param {Use['rule']} rule @param {string} what */
  const add = (node, rule, what) => {
    if (rule === 'socket' ? sockets : !ported) return;
    const remedy = { clock: clockRemedy, chance: chanceRemedy, socket: socketRemedy }[rule];
    uses.push({ start: node.start, rule, message: `${room} may not use ${what}`, remedy });
  };

  visit(program, (node, parent, field) => {
    if (node.type.startsWith('TS') && !typedExpressions.has(node.type)) return 'skip';
    if (node.type === 'MemberExpression') {
      const path = globalPath(node, own);
      const rule = path === undefined ? undefined : (members[path] ?? globals[path]);
      if (rule !== undefined) add(node, rule, String(path));
    } else if (node.type === 'VariableDeclarator') {
      for (const path of destructuredPaths(node, own)) {
        const rule = members[path];
        if (rule !== undefined) add(node, rule, path);
      }
    } else if (node.type === 'NewExpression' || node.type === 'CallExpression') {
      const callee = node['callee'];
      const isDate = isNode(callee) && globalPath(callee, own) === 'Date';
      const bare = Array.isArray(node['arguments']) && node['arguments'].length === 0;
      if (isDate && (bare || node.type === 'CallExpression')) {
        add(node, 'clock', node.type === 'NewExpression' ? 'a bare new Date()' : 'Date()');
      }
    } else if (node.type === 'Identifier' && !isPropertyName(node, parent, field)) {
      const name = String(node['name']);
      const rule = own.has(name) || !Object.hasOwn(globals, name) ? undefined : globals[name];
      if (rule !== undefined) add(node, rule, name);
    }
    return undefined;
  });
  return uses;
}

/**
 * `Date`, `Date.now`, `globalThis.Date.now` → `Date.now`: the path from a global, as far as it is written plainly.
 *
 * @param {import('./parse.mjs').SyntaxNode} node
 * @param {ReadonlySet<string>} own names that the file declares, which hide the globals
 * @returns {string | undefined}
 */
function globalPath(node, own) {
  if (node.type === 'Identifier') {
    const name = String(node['name']);
    return own.has(name) ? undefined : name;
  }
  const inner = node['expression'];
  if (isNode(inner) && (wrappers.has(node.type) || typedExpressions.has(node.type)))
    return globalPath(inner, own);
  if (node.type !== 'MemberExpression') return undefined;
  const { object, property } = node;
  if (!isNode(object) || !isNode(property)) return undefined;
  const start = globalPath(object, own);
  const last = node['computed'] === true ? property['value'] : property['name'];
  if (start === undefined || typeof last !== 'string') return undefined;
  return start === 'globalThis' ? last : `${start}.${last}`;
}

/**
 * `const { now } = Date` takes `Date.now`.
 *
 * @param {import('./parse.mjs').SyntaxNode} declarator
 * @param {ReadonlySet<string>} own
 * @returns {string[]}
 */
function destructuredPaths(declarator, own) {
  const { id, init } = declarator;
  if (!isNode(id) || !isNode(init) || id.type !== 'ObjectPattern' || !Array.isArray(id['properties']))
    return [];
  const object = globalPath(init, own);
  return id['properties'].filter(isNode).flatMap(({ key }) => {
    return object !== undefined && isNode(key) ? [`${object}.${String(key['name'] ?? key['value'])}`] : [];
  });
}

/**
 * @param {import('./parse.mjs').SyntaxNode} node an identifier
 * @param {import('./parse.mjs').SyntaxNode | undefined} parent
 * @param {string} field
 * @returns {boolean} whether it only names a property: `x.fetch`, `{ fetch: … }`, a method called fetch
 */
function isPropertyName(node, parent, field) {
  if (parent === undefined || parent['computed'] === true) return false;
  if (parent.type === 'MemberExpression') return field === 'property';
  // A shorthand `{ fetch }` is both name and value; its value comes by as a node of its own.
  return field === 'key' || (field === 'label' && node.type === 'Identifier');
}

/**
 * Every name that the file declares anywhere. Rough, since it knows no scopes, but a file that has both a
 * parameter and a global of one name would puzzle its readers too.
 *
 * @param {import('./parse.mjs').SyntaxNode} program
 * @returns {Set<string>}
 */
function declaredNames(program) {
  /** @type {Set<string>} */
  const names = new Set();
  visit(program, (node) => {
    if (node.type.startsWith('TS') && !typedExpressions.has(node.type)) return 'skip';
    for (const field of ['id', 'local', 'param']) collectPattern(node[field], names);
    if (Array.isArray(node['params'])) for (const param of node['params']) collectPattern(param, names);
    return undefined;
  });
  return names;
}

/** @param {unknown} pattern @param {Set<string>} names */
function collectPattern(pattern, names) {
  if (!isNode(pattern)) return;
  switch (pattern.type) {
    case 'Identifier':
      names.add(String(pattern['name']));
      break;
    case 'ObjectPattern':
    case 'ArrayPattern':
      for (const part of [pattern['properties'], pattern['elements']].flat()) collectPattern(part, names);
      break;
    case 'Property':
      collectPattern(pattern['value'], names);
      break;
    case 'AssignmentPattern':
      collectPattern(pattern['left'], names);
      break;
    case 'RestElement':
      collectPattern(pattern['argument'], names);
      break;
  }
}
