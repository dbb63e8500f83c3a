import type { WriteStream } from 'node:tty';

/**
 * A few lines that change. On a terminal they are drawn over each other; anywhere else a line is written
 * when it is another than before, so that a log stays readable.
 */
export class Screen {
  readonly #out: Pick<WriteStream, 'columns' | 'isTTY' | 'write'>;
  #shown: readonly string[] = [];

  constructor(out: Pick<WriteStream, 'columns' | 'isTTY' | 'write'>) {
    this.#out = out;
  }

  show(lines: readonly string[]): void {
    if (this.#out.isTTY) {
      const width = Math.max(20, this.#out.columns) - 1;
      const back = this.#shown.length === 0 ? '' : `\u001b[${this.#shown.length}A`;
      this.#out.write(
        `${back}${lines.map((line) => `\u001b[2K${line.slice(0, width)}\n`).join('')}\u001b[0J`,
      );
    } else {
      for (const line of lines) if (!this.#shown.includes(line)) this.#out.write(`${line}\n`);
    }
    this.#shown = [...lines];
  }
}
