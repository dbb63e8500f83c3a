import type { Command } from 'commander';

/** Options of every command of the tool. */
export interface ToolOptions {
  readonly log?: string;
  readonly json?: true;
}

export function withToolOptions(command: Command): Command {
  return command
    .option('--log <file>', 'the log to append to (default: ServiceConnectionTool.log in the working folder)')
    .option('--json', 'one JSON document instead of sentences');
}
