import type { Command } from 'commander';
import { defaultDataFolder } from '../client/default-data-folder.ts';
import { type ConnectOptions, withVendorOptions } from './connect-command.ts';
import { type ToolOptions, withToolOptions } from './tool-options.ts';

const work = () => import('./inspect-run.ts');

export function addInspections(tool: Command): void {
  const inspect = tool
    .command('inspect <path...>')
    .description(
      'What a request file or a medium holds, for whom, how old, and what is missing; nothing is taken',
    );
  withToolOptions(inspect).action(async (paths: readonly string[], options: ToolOptions) =>
    (await work()).inspect(paths, options),
  );
  const plan = tool
    .command('plan')
    .description(
      'What would travel, and how much room it takes: at the site (--data) what goes out, elsewhere (--from) what a trip would bring; nothing is sent or written',
    )
    .option('--data <folder>', `the site’s data folder (${defaultDataFolder} without --from)`)
    .option('--from <folder>', 'where the request files are');
  withVendorOptions(plan).action(async (options: Partial<ConnectOptions> & { data?: string }) =>
    (await work()).plan(options),
  );
}
