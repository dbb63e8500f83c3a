// Proves that the log entries which docs/flows/*.md quote were really written by a run of the main job.
//
//   node scripts/check-flows.mjs <folder of the run> [folder of the documents, docs/flows by default]
//
// The folder of the run holds the data folders of its sites, at any depth; their logs are logs/*.log and the
// rotated logs/*.lo_, in the CMTrace format.
//
// A flow document has one Mermaid flowchart and, below it, one table with exactly these columns:
//
//     | Box | Log | Entry |
//     | --- | --- | --- |
//     | fetch | Dmpdownloader.log | `Download of {file} started, {bytes} bytes` |
//     | done  | hman.log          | `Package {guid} is available` |
//
// - Box is the id of a box of the chart. Every rectangle (`fetch[Fetch the file]`) must have at least one row;
//   decisions, starts and ends may have some.
// - Log is the file that the entry stands in, at any site.
// - Entry is the whole message of the entry, in backticks. `{name}` stands for one or more characters that differ
//   from run to run; everything else must be the same, letter by letter. Some text must be outside the braces.
//   A pipe inside is written `\|`, as in every Markdown table.
//
// Prints every problem as `file:line: what`, and exits with 1 when there is one.

import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { readFlow } from './flows/document.mjs';
import { readRun } from './flows/run-logs.mjs';

/** @typedef {{ readonly file: string, readonly line: number, readonly message: string }} Problem */

/**
 * @param {string} documentsFolder
 * @param {string} runFolder
 * @returns {{ readonly problems: readonly Problem[], readonly entries: number, readonly logs: number }} `entries` counts
 *   the quoted entries, `logs` the files they were looked for in
 */
export function checkFlows(documentsFolder, runFolder) {
  const run = readRun(runFolder);
  const names = readdirSync(documentsFolder).filter((name) => name.endsWith('.md') && name !== 'README.md');
  /** @type {Problem[]} */
  const problems = [];
  let entries = 0;
  if (names.length === 0) {
    problems.push({ file: documentsFolder, line: 1, message: 'there is no flow document (*.md) here' });
  }
  if (run.files === 0) {
    problems.push({
      file: runFolder,
      line: 1,
      message: 'there is no logs/*.log below this folder; did the main job run?',
    });
  }
  for (const name of names) {
    const file = join(documentsFolder, name);
    const flow = readFlow(readFileSync(file, 'utf8'));
    problems.push(...flow.problems.map((problem) => ({ file, ...problem })));
    entries += flow.entries.length;
    for (const entry of flow.entries) {
      const messages = run.messagesByLog.get(entry.log.toLowerCase());
      if (messages === undefined) {
        problems.push({ file, line: entry.line, message: `no site of the run wrote ${entry.log}` });
      } else if (!messages.some((message) => entry.pattern.test(message))) {
        problems.push({
          file,
          line: entry.line,
          message: `${entry.log} of no site has the entry: ${entry.text}`,
        });
      }
    }
  }
  return { problems, entries, logs: run.files };
}

/** @param {readonly string[]} argv @returns {number} exit code */
function main(argv) {
  const [runFolder, documents] = argv;
  if (runFolder === undefined) {
    process.stderr.write(
      `usage: node scripts/${basename(import.meta.filename)} <folder of the run> [folder of the documents]\n`,
    );
    return 2;
  }
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const { problems, entries, logs } = checkFlows(
    resolve(documents ?? join(root, 'docs', 'flows')),
    resolve(runFolder),
  );
  for (const { file, line, message } of problems) {
    process.stdout.write(`${relative(process.cwd(), file)}:${line}: ${message}\n`);
  }
  const found = `${entries} quoted entries, ${logs} log files`;
  process.stdout.write(
    problems.length === 0
      ? `flows: every entry occurs (${found})\n`
      : `flows: ${problems.length} problems (${found})\n`,
  );
  return problems.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
