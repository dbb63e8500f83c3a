import type { Log } from '../../ports/log.ts';

/** Lines that a component has logged since the site server was started. */
export interface LoggedCount {
  readonly component: string;
  readonly warnings: number;
  readonly errors: number;
}

/** Logs as they are, with warnings and errors counted. What they say is not kept. */
export class CountedLogs {
  readonly #logs: { of(component: string): Log };
  readonly #counts = new Map<string, { warnings: number; errors: number }>();

  constructor(logs: { of(component: string): Log }) {
    this.#logs = logs;
  }

  of(component: string): Log {
    const log = this.#logs.of(component);
    const count = this.#counts.get(component) ?? { warnings: 0, errors: 0 };
    this.#counts.set(component, count);
    return {
      debug: (message, fields) => log.debug(message, fields),
      info: (message, fields) => log.info(message, fields),
      warn: (message, fields) => {
        count.warnings += 1;
        log.warn(message, fields);
      },
      error: (message, fields) => {
        count.errors += 1;
        log.error(message, fields);
      },
    };
  }

  /** Of each component that has a log, by name. */
  counts(): readonly LoggedCount[] {
    return [...this.#counts]
      .map(([component, count]) => ({ component, ...count }))
      .toSorted((a, b) => (a.component < b.component ? -1 : 1));
  }
}
