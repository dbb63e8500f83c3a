import { mediumChoices, type MediumChoice } from '@sallyport/core/domain/exchange/medium';
import { type Command, Option } from 'commander';
import { defaultDataFolder } from '../client/default-data-folder.ts';
import { type ToolOptions, withToolOptions } from './tool-options.ts';

/** What does the work is loaded when there is some: help is there at once. */
const work = () => import('./site-run.ts');

export interface SiteToolOptions extends ToolOptions {
  readonly data: string;
}

export interface PrepareOptions extends SiteToolOptions {
  readonly to: string;
  readonly choice?: MediumChoice;
  readonly enrolmentCodeFile?: string;
}

/** The commands of the tool that ask the site server of an offline site: they run beside it. */
export function addSiteCommands(tool: Command): void {
  const prepare = tool
    .command('prepare')
    .description('At the offline site: write the request file that a courier takes along')
    .requiredOption('--to <file>', 'the file to write; it is never overwritten')
    .addOption(
      new Option('--choice <which>', 'what the courier is to bring, where he is told nothing else').choices([
        ...mediumChoices,
      ]),
    )
    .option(
      '--enrolment-code-file <file>',
      'holds another enrolment code, where the vendor has refused the first; "-" is standard input',
    );
  ofSite(prepare).action(async (options: PrepareOptions) => (await work()).prepareFile(options));
  const importing = tool
    .command('import')
    .description('At the offline site: take in what media bring; nothing is written to them')
    .requiredOption('--from <folder...>', 'the medium; several when it has several parts');
  ofSite(importing).action(async (options: SiteToolOptions & { from: readonly string[] }) =>
    (await work()).importMedia(options, options.from),
  );
  const exporting = tool
    .command('export')
    .description('At the offline site: what a request file would carry out, as CSV to read')
    .requiredOption('--to <file>', 'the file to write; it is never overwritten');
  ofSite(exporting).action(async (options: SiteToolOptions & { to: string }) =>
    (await work()).exportCsv(options, options.to),
  );
}

function ofSite(command: Command): Command {
  return withToolOptions(command.option('--data <folder>', 'the site’s data folder', defaultDataFolder));
}
