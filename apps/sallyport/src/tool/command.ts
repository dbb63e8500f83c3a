import { Command } from 'commander';
import { addConnect } from './connect-command.ts';
import { addSiteCommands } from './site-commands.ts';

/** `sallyport tool …`: the service connection tool, for sites without a line to their vendor. */
export function toolCommand(): Command {
  const tool = new Command('tool').description(
    'Carry requests out and updates in, where a site has no line to its vendor',
  );
  addSiteCommands(tool);
  addConnect(tool);
  return tool;
}
