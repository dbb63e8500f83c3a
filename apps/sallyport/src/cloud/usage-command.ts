import type { Command } from 'commander';
import type { DataOptions } from './open-cloud.ts';
import { count, withData } from './command-options.ts';
import type { TableOptions } from './usage.ts';

/** `sallyport cloud usage …`: what hierarchies have told, and what is decided about it. */
export function addUsage(cloud: Command): void {
  const usage = cloud.command('usage').description('What hierarchies have told: usage data');
  addTables(usage);
  withData(usage.command('release'))
    .description('End the quarantine of a hierarchy: its copy is gone, or has a new identity')
    .argument('<hierarchy>', 'its id, or the beginning of it')
    .action(async (named: string, options: DataOptions) =>
      (await import('./usage.ts')).release(named, options),
    );
  withData(usage.command('erase'))
    .description('Erase what a hierarchy told, for good, and show that nothing is left')
    .argument('<hierarchy>', 'its id, or the beginning of it')
    .option('--enrolment', 'its enrolment too: it is unknown here afterwards')
    .action(async (named: string, options: DataOptions & { enrolment?: boolean }) =>
      (await import('./usage.ts')).erase(named, options),
    );
  withData(usage.command('retention'))
    .description(
      'Remove reports and facts that are older than the retention: a year when nothing else was set',
    )
    .option('--days <number>', 'keep them this long from now on', count(1, 36_500))
    .action(async (options: DataOptions & { days?: number }) =>
      (await import('./usage.ts')).retention(options),
    );
}

function addTables(usage: Command): void {
  withTable(usage.command('hierarchies'))
    .description(
      'Hierarchies by version, by level, and each with its newest report and how long it has been silent',
    )
    .action(async (options: TableOptions) => (await import('./usage.ts')).hierarchies(options));
  withTable(usage.command('states'))
    .description('Packages by product, version and state')
    .action(async (options: TableOptions) => (await import('./usage.ts')).states(options));
  withTable(usage.command('errors'))
    .description('How installs of each package ended')
    .action(async (options: TableOptions) => (await import('./usage.ts')).errors(options));
  withTable(usage.command('problems'))
    .description('What fails alike, by version, code and step, with the hierarchies hit')
    .action(async (options: TableOptions) => (await import('./usage.ts')).problems(options));
  withTable(usage.command('reports'))
    .description('The reports of a hierarchy that are held')
    .argument('<hierarchy>', 'its id, or the beginning of it')
    .action(async (named: string, options: TableOptions) =>
      (await import('./usage.ts')).reports(named, options),
    );
  withTable(usage.command('audit'))
    .description('What was decided, by whom: quarantines, releases, erasures, retention, limits, stops')
    .option('--last <number>', 'how many, newest first', count(1, 100_000), 100)
    .action(async (options: TableOptions & { last: number }) => (await import('./usage.ts')).audit(options));
}

function withTable(command: Command): Command {
  return withData(command).option('--csv', 'print CSV that opens in a program for tables');
}
