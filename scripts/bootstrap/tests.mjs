import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where tests are looked for, and how their names end there. */
const places = [
  { folder: 'packages', suffix: '.test.ts' },
  { folder: 'apps', suffix: '.test.ts' },
  { folder: 'bench', suffix: '.test.ts' },
  { folder: 'scripts', suffix: '.test.mjs' },
];

/**
 * @param {string} root
 * @returns {string[]} paths relative to `root`, with forward slashes, in order
 */
export function findTests(root) {
  const found = places.flatMap(({ folder, suffix }) =>
    walk(root, folder).filter((path) => path.endsWith(suffix)),
  );
  found.sort();
  return found;
}

/**
 * Files below a folder of the repository; what is installed or hidden is left out.
 *
 * @param {string} root
 * @param {string} folder relative to `root`
 * @returns {string[]} paths relative to `root`, with forward slashes; none when the folder does not exist
 */
export function walk(root, folder) {
  /** @type {import('node:fs').Dirent[]} */
  let entries;
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) return [];
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return walk(root, path);
    return entry.isFile() ? [path] : [];
  });
}
