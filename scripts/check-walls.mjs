// Holds the walls of the house (docs/adr/0002): which room may import which, and what no room but the right
// one may do. A room is a folder; the table below is the whole truth about who may know whom.
//
//   node scripts/check-walls.mjs [folder of a repository]
//
// Prints every violation as `file:line: rule: what`, with a remedy, and exits with 1 when there is one.
// Tests (`*.test.ts`, folders `test/` and `test-support/`) may import anything; shipped code may not import them.

import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { walk } from './bootstrap/tests.mjs';
import { forbiddenUses } from './walls/forbidden-uses.mjs';
import { parse } from './walls/parse.mjs';
import { importProblem, isTest, roomOf } from './walls/rooms.mjs';

const linesMax = 400;

/**
 * @typedef {object} Violation
 * @property {string} file relative to the repository
 * @property {number} line counted from 1
 * @property {'imports' | 'room' | 'clock' | 'chance' | 'socket' | 'host' | 'length' | 'syntax'} rule
 * @property {string} message what is wrong
 * @property {string} remedy
 */

/**
 * @param {string} root the repository
 * @returns {Violation[]} by file and line
 */
export function checkWalls(root) {
  return ['packages', 'apps']
    .flatMap((folder) => walk(root, folder))
    .filter((file) => /\.(?:[cm]?ts|tsx|[cm]?js)$/.test(file) && !file.endsWith('.d.ts') && !isTest(file))
    .flatMap((file) => checkFile(file, readFileSync(join(root, file), 'utf8')));
}

/**
 * @param {string} file relative to the repository, with forward slashes
 * @param {string} text
 * @returns {Violation[]}
 */
export function checkFile(file, text) {
  const room = roomOf(file);
  if (room === undefined) {
    return [
      {
        file,
        line: 1,
        rule: 'room',
        message: 'lies in no room',
        remedy: 'move it into one of the folders that scripts/walls/rooms.mjs lists, or open a room there',
      },
    ];
  }
  /** @type {Violation[]} */
  const violations = [];
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > linesMax) {
    violations.push({
      file,
      line: linesMax + 1,
      rule: 'length',
      message: `${lines} lines, at most ${linesMax} are allowed`,
      remedy: 'find the second idea in it and give that a file of its own',
    });
  }
  const parsed = parse(file, text);
  if (parsed.kind === 'broken') {
    return [
      ...violations,
      { file, line: parsed.line, rule: 'syntax', message: parsed.message, remedy: 'make it parse' },
    ];
  }
  for (const reference of parsed.imports) {
    const problem = importProblem(file, room, reference);
    if (problem !== undefined) violations.push({ file, line: reference.line, ...problem });
  }
  for (const use of forbiddenUses(room, parsed.program)) {
    violations.push({
      file,
      line: parsed.lineAt(use.start),
      rule: use.rule,
      message: use.message,
      remedy: use.remedy,
    });
  }
  violations.sort((a, b) => a.line - b.line);
  return violations;
}

/** @param {readonly string[]} argv @returns {number} exit code */
function main(argv) {
  const root = resolve(argv[0] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
  const violations = checkWalls(root);
  for (const { file, line, rule, message, remedy } of violations) {
    process.stdout.write(`${file}:${line}: ${rule}: ${message}\n    remedy: ${remedy}\n`);
  }
  const where = relative(process.cwd(), root) || '.';
  process.stdout.write(
    violations.length === 0
      ? `walls: all hold in ${where}\n`
      : `walls: ${violations.length} violations in ${where}\n`,
  );
  return violations.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
