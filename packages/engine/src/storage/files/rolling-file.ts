import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * A log file that is renamed to `<name>.lo_` when it has grown to its limit; the one before is
 * overwritten, so a log takes at most twice the limit. Writing is synchronous: a line that was logged
 * before a crash is in the file.
 */
export class RollingFile {
  readonly #path: string;
  readonly #sizeMaxBytes: number;
  /** Undefined while the file is not open: its number may belong to another file by then. */
  #descriptor: number | undefined;
  #sizeBytes = 0;
  /** The last line was cut short. */
  #torn = false;

  constructor(path: string, sizeMaxBytes: number) {
    this.#path = path;
    this.#sizeMaxBytes = sizeMaxBytes;
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    this.#open();
  }

  /** Throws what the disk says; the next line is tried anew. */
  append(line: string): void {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line, 'utf8');
    if (this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > this.#sizeMaxBytes) this.#roll();
    const descriptor = this.#open();
    for (let done = 0; done < bytes.length;) {
      const count = writeSync(descriptor, bytes, done);
      done += count;
      this.#sizeBytes += count;
      this.#torn = done < bytes.length;
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    if (this.#descriptor === undefined) {
      this.#descriptor = openSync(this.#path, 'a+', 0o640);
      this.#sizeBytes = fstatSync(this.#descriptor).size;
      this.#torn = this.#torn || !endsALine(this.#descriptor, this.#sizeBytes);
    }
    return this.#descriptor;
  }

  #roll(): void {
    this.close();
    renameSync(this.#path, this.#path.replace(/\.log$/, '') + '.lo_');
    this.#torn = false;
  }
}

/** A process or a machine that stopped in the middle of a line has left half of it. */
function endsALine(descriptor: number, sizeBytes: number): boolean {
  if (sizeBytes === 0) return true;
  const last = Buffer.alloc(1);
  readSync(descriptor, last, 0, 1, sizeBytes - 1);
  return last.toString('latin1') === '\n';
}
