import process from 'node:process';
import { hierarchyNamed } from '@sallyport/engine/cloud/hierarchy-named';
import { systemClock } from '@sallyport/engine/compute/clock';
import type { Decision, UsageLedger } from '@sallyport/engine/ports/usage-ledger';
import { days } from '@sallyport/core/shared/units';
import { exitCodes, printJson, printLine, runCommand } from '../command/run.ts';
import { administrator } from '../command/administrator.ts';
import { formatCsv } from '../output/csv.ts';
import { formatTable } from '../output/table.ts';
import { type DataOptions, openDatabase } from './open-cloud.ts';
import {
  auditTable,
  errorTable,
  hierarchyTable,
  levelTable,
  problemTable,
  reportTable,
  stateTable,
  type UsageTable,
  versionTable,
} from './usage-tables.ts';

export interface TableOptions extends DataOptions {
  readonly csv?: boolean;
}

/** What a command shows: `json` as it is, or one table after the other, of which `--csv` gives the last. */
interface Shown {
  readonly json: unknown;
  readonly tables: readonly UsageTable[];
  /** Instead of a table without rows. */
  readonly none: string;
}

/** As much of an id as tells hierarchies apart in a table. */
const idLength = 16;

/** `cloud usage hierarchies`. */
export const hierarchies = (options: TableOptions): Promise<void> =>
  show(options, async (ledger) => {
    const all = await ledger.hierarchies();
    const [versions, levels] = [await ledger.versions(), await ledger.levels()];
    return {
      json: { versions, levels, hierarchies: all },
      tables: [versionTable(versions), levelTable(levels), hierarchyTable(all, systemClock.now())],
      none: 'No hierarchy is enrolled.',
    };
  });

/** `cloud usage states`. */
export const states = (options: TableOptions): Promise<void> =>
  show(options, async (ledger) => {
    const all = await ledger.states();
    return { json: { states: all }, tables: [stateTable(all)], none: 'No report tells of packages.' };
  });

/** `cloud usage errors`. */
export const errors = (options: TableOptions): Promise<void> =>
  show(options, async (ledger) => {
    const all = await ledger.errorRates();
    return { json: { errors: all }, tables: [errorTable(all)], none: 'No report tells of installs.' };
  });

/** `cloud usage problems`. */
export const problems = (options: TableOptions): Promise<void> =>
  show(options, async (ledger) => {
    const all = await ledger.problems();
    return {
      json: { problems: all },
      tables: [problemTable(all, options.csv === true ? undefined : idLength)],
      none: 'No report tells of a failure.',
    };
  });

/** `cloud usage reports`. */
export const reports = (named: string, options: TableOptions): Promise<void> =>
  show(options, async (ledger) => {
    const { id } = await hierarchyNamed(ledger, named);
    const all = await ledger.reports(id);
    return {
      json: { hierarchyId: id, reports: all },
      tables: [reportTable(all)],
      none: `No report of ${id} is held.`,
    };
  });

/** `cloud usage audit`. */
export const audit = (options: TableOptions & { readonly last: number }): Promise<void> =>
  show(options, async (ledger) => {
    const all = await ledger.audit(options.last);
    return { json: { audit: all }, tables: [auditTable(all)], none: 'Nothing was decided yet.' };
  });

/** `cloud usage release`. Exit code 1 when there was no quarantine. */
export const release = (named: string, options: DataOptions): Promise<void> =>
  decide(options, async (ledger, by) => {
    const { id } = await hierarchyNamed(ledger, named);
    const released = await ledger.release(id, by);
    if (!released) process.exitCode = exitCodes.failed;
    return {
      json: { hierarchyId: id, released },
      text: released
        ? `${id} is released: its reports are taken again, and it is offered what fits it. While a copy reports too, it will be quarantined again.`
        : `${id} is not quarantined.`,
    };
  });

/** `cloud usage erase`. Exit code 1 when something is left. */
export const erase = (
  named: string,
  options: DataOptions & { readonly enrolment?: boolean },
): Promise<void> =>
  decide(options, async (ledger, by) => {
    const { id } = await hierarchyNamed(ledger, named);
    const enrolment = options.enrolment === true;
    const erasure = await ledger.erase(id, { ...by, enrolment });
    const left = Object.values(erasure.left).reduce((total, rows) => total + rows, 0);
    if (left > 0) process.exitCode = exitCodes.failed;
    const counted = Object.entries(erasure.removed).map(([name, rows]) => [
      name,
      String(rows),
      String(erasure.left[name] ?? 0),
    ]);
    return {
      json: { hierarchyId: id, enrolment, ...erasure },
      text: [
        formatTable(['table', 'rows before', 'rows now'], counted),
        '',
        `What ${id} told is erased${enrolment ? ', with its enrolment' : '; it stays enrolled, and what it sent before is refused when it comes again'}.`,
        erasure.overwritten
          ? 'The bytes are overwritten in the database and gone from its log. Backups of the folder are yours to erase.'
          : 'The bytes stand in the log of the database until nobody reads it any more: repeat the command when other commands have ended. Backups of the folder are yours to erase.',
      ].join('\n'),
    };
  });

/** `cloud usage retention`. */
export const retention = (options: DataOptions & { readonly days?: number }): Promise<void> =>
  decide(options, async (ledger, by) => {
    if (options.days !== undefined) await ledger.setRetentionDays(options.days, by);
    const retentionDays = await ledger.retentionDays();
    const removed = await ledger.purge(by.at - days(retentionDays), by);
    return {
      json: { retentionDays, removed },
      text: `Reports and facts are kept ${retentionDays} days; ${removed.reports} older reports and ${removed.facts} older facts were removed. The running service does it daily.`,
    };
  });

async function show(options: TableOptions, work: (ledger: UsageLedger) => Promise<Shown>): Promise<void> {
  await runCommand(options.json === true, () =>
    withLedger(options, async (ledger) => {
      const { json, tables, none } = await work(ledger);
      const last = tables.at(-1);
      if (options.json === true) printJson(json);
      else if (options.csv === true && last !== undefined)
        process.stdout.write(formatCsv(last.columns, last.rows));
      else printTables(tables, none);
    }),
  );
}

function printTables(tables: readonly UsageTable[], none: string): void {
  const shown = tables.filter(({ rows }) => rows.length > 0);
  if (shown.length === 0) printLine(none);
  for (const [index, { columns, rows }] of shown.entries()) {
    if (index > 0) printLine();
    printLine(
      formatTable(
        columns,
        rows.map((row) => row.map(String)),
      ),
    );
  }
}

async function decide(
  options: DataOptions,
  work: (ledger: UsageLedger, by: Decision) => Promise<{ readonly json: unknown; readonly text: string }>,
): Promise<void> {
  await runCommand(options.json === true, () =>
    withLedger(options, async (ledger) => {
      const { json, text } = await work(ledger, { at: systemClock.now(), who: administrator() });
      if (options.json === true) printJson(json);
      else printLine(text);
    }),
  );
}

async function withLedger(options: DataOptions, work: (ledger: UsageLedger) => Promise<void>): Promise<void> {
  const database = await openDatabase(options);
  try {
    await work(database.usage);
  } finally {
    await database.close();
  }
}
