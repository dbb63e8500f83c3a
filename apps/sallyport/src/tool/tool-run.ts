import process from 'node:process';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import { systemClock } from '@sallyport/engine/compute/clock';
import type { Log } from '@sallyport/engine/ports/log';
import { printJson, printLine, runCommand } from '../command/run.ts';
import { toolLog } from './tool-log.ts';
import type { ToolOptions } from './tool-options.ts';

/** Runs one command of the tool, shows what it came to, and leaves both in the log. */
export async function runTool<R>(
  name: string,
  options: ToolOptions,
  work: (log: Log, signal: AbortSignal) => Promise<R>,
  render: (result: R) => string,
): Promise<void> {
  const log = toolLog(options.log, systemClock);
  await runCommand(options.json === true, async (signal) => {
    log.info('{name} begins ({folder})', { name, folder: process.cwd() });
    try {
      const result = await work(log, signal);
      log.info('{name} is done', { name });
      if (options.json === true) printJson(result);
      else printLine(render(result));
    } catch (error) {
      const code = error instanceof SallyportError ? error.code : 'FAILED';
      log.error('{name} failed ({code}): {error}', { name, code, error: messageOf(error) });
      throw error;
    }
  });
}
