import type { Log, LogFields } from '../src/ports/log.ts';

/** A log that keeps its lines, with the values of their fields in them. */
export class KeptLog implements Log {
  readonly lines: string[] = [];

  debug(message: string, fields?: LogFields): void {
    this.#keep('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#keep('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#keep('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#keep('error', message, fields);
  }

  #keep(level: string, message: string, fields: LogFields = {}): void {
    this.lines.push(
      `${level} ${message.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(fields[name]))}`,
    );
  }
}
