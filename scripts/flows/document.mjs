/**
 * @typedef {object} QuotedEntry one row of a document's table
 * @property {number} line counted from 1
 * @property {string} box
 * @property {string} log
 * @property {string} text as quoted
 * @property {RegExp} pattern that the whole message of a log entry must match
 */

/** @typedef {{ readonly line: number, readonly message: string }} DocumentProblem */

/**
 * Reads a flow document; its format is described in check-flows.mjs.
 *
 * @param {string} text Markdown
 * @returns {{ readonly entries: readonly QuotedEntry[], readonly problems: readonly DocumentProblem[] }}
 */
export function readFlow(text) {
  const lines = text.split(/\r?\n/);
  const chart = readChart(lines);
  const table = readTable(lines);
  const problems = [...table.problems];
  if (chart === undefined) {
    problems.push({ line: 1, message: 'there is no ```mermaid block with a flowchart' });
    return { entries: table.entries, problems };
  }
  for (const { box, line } of table.entries) {
    if (!chart.ids.has(box)) problems.push({ line, message: `the chart has no box "${box}"` });
  }
  const quoted = new Set(table.entries.map((entry) => entry.box));
  for (const [box, line] of chart.rectangles) {
    if (!quoted.has(box))
      problems.push({ line, message: `the table quotes no log entry for the box "${box}"` });
  }
  return { entries: table.entries, problems };
}

/**
 * @param {readonly string[]} lines
 * @returns {{ readonly ids: ReadonlySet<string>, readonly rectangles: ReadonlyMap<string, number> } | undefined} ids of all
 *   boxes, and of rectangles with the line that draws them
 */
function readChart(lines) {
  /** @type {Set<string>} */
  const ids = new Set();
  /** @type {Map<string, number>} */
  const rectangles = new Map();
  let inside = false;
  let isFlowchart = false;
  for (const [index, line] of lines.entries()) {
    if (/^\s*```/.test(line)) {
      inside = /^\s*```\s*mermaid\s*$/.test(line) && !inside;
      continue;
    }
    if (!inside) continue;
    if (/^\s*(?:flowchart|graph)\b/.test(line)) {
      isFlowchart = true;
      continue;
    }
    if (/^\s*(?:%%|subgraph\b|end\s*$|direction\b|classDef\b|class\b|style\b|linkStyle\b|click\b)/.test(line))
      continue;
    // Labels may hold brackets and arrows of their own: first the quoted ones go, then those on the arrows.
    const bare = line.replaceAll(/"[^"]*"/g, '').replaceAll(/\|[^|]*\|/g, ' ');
    for (const match of bare.matchAll(/(?:^|[\s;&>])([A-Za-z]\w*)(?:@\{|\[|\(|\{|>)(.?)/g)) {
      const id = String(match[1]);
      ids.add(id);
      const opening = match[0].at(match[2] === '' ? -1 : -2);
      // `[` alone draws a rectangle, `[[` a subroutine; `[(`, `[/` and `[\` are other shapes.
      if (
        opening === '[' &&
        !'(/\\'.includes(match[2] === '' ? '?' : String(match[2])) &&
        !rectangles.has(id)
      ) {
        rectangles.set(id, index + 1);
      }
    }
  }
  return isFlowchart ? { ids, rectangles } : undefined;
}

/**
 * @param {readonly string[]} lines
 * @returns {{ readonly entries: QuotedEntry[], readonly problems: DocumentProblem[] }}
 */
function readTable(lines) {
  /** @type {QuotedEntry[]} */
  const entries = [];
  /** @type {DocumentProblem[]} */
  const problems = [];
  const header = lines.findIndex((line) => cellsOf(line)?.join('|').toLowerCase() === 'box|log|entry');
  if (header === -1) {
    problems.push({ line: 1, message: 'there is no table with the columns Box, Log and Entry' });
    return { entries, problems };
  }
  for (let index = header + 2; index < lines.length; index += 1) {
    const cells = cellsOf(lines[index] ?? '');
    if (cells === undefined) break;
    const line = index + 1;
    const [box = '', log = '', quoted = ''] = cells.map((cell) => cell.replace(/^`(.*)`$/, '$1').trim());
    if (cells.length !== 3 || !/^`.+`$/.test(cells[2] ?? '')) {
      problems.push({ line, message: 'a row is: box | log file | entry in backticks' });
    } else if (!/^[\w.-]+\.log$/i.test(log)) {
      problems.push({ line, message: `"${log}" is not the name of a log file` });
    } else if (!/\p{L}{3}/u.test(quoted.replaceAll(/\{[^{}]*\}/g, ' '))) {
      problems.push({ line, message: 'nothing is left of the entry without its {placeholders}' });
    } else {
      entries.push({ line, box, log, text: quoted, pattern: patternOf(quoted) });
    }
  }
  if (entries.length === 0 && problems.length === 0)
    problems.push({ line: header + 1, message: 'the table is empty' });
  return { entries, problems };
}

/** @param {string} line @returns {string[] | undefined} undefined when it is no row of a table */
function cellsOf(line) {
  const row = /^\s*\|(.*)\|\s*$/.exec(line);
  if (row === null) return undefined;
  return String(row[1])
    .split(/(?<!\\)\|/)
    .map((cell) => cell.replaceAll(String.raw`\|`, '|').trim());
}

/** @param {string} text @returns {RegExp} */
function patternOf(text) {
  const parts = text
    .split(/\{[^{}]*\}/)
    .map((literal) => literal.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.+?')}$`, 's');
}
