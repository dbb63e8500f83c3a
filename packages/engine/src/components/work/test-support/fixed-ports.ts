import type { Log } from '../../../ports/log.ts';
import type { Random } from '../../../ports/random.ts';

/** Chance that is always the same. */
export function fixedRandom(fraction: number): Random {
  let count = 0;
  return {
    fraction: () => fraction,
    bytes: (size) => new Uint8Array(size),
    uuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`,
  };
}

export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A log that keeps its lines, fields filled in. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  debug(): void {}
  info(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#keep('info', message, fields);
  }
  warn(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#keep('warn', message, fields);
  }
  error(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#keep('error', message, fields);
  }
  #keep(level: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.lines.push(
      `${level} ${message.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(fields[name]))}`,
    );
  }
}
