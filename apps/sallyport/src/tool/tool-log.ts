import { appendFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { messageOf } from '@sallyport/core/shared/errors';
import { formatTraceLine } from '@sallyport/core/wire/cmtrace';
import type { Clock } from '@sallyport/engine/ports/clock';
import type { Log, LogFields } from '@sallyport/engine/ports/log';
import { fill } from '@sallyport/engine/storage/files/component-logs';

/** The name that administrators know. */
const toolLogName = 'ServiceConnectionTool.log';

/**
 * The tool's log: CMTrace lines, appended, never overwritten; in the folder in which the tool runs, or where the command
 * line says. One that cannot be written is said once, and keeps nobody from the work.
 */
export function toolLog(path: string | undefined, clock: Pick<Clock, 'now'>): Log {
  const file = resolve(path ?? join(process.cwd(), toolLogName));
  let failed = false;
  const write = (severity: 'error' | 'info' | 'warning', message: string, fields: LogFields = {}): void => {
    const at = clock.now();
    const line = formatTraceLine({
      text: fill(message, fields),
      component: 'ServiceConnectionTool',
      severity,
      at,
      biasMinutes: new Date(at).getTimezoneOffset(),
      thread: process.pid,
    });
    try {
      appendFileSync(file, line);
    } catch (failure) {
      if (!failed)
        process.stderr.write(
          `sallyport: ${file} cannot be written (${messageOf(failure)}); name another place with --log\n`,
        );
      failed = true;
    }
  };
  return {
    debug: () => undefined,
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warning', message, fields),
    error: (message, fields) => write('error', message, fields),
  };
}
