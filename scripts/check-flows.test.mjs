import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { checkFlows } from './check-flows.mjs';

const chart = [
  '# Download',
  '```mermaid',
  'flowchart TD',
  '  %% a remark with a box[like this]',
  '  begin([Start]) --> fetch["Fetch [all] of it"]',
  '  fetch -->|held --> here| held{Held already?}',
  '  held -- no --> get[Get it] --> done[[Tell everybody]]',
  '  subgraph later[Later]',
  '  end',
  '```',
];
const head = ['| Box | Log | Entry |', '| --- | --- | --- |'];
const rows = [
  '| fetch | Dmpdownloader.log | `Fetching {count} files (of {name}).` |',
  String.raw`| get | \`distmgr.log\` | \`Got a\|b\` |`.replaceAll(String.raw`\``, '`'),
  '| done | Dmpdownloader.log | `Told {n} sites` |',
];

/** @param {string} message @returns {string} */
function line(message) {
  return `<![LOG[${message}]LOG]!><time="10:00:00.000+000" date="11-24-2026" component="X" context="" type="1" thread="1" file="">\n`;
}

/**
 * @param {import('node:test').TestContext} t
 * @param {readonly string[]} document
 * @param {Readonly<Record<string, string>>} [logs]
 */
function check(t, document, logs = defaultLogs) {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-flows-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const plant = (/** @type {string} */ path, /** @type {string} */ text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  mkdirSync(join(root, 'run'));
  plant('flows/download.md', document.join('\n'));
  for (const [path, text] of Object.entries(logs)) plant(`run/${path}`, text);
  const { problems, ...counts } = checkFlows(join(root, 'flows'), join(root, 'run'));
  return { root, counts, problems: problems.map((problem) => `${problem.line} ${problem.message}`) };
}

/** @type {Readonly<Record<string, string>>} */
const defaultLogs = {
  'CAS/logs/Dmpdownloader.log': line('Fetching 12 files (of TypeScript).') + line('Told 3 sites'),
  'sites/P01/logs/distmgr.lo_': line('Got a|b'),
  'CAS/other/elsewhere.log': line('not a log of a site'),
};

describe('check-flows', () => {
  it('is content when every entry occurs, rotated logs included', (t) => {
    assert.deepEqual(check(t, [...chart, ...head, ...rows]).problems, []);
    assert.deepEqual(check(t, [...chart, ...head, ...rows]).counts, { entries: 3, logs: 2 });
  });

  it('finds an entry that no site wrote, and one that differs outside its placeholders', (t) => {
    const row = '| fetch | Dmpdownloader.log | `Fetching {count} files (of {name})!` |';
    assert.deepEqual(check(t, [...chart, ...head, row, ...rows.slice(1)]).problems, [
      '13 Dmpdownloader.log of no site has the entry: Fetching {count} files (of {name})!',
    ]);
  });

  it('wants the whole message, from its first letter to its last', (t) => {
    const row = '| done | Dmpdownloader.log | `Told {n}` |';
    const part = '| done | Dmpdownloader.log | `old 3 sites` |';
    assert.deepEqual(check(t, [...chart, ...head, ...rows, row]).problems, []);
    assert.deepEqual(check(t, [...chart, ...head, ...rows, part]).problems, [
      '16 Dmpdownloader.log of no site has the entry: old 3 sites',
    ]);
  });

  it('finds a log that nobody wrote', (t) => {
    const row = '| done | hman.log | `Told {n} sites` |';
    assert.deepEqual(check(t, [...chart, ...head, ...rows, row]).problems, [
      '16 no site of the run wrote hman.log',
    ]);
  });

  it('wants an entry for every rectangle, and a box for every entry', (t) => {
    const row = '| nowhere | Dmpdownloader.log | `Told {n} sites` |';
    assert.deepEqual(check(t, [...chart, ...head, row, ...rows.slice(1)]).problems, [
      '13 the chart has no box "nowhere"',
      '5 the table quotes no log entry for the box "fetch"',
    ]);
  });

  it('lets decisions, starts and ends have entries', (t) => {
    const row = '| held | Dmpdownloader.log | `Told {n} sites` |';
    assert.deepEqual(check(t, [...chart, ...head, ...rows, row, row.replace('held', 'begin')]).problems, []);
  });

  it('refuses rows that prove nothing', (t) => {
    const broken = [
      '| done | Dmpdownloader.log | Told {n} sites |',
      '| done | Dmpdownloader.log | `{a} {b}` |',
      '| done | the log | `Told {n} sites` |',
    ];
    assert.deepEqual(check(t, [...chart, ...head, ...rows, ...broken]).problems, [
      '16 a row is: box | log file | entry in backticks',
      '17 nothing is left of the entry without its {placeholders}',
      '18 "the log" is not the name of a log file',
    ]);
  });

  it('refuses a document without chart or table, and a run without logs', (t) => {
    assert.deepEqual(check(t, ['# nothing']).problems, [
      '1 there is no table with the columns Box, Log and Entry',
      '1 there is no ```mermaid block with a flowchart',
    ]);
    assert.deepEqual(check(t, [...chart, ...head]).problems.slice(0, 1), ['11 the table is empty']);
    assert.match(
      String(check(t, [...chart, ...head, ...rows], {}).problems[0]),
      /there is no logs\/\*\.log below this folder/,
    );
  });

  it('prints file and line, and fails', (t) => {
    const script = join(import.meta.dirname, 'check-flows.mjs');
    const good = check(t, [...chart, ...head, ...rows]).root;
    const passed = spawnSync(process.execPath, [script, join(good, 'run'), join(good, 'flows')], {
      encoding: 'utf8',
    });
    assert.equal(passed.status, 0);
    assert.match(passed.stdout, /every entry occurs \(3 quoted entries, 2 log files\)/);
    const bad = check(t, [...chart, ...head]).root;
    const failed = spawnSync(process.execPath, [script, join(bad, 'run'), join(bad, 'flows')], {
      encoding: 'utf8',
    });
    assert.equal(failed.status, 1);
    assert.match(failed.stdout, /download\.md:11: the table is empty/);
    assert.equal(spawnSync(process.execPath, [script]).status, 2);
  });
});
