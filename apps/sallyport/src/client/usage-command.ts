import { writeFile } from 'node:fs/promises';
import { Argument, Command } from 'commander';
import { type UsageLevel, usageLevels } from '@sallyport/core/domain/usage/level';
import { formatBytes } from '@sallyport/core/shared/units';
import type {
  AuditResult,
  UsageHistoryResult,
  UsageLevelResult,
  UsageReportsResult,
  UsageResult,
} from '@sallyport/core/wire/api';
import { administrator } from '../command/administrator.ts';
import { wholeNumber } from '../command/arguments.ts';
import { runCommand, printJson, printLine } from '../command/run.ts';
import { formatCsv } from '../output/csv.ts';
import { formatInstant } from '../output/instant.ts';
import { formatTable, plain } from '../output/table.ts';
import { type Common, common, query, show } from './query.ts';
import { renderUsage } from './render-status.ts';
import { type SiteClient, withSite } from './site-client.ts';
import { cellsOf, changesBetween, reportOf } from './usage-view.ts';

/** `sallyport usage …`: what sites collect of themselves, and what of it leaves this hierarchy. */
export function usageCommand(): Command {
  const usage = new Command('usage').description('What sites collect, and what of it leaves this hierarchy');
  addLevel(usage);
  addCollect(usage);
  addShow(usage);
  query(
    usage,
    'facts',
    'The facts that targeting needs, as the very bytes that leave next',
    (site) => site.ask<UsageResult>('usage', {}),
    renderUsage,
  );
  query(
    usage,
    'diff',
    'What the next report says otherwise than the last one that was acknowledged',
    async (site) => diffOf(await site.ask<UsageReportsResult>('usage-reports', {})),
    renderDiff,
  );
  addExport(usage);
  query(
    usage,
    'history',
    'Reports and what became of them, the newest first',
    (site, { limit }: { limit?: number }) =>
      site.ask<UsageHistoryResult>('usage-history', limit === undefined ? {} : { limit }),
    renderHistory,
  ).option('--limit <number>', 'how many', wholeNumber(10_000));
  return usage;
}

/** `sallyport site audit`: who decided what. */
export function addAudit(site: Command): void {
  query(
    site,
    'audit',
    'Who decided what, the newest first',
    (server, { limit }: { limit?: number }) =>
      server.ask<AuditResult>('audit', limit === undefined ? {} : { limit }),
    renderAudit,
  ).option('--limit <number>', 'how many', wholeNumber(10_000));
}

function addLevel(parent: Command): void {
  const command = parent
    .command('level')
    .description('Show how much this hierarchy tells its vendor, or change it')
    .addArgument(new Argument('[level]', 'what it is to be').choices(usageLevels));
  common(command).action((level: UsageLevel | undefined, options: Common) =>
    show(
      options,
      (site) =>
        site.ask<UsageLevelResult>('usage-level', {
          by: administrator(),
          ...(level === undefined ? {} : { level }),
        }),
      renderLevel,
    ),
  );
}

/** Sites that are away collect when they hear of it. */
const collectPatienceMs = 120_000;
const lookEveryMs = 500;

function addCollect(parent: Command): void {
  common(parent.command('collect').description('Have every site collect now'))
    .option('--wait', 'until every site has, two minutes at most')
    .action((options: Common & { wait?: true }) =>
      show(
        options,
        async (site) => {
          let result = await site.ask<UsageLevelResult>('usage-collect', { by: administrator() });
          const deadline = performance.now() + collectPatienceMs;
          while (
            options.wait === true &&
            result.sites.some(({ current }) => !current) &&
            performance.now() < deadline
          ) {
            await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
            result = await site.ask<UsageLevelResult>('usage-level', { by: administrator() });
          }
          return result;
        },
        renderLevel,
      ),
    );
}

function addShow(parent: Command): void {
  common(parent.command('show').description('The reports that wait to leave, value by value'))
    .option('--raw', 'the very bytes of the oldest one that waits, and nothing else')
    .action((options: Common & { raw?: true }) =>
      options.raw === true
        ? runCommand(false, (signal) =>
            withSite(options.data, signal, async (site) => {
              const { waiting } = await site.ask<UsageReportsResult>('usage-reports', {});
              process.stdout.write(waiting[0]?.payload ?? '');
            }),
          )
        : show(options, (site) => site.ask<UsageReportsResult>('usage-reports', {}), renderReports),
    );
}

function addExport(parent: Command): void {
  common(
    parent.command('export <file>').description('Write the reports that wait as CSV; - is standard output'),
  ).action((file: string, options: Common) =>
    runCommand(options.json === true, (signal) =>
      withSite(options.data, signal, async (site) => {
        const { csv, rows } = await csvOf(site);
        if (file === '-') process.stdout.write(csv);
        else {
          await writeFile(file, csv, { flag: 'wx' });
          if (options.json) printJson({ file, rows });
          else printLine(`${rows} values were written to ${plain(file)}.`);
        }
      }),
    ),
  );
}

async function csvOf(site: SiteClient): Promise<{ readonly csv: string; readonly rows: number }> {
  const { waiting, acknowledged, names } = await site.ask<UsageReportsResult>('usage-reports', {});
  const reports = waiting.length > 0 ? waiting : acknowledged === undefined ? [] : [acknowledged];
  const rows = reports.flatMap((report) =>
    cellsOf(reportOf(report), names).map(
      ({ site: code, item, row, column, unit, level, value, name }) =>
        [report.epoch, report.sequence, code, item, level, row, column, value, unit, name ?? ''] as const,
    ),
  );
  const head = ['epoch', 'report', 'site', 'item', 'level', 'row', 'column', 'value', 'unit', 'name here'];
  return { csv: formatCsv(head, rows), rows: rows.length };
}

function renderLevel({ level, changedAt, changedBy, sites }: UsageLevelResult): string {
  const table = formatTable(
    ['site', 'type', 'collected', 'at level', ''],
    sites.map((site) => [
      site.site,
      site.type,
      site.collectedAt === undefined ? 'never' : formatInstant(Date.parse(site.collectedAt)),
      site.level ?? '–',
      site.current ? '' : 'is to collect',
    ]),
  );
  const since =
    Date.parse(changedAt) === 0 ? 'since set-up' : `since ${formatInstant(Date.parse(changedAt))}`;
  return `Level ${level}, ${since}, chosen by ${plain(changedBy)}.\n\n${table}`;
}

function renderReports({ nothingLeaves, waiting, names, quota }: UsageReportsResult): string {
  const lines: string[] = [];
  if (nothingLeaves !== undefined) lines.push(`Nothing leaves: ${nothingLeaves}.`);
  if (quota !== undefined) {
    lines.push(
      `${quota.count} reports (${formatBytes(quota.sizeBytes)}) wait: no new one is made until the vendor takes some. See what the exchange says with "sallyport update status".`,
    );
  }
  if (waiting.length === 0) lines.push('No report waits to leave.');
  for (const report of waiting) {
    const cells = cellsOf(reportOf(report), names);
    lines.push(
      `Report ${report.sequence} of epoch ${report.epoch}, level ${report.level}, fixed ${formatInstant(report.fixedAt)}, ${formatBytes(report.sizeBytes)}, SHA-256 ${report.payloadSha256}. Its bytes: --raw.`,
      formatTable(
        ['site', 'item', 'level', 'column', 'leaves as', 'unit', 'is here'],
        cells.map(({ site, item, level, column, value, unit, name }) => [
          site,
          item,
          level,
          column,
          String(value),
          unit,
          name ?? '',
        ]),
      ),
    );
  }
  return lines.join('\n\n');
}

interface Diff {
  readonly before?: { readonly epoch: number; readonly sequence: number };
  readonly after?: { readonly epoch: number; readonly sequence: number };
  readonly changes: ReturnType<typeof changesBetween>;
}

function diffOf({ waiting, acknowledged, names }: UsageReportsResult): Diff {
  const newest = waiting.at(-1);
  const before = acknowledged && { epoch: acknowledged.epoch, sequence: acknowledged.sequence };
  if (newest === undefined) return { ...(before && { before }), changes: [] };
  return {
    ...(before && { before }),
    after: { epoch: newest.epoch, sequence: newest.sequence },
    changes: changesBetween(acknowledged && reportOf(acknowledged), reportOf(newest), names),
  };
}

function renderDiff({ before, after, changes }: Diff): string {
  if (after === undefined) return 'No report waits to leave.';
  const than =
    before === undefined ? 'no report before it' : `report ${before.sequence} of epoch ${before.epoch}`;
  const head = `Report ${after.sequence} of epoch ${after.epoch}, compared with ${than}:`;
  if (changes.length === 0) return `${head} nothing has changed.`;
  const table = formatTable(
    ['site', 'item', 'was', 'is'],
    changes.map((change) => [change.site, change.item, change.before ?? '–', change.after ?? '–']),
  );
  return `${head}\n\n${table}`;
}

function renderHistory({ reports }: UsageHistoryResult): string {
  if (reports.length === 0) return 'No report has been made yet.';
  return formatTable(
    ['epoch', 'report', 'level', 'fixed', 'size', 'state', 'settled', 'why'],
    reports.map((report) => [
      String(report.epoch),
      String(report.sequence),
      report.level,
      formatInstant(report.fixedAt),
      formatBytes(report.sizeBytes),
      report.state,
      report.settledAt === undefined ? '–' : formatInstant(report.settledAt),
      report.reason ?? '',
    ]),
  );
}

function renderAudit({ entries }: AuditResult): string {
  if (entries.length === 0) return 'Nothing has been decided yet that is kept here.';
  return formatTable(
    ['number', 'when', 'who', 'what'],
    entries.map(({ sequence, at, by, text }) => [String(sequence), formatInstant(at), by, text]),
  );
}
