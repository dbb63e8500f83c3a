// The table of who may import whom.

import { posix } from 'node:path';

/**
 * Rooms by the folder they fill, or the one file `<folder>.ts`; the longest wins. Whatever lies in none is a
 * violation.
 *
 * @type {Readonly<Record<string, string>>}
 */
const rooms = {
  'packages/core/src/shared': 'shared',
  'packages/core/src/domain': 'domain',
  'packages/core/src/wire': 'wire',
  'packages/engine/src/ports': 'ports',
  'packages/engine/src/storage': 'storage',
  'packages/engine/src/compute': 'compute',
  'packages/engine/src/transport': 'transport',
  'packages/engine/src/components': 'components',
  'packages/engine/src/executive': 'executive',
  'packages/engine/src/site': 'site',
  'packages/engine/src/cloud': 'cloud',
  'packages/simulator/src': 'simulator',
  'apps/sallyport/src/site': 'app:site',
  'apps/sallyport/src/cloud': 'app:cloud',
  'apps/sallyport/src/tool': 'app:tool',
  'apps/sallyport/src/client': 'app:client',
  'apps/sallyport/src/launcher': 'app:launcher',
  'apps/sallyport/src/tuf-client': 'app:tuf-client',
  'apps/sallyport/src': 'app',
  'apps/sallyport/bin': 'app',
  'apps/console/src': 'console',
  'bench/src': 'bench',
};

const core = ['shared', 'domain', 'wire'];
const engine = ['ports', 'storage', 'compute', 'transport', 'components', 'executive', 'site', 'cloud'];
const app = ['app', 'app:site', 'app:cloud', 'app:client', 'app:tool', 'app:tuf-client', 'app:launcher'];

/**
 * What each room may import beside itself. `room/path` allows only that file or folder of a room. `app` is the
 * command line and the demonstration: they start the composition roots and construct nothing themselves.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const mayImport = {
  shared: [],
  domain: ['shared'],
  wire: ['domain', 'shared'],
  ports: ['domain', 'shared'],
  storage: ['ports', 'domain', 'shared'],
  compute: ['ports', 'domain', 'shared'],
  transport: ['ports', ...core],
  components: ['ports', ...core],
  executive: ['ports', ...core],
  // What a site server is, whoever hands it its ports.
  site: ['ports', ...core, 'components', 'executive'],
  cloud: ['ports', ...core],
  // It puts real components together over simulated hosts: no transport, no files.
  simulator: [
    'ports',
    ...core,
    'components',
    'executive',
    'site',
    'cloud',
    'storage/memory',
    'storage/sqlite',
    'compute',
  ],
  'app:site': [...core, ...engine, 'app', 'app:client'],
  'app:cloud': [...core, ...engine, 'app'],
  // It verifies what it fetches as a site does (trust, content), asks a site server on the same machine (client), and
  // needs no database: the walls around storage/sqlite, executive, cloud and site are what keeps it small.
  'app:tool': [
    ...core,
    'ports',
    'storage/files',
    'transport/exchange-https',
    'transport/exchange-medium',
    'transport/content-http',
    'transport/egress',
    'compute',
    'components/courier',
    'components/service-connection',
    'app',
    'app:client',
  ],
  // The hidden command that makes the trusted set drivable by the conformance suite: a third, small root.
  'app:tuf-client': [
    ...core,
    'ports',
    'storage/files',
    'transport/content-http',
    'compute',
    'components/trust',
    'app',
  ],
  // Commands that ask a running site server.
  'app:client': [...core, 'ports', 'transport/console-api', 'app'],
  'app:launcher': [],
  app: [...core, 'ports', ...app],
  console: core,
  // It measures what ships, with whatever it takes; nothing imports it.
  bench: [...core, ...engine, ...app],
};

/** Core keeps to these packages; the XML parser joins them with device management. */
const corePackages = ['typebox'];

/** Whoever imports one of these opens sockets. */
const socketModules = [
  'undici',
  'fastify',
  'node:http',
  'node:https',
  'node:http2',
  'node:net',
  'node:tls',
  'node:dgram',
];

/** Where sockets are opened: by the transports, and by the two programs that put them together. */
const socketRooms = ['transport', 'app:site', 'app:cloud', 'bench'];

/** Files, processes, threads and databases: components are handed ports for them. */
const hostModules = [
  'node:fs',
  'node:fs/promises',
  'node:child_process',
  'node:worker_threads',
  'node:cluster',
  'node:sqlite',
  'kysely',
];
const hostlessRooms = ['components', 'executive', 'site'];

/** Rooms in which time and chance are ports. */
export const portedRooms = ['shared', 'domain', 'wire', 'components', 'executive', 'site'];

const clockModules = ['node:timers', 'node:timers/promises', 'node:perf_hooks'];
const chanceNames = /^(?:random\w*|getRandomValues|generateKey\w*|webcrypto|default|\*)$/;

/**
 * @param {string} file relative to the repository, with forward slashes
 * @returns {string | undefined} undefined outside every room
 */
export function roomOf(file) {
  if (file === 'packages/core/src/ambient.d.ts') return 'shared';
  const folder = Object.keys(rooms)
    .filter((candidate) => file.startsWith(`${candidate}/`) || file === `${candidate}.ts`)
    .reduce((longest, candidate) => (candidate.length > longest.length ? candidate : longest), '');
  return rooms[folder];
}

/** @param {string} file @returns {boolean} whether it is part of the tests, which may import anything */
export function isTest(file) {
  return /\.test\.[cm]?[jt]s$/.test(file) || /(?:^|\/)(?:test|test-support)\//.test(file);
}

/** @param {string} room @returns {boolean} */
export function mayOpenSockets(room) {
  return socketRooms.includes(room);
}

/**
 * @param {string} file
 * @param {string} room of the file
 * @param {import('./parse.mjs').Reference} reference
 * @returns {Pick<import('../check-walls.mjs').Violation, 'rule' | 'message' | 'remedy'> | undefined}
 */
export function importProblem(file, room, reference) {
  const { specifier } = reference;
  if (specifier === '(computed)') {
    return imports(
      'imports a module whose name is computed',
      'write the name as a plain string, so that it can be checked',
    );
  }
  const target = targetOf(file, specifier);
  return target === undefined
    ? outsideProblem(room, reference)
    : insideProblem(file, room, specifier, target);
}

/**
 * @param {string} file
 * @param {string} room
 * @param {string} specifier
 * @param {string} target the file it names
 * @returns {ReturnType<typeof importProblem>}
 */
function insideProblem(file, room, specifier, target) {
  const targetRoom = roomOf(target);
  if (isTest(target))
    return imports(
      `imports test code (${target})`,
      'move what both need into shipped code, or the user into a test',
    );
  if (targetRoom === undefined)
    return imports(`imports ${target}, which lies in no room`, 'import a file inside a room');
  if (specifier.startsWith('.') && packageOf(file) !== packageOf(target)) {
    return imports(
      `reaches into ${packageOf(target)} by a relative path`,
      'import it by its package name, @sallyport/…',
    );
  }
  if (targetRoom === room) return undefined;
  const allowed = mayImport[room] ?? [];
  const within = target.slice(0, target.lastIndexOf('.'));
  const isAllowed = allowed.some((entry) => {
    if (!entry.includes('/')) return entry === targetRoom;
    const folder = `packages/engine/src/${entry}`;
    return within === folder || within.startsWith(`${folder}/`) || within.startsWith(`${folder}-`);
  });
  if (isAllowed) return undefined;
  return imports(
    `${room} may not import ${targetRoom} (${target})`,
    `${room} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')}; what it needs from ${targetRoom} arrives as an argument or behind a port`,
  );
}

/**
 * @param {string} room
 * @param {import('./parse.mjs').Reference} reference
 * @returns {ReturnType<typeof importProblem>}
 */
function outsideProblem(room, { specifier, names, typeOnly }) {
  const name = packageNameOf(specifier);
  if (['shared', 'domain', 'wire'].includes(room) && !corePackages.includes(name)) {
    return imports(
      `core may not import ${specifier}`,
      `core keeps to ${corePackages.join(', ')}; digests, signature checks, time and chance reach it as arguments`,
    );
  }
  if (typeOnly) return undefined; // a type opens nothing
  if (!mayOpenSockets(room) && (socketModules.includes(specifier) || socketModules.includes(name))) {
    return {
      rule: 'socket',
      message: `${room} may not import ${specifier}: it opens sockets`,
      remedy: 'sockets belong in packages/engine/src/transport, behind a port',
    };
  }
  if (hostlessRooms.includes(room) && (hostModules.includes(specifier) || hostModules.includes(name))) {
    return {
      rule: 'host',
      message: `${room} may not import ${specifier}`,
      remedy: 'take a port for it; the adapter lives in storage or compute',
    };
  }
  if (!portedRooms.includes(room)) return undefined;
  if (clockModules.includes(specifier)) {
    return { rule: 'clock', message: `${room} may not import ${specifier}`, remedy: 'take the Clock port' };
  }
  const chance =
    specifier === 'node:crypto' ? names.find((candidate) => chanceNames.test(candidate)) : undefined;
  if (chance !== undefined) {
    return {
      rule: 'chance',
      message: `${room} may not import ${chance} from node:crypto`,
      remedy: 'take the Random port; import other things of node:crypto by name',
    };
  }
  return undefined;
}

/**
 * @param {string} message
 * @param {string} remedy
 * @returns {{ readonly rule: 'imports', readonly message: string, readonly remedy: string }}
 */
function imports(message, remedy) {
  return { rule: 'imports', message, remedy };
}

/**
 * @param {string} file
 * @param {string} specifier
 * @returns {string | undefined} the file of this repository; undefined for builtins and other packages
 */
function targetOf(file, specifier) {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier);
  const own = /^@sallyport\/(core|engine|simulator)\/(.+)$/.exec(specifier);
  return own === null ? undefined : `packages/${own[1]}/src/${own[2]}.ts`;
}

/** @param {string} file @returns {string} `packages/core`, `apps/sallyport` … */
function packageOf(file) {
  return file.split('/').slice(0, 2).join('/');
}

/** @param {string} specifier @returns {string} without the path inside the package */
function packageNameOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
