import type { Clock } from '@sallyport/engine/ports/clock';
import type { Log, LogFields } from '@sallyport/engine/ports/log';
import { fill } from '@sallyport/engine/storage/files/component-logs';

/** The service's log: one JSON object a line, message filled in, fields beside it. */
export function serviceLog(stream: NodeJS.WritableStream, clock: Clock): Log {
  const write = (level: string, message: string, fields: LogFields = {}): void => {
    const line = { ...fields, time: new Date(clock.now()).toISOString(), level, msg: fill(message, fields) };
    stream.write(
      `${JSON.stringify(line, (_, value: unknown) => (value instanceof Error ? value.stack : value))}\n`,
    );
  };
  return {
    debug: () => undefined,
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
  };
}
