import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { Log, LogFields } from '../../ports/log.ts';
import { RollingFile } from './rolling-file.ts';

/** The file each component writes, under the names administrators know. */
const logFileOf: Readonly<Record<string, string>> = {
  SMS_EXECUTIVE: 'smsexec.log',
  SMS_DMP_DOWNLOADER: 'Dmpdownloader.log',
  SMS_DMP_UPLOADER: 'Dmpuploader.log',
  SMS_HIERARCHY_MANAGER: 'hman.log',
  SMS_DISTRIBUTION_MANAGER: 'distmgr.log',
  SMS_REPLICATION_MANAGER: 'replmgr.log',
  CONFIGURATION_MANAGER_UPDATE: 'CMUpdate.log',
  SMS_SITE_COMPONENT_MANAGER: 'sitecomp.log',
  SMS_PROVIDER: 'smsprov.log',
  SMS_USAGE_COLLECTOR: 'usagecollector.log',
};

const sizeMaxBytes = 2_621_440;

/** One entry of a component log, as the format of the line needs it. */
export interface LogEntry {
  readonly text: string;
  readonly component: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly at: EpochMs;
  /** Minutes to add to local time to get UTC. */
  readonly biasMinutes: number;
  /** This process's id: components share one thread. */
  readonly thread: number;
}

/**
 * A site's logs: one CMTrace file per component in `folder` and, beside it, structured JSON lines. What cannot be
 * written (the disk is full) stops nobody's work: the file says later how many lines are missing, and why.
 *
 * Structured lines go to `structured`; without it, nowhere.
 */
export class ComponentLogs {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #formatLine: (entry: LogEntry) => string;
  readonly #structured: Logger | undefined;
  readonly #files = new Map<string, RollingFile>();
  readonly #missing = new Map<string, { readonly lines: number; readonly reason: string }>();

  constructor(options: {
    readonly folder: string;
    readonly clock: Clock;
    /** Makes the line of an entry, newline included. */
    readonly formatLine: (entry: LogEntry) => string;
    readonly structured?: NodeJS.WritableStream;
  }) {
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#formatLine = options.formatLine;
    this.#structured = options.structured && pino({ base: {}, timestamp: false }, options.structured);
  }

  /** The log of one component. @throws {RangeError} for a component without a file name */
  of(component: string): Log {
    const name = logFileOf[component];
    if (name === undefined) throw new RangeError(`no log file is declared for component ${component}`);
    const write = (severity: LogEntry['severity'], message: string, fields: LogFields = {}): void => {
      const at = this.#clock.now();
      const biasMinutes = new Date(at).getTimezoneOffset();
      const text = fill(message, fields);
      this.#append(name, { text, component, severity, at, biasMinutes, thread: process.pid });
      const level = severity === 'warning' ? 'warn' : severity;
      this.#structured?.[level]({ time: new Date(at).toISOString(), component, ...fields }, message);
    };
    return {
      debug: (message, fields) => this.#structured?.debug({ component, ...fields }, message),
      info: (message, fields) => write('info', message, fields),
      warn: (message, fields) => write('warning', message, fields),
      error: (message, fields) => write('error', message, fields),
    };
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  #append(name: string, entry: LogEntry): void {
    const missing = this.#missing.get(name);
    try {
      const file = this.#file(name);
      if (missing !== undefined) {
        const text = `${missing.lines} lines before this one could not be written: ${missing.reason}`;
        file.append(this.#formatLine({ ...entry, text, severity: 'warning' }));
        this.#missing.delete(name);
      }
      file.append(this.#formatLine(entry));
    } catch (failure) {
      const lines = (this.#missing.get(name)?.lines ?? 0) + 1;
      this.#missing.set(name, { lines, reason: messageOf(failure) });
    }
  }

  #file(name: string): RollingFile {
    let file = this.#files.get(name);
    if (!file) {
      file = new RollingFile(join(this.#folder, name), sizeMaxBytes);
      this.#files.set(name, file);
    }
    return file;
  }
}

/** Puts fields into a constant message: `{name}` becomes the field; an error its message. */
export function fill(message: string, fields: LogFields): string {
  return message.replaceAll(/\{(\w+)\}/g, (mark, name: string) => textOf(fields[name]) ?? mark);
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  return value instanceof Error ? value.message : JSON.stringify(value);
}
