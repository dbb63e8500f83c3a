import process from 'node:process';
import { Command, InvalidArgumentError } from 'commander';
import { exitCodes } from '../command/run.ts';
import { addConnect } from './connect-command.ts';
import { addInspections } from './inspect-command.ts';
import { fromOlderCommandLine } from './older-command-line.ts';
import { addSiteCommands } from './site-commands.ts';

/** `sallyport tool …`: the service connection tool, for sites without a line to their vendor. */
export function toolCommand(): Command {
  const tool = new Command('tool').description(
    'Carry requests out and updates in, where a site has no line to its vendor',
  );
  addSiteCommands(tool);
  addConnect(tool);
  addInspections(tool);
  return tool;
}

/**
 * What the command line asks of the tool, in this tool's words: those of the older one are understood too. A word that
 * neither knows ends the program as wrong usage.
 */
export function toolArguments(argv: readonly string[]): readonly string[] {
  try {
    return fromOlderCommandLine(argv) ?? argv;
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(exitCodes.usage);
  }
}
