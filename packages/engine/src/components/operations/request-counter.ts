import { SallyportError } from '@sallyport/core/shared/errors';

/** What was asked of one operation since the site server was started. */
export interface RequestCount {
  readonly operation: string;
  readonly count: number;
  /** How often it was refused, by code; `FAULT` for what was no refusal. */
  readonly refused: Readonly<Record<string, number>>;
}

/** An operation as an API serves it. */
interface Handled {
  handle(input: never): Promise<unknown>;
}

/** Counts what is asked of a site server. Who asked, and for what, is not kept. */
export class RequestCounter {
  readonly #counts = new Map<string, { count: number; readonly refused: Map<string, number> }>();

  /** The same operations; each call of one of them is counted. */
  counted<T extends Handled>(operations: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
    return Object.fromEntries(
      Object.entries(operations).map(([name, operation]) => [
        name,
        { ...operation, handle: (input: never) => this.#count(name, () => operation.handle(input)) },
      ]),
    );
  }

  /** Operations that were asked for, by name. */
  counts(): readonly RequestCount[] {
    return [...this.#counts]
      .map(([operation, { count, refused }]) => ({
        operation,
        count,
        refused: Object.fromEntries([...refused].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      }))
      .toSorted((a, b) => (a.operation < b.operation ? -1 : 1));
  }

  async #count<T>(name: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#counts.get(name) ?? { count: 0, refused: new Map<string, number>() };
    this.#counts.set(name, entry);
    entry.count += 1;
    try {
      return await work();
    } catch (error) {
      const code = error instanceof SallyportError ? String(error.code) : 'FAULT';
      entry.refused.set(code, (entry.refused.get(code) ?? 0) + 1);
      throw error;
    }
  }
}
