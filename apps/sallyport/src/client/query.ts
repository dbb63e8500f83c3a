import type { Command } from 'commander';
import { printJson, printLine, runCommand } from '../command/run.ts';
import { defaultDataFolder } from './default-data-folder.ts';
import { type SiteClient, withSite } from './site-client.ts';

/** Options of every command that asks a site server. */
export interface Common {
  readonly data: string;
  readonly json?: true;
}

export function common(command: Command): Command {
  return command
    .option('--data <folder>', 'the site’s data folder', defaultDataFolder)
    .option('--json', 'one JSON document instead of a table');
}

/**
 * A command that asks once and shows the answer.
 *
 * @param name with at most one argument, `revoke <code>`
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- commander's options have no type: the caller says what it declared
export function query<R, O extends object>(
  parent: Command,
  name: string,
  description: string,
  ask: (site: SiteClient, options: O, argument?: string) => Promise<R>,
  render: (result: R) => string,
): Command {
  return common(parent.command(name).description(description)).action((...given: readonly unknown[]) => {
    const options = given.at(-2) as Common & O;
    const argument = typeof given[0] === 'string' ? given[0] : undefined;
    return show(options, (site) => ask(site, options, argument), render);
  });
}

/** Asks the site server and prints what it answers. */
export async function show<R>(
  options: Common,
  ask: (site: SiteClient) => Promise<R>,
  render: (result: R) => string,
): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const result = await withSite(options.data, signal, ask);
    if (options.json) printJson(result);
    else printLine(render(result));
  });
}
