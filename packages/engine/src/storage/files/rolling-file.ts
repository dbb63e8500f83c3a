import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * A log file that is renamed to `<name>.lo_` when it has grown to its limit; the one before is
 * overwritten, so a log takes at most twice the limit. Writing is synchronous: a line that was logged
 * before a crash is in the file.
 */
export class RollingFile {
  readonly #path: string;
  readonly #sizeMaxBytes: number;
  #descriptor: number;
  #sizeBytes: number;

  constructor(path: string, sizeMaxBytes: number) {
    this.#path = path;
    this.#sizeMaxBytes = sizeMaxBytes;
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    this.#descriptor = openSync(path, 'a', 0o640);
    this.#sizeBytes = fstatSync(this.#descriptor).size;
  }

  append(line: string): void {
    const bytes = Buffer.from(line, 'utf8');
    if (this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > this.#sizeMaxBytes) this.#roll();
    writeSync(this.#descriptor, bytes);
    this.#sizeBytes += bytes.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #roll(): void {
    closeSync(this.#descriptor);
    renameSync(this.#path, this.#path.replace(/\.log$/, '') + '.lo_');
    this.#descriptor = openSync(this.#path, 'a', 0o640);
    this.#sizeBytes = 0;
  }
}
