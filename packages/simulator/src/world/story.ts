import { createHash, type Hash } from 'node:crypto';
import type { EpochMs } from '@sallyport/core/shared/ids';

/** What happened in a run, in order: who did or said what, and when by true time. */
export class Story {
  readonly #now: () => EpochMs;
  readonly #hash: Hash = createHash('sha256');
  readonly #linesMax: number;
  #lines: string[] = [];
  #dropped = 0;

  /** @param linesMax the newest lines that are kept */
  constructor(now: () => EpochMs, linesMax = 20_000) {
    this.#now = now;
    this.#linesMax = linesMax;
  }

  tell(who: string, what: string): void {
    const line = `${new Date(this.#now()).toISOString().slice(0, 23).replace('T', ' ')}  ${who.padEnd(8)} ${what}`;
    this.#hash.update(line).update('\n');
    this.#lines.push(line);
    if (this.#lines.length > 2 * this.#linesMax) {
      this.#dropped += this.#lines.length - this.#linesMax;
      this.#lines = this.#lines.slice(-this.#linesMax);
    }
  }

  /** SHA-256 of every line so far: two runs that did the same have the same. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  text(): string {
    const head = this.#dropped === 0 ? [] : [`… ${this.#dropped} lines before …`];
    return [...head, ...this.#lines].join('\n');
  }
}
