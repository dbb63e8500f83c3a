import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import type { Part } from './part.ts';
import { bytesPart } from './parts/bytes.ts';
import { cataloguePart } from './parts/catalogue.ts';
import { downloadPart } from './parts/download.ts';
import { exchangePart } from './parts/exchange.ts';
import { replicationPart } from './parts/replication.ts';
import { formatReport, type Table } from './report.ts';

const parts: readonly Part[] = [downloadPart, bytesPart, replicationPart, exchangePart, cataloguePart];

const usage = `npm run bench -- [--json] [--quick] [${parts.map(({ name }) => name).join(' ')}]`;

/** Runs the chosen parts one after the other and prints their tables; answers the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean' }, quick: { type: 'boolean' } },
  });
  const unknown = positionals.filter((name) => !parts.some((part) => part.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`there is no part "${unknown.join('", "')}": ${usage}\n`);
    return 2;
  }
  const chosen = parts.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const machine = await describeMachine();
  const report: { readonly part: string; readonly tables: readonly Table[] }[] = [];
  if (values.json !== true) {
    process.stdout.write(`${machine}\n`);
  }
  const ending = new AbortController();
  process.once('SIGINT', () => ending.abort(new Error('interrupted')));
  for (const { name, run } of chosen) {
    const folder = await mkdtemp(join(tmpdir(), `sallyport-bench-${name}-`));
    try {
      const say = (text: string): void => void process.stderr.write(`${name}: ${text}\n`);
      const tables = await run({ folder, signal: ending.signal, say, quick: values.quick === true });
      report.push({ part: name, tables });
      if (values.json !== true) {
        const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
        process.stdout.write(tables.map((table) => `\n${formatReport(table, colour)}\n`).join(''));
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify({ machine, parts: report }, undefined, 2)}\n`);
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
