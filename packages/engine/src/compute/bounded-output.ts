/**
 * Keeps the first and the last part of a program's output, whatever its length: half of `maxBytes` each.
 * Memory stays within `maxBytes`.
 */
export class BoundedOutput {
  readonly #headMaxBytes: number;
  readonly #tailMaxBytes: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  /** A ring, made when the head is full. */
  #tail: Buffer | undefined;
  #tailBytes = 0;

  constructor(maxBytes: number) {
    this.#headMaxBytes = Math.ceil(maxBytes / 2);
    this.#tailMaxBytes = maxBytes - this.#headMaxBytes;
  }

  add(chunk: Buffer): void {
    const room = this.#headMaxBytes - this.#headBytes;
    if (room > 0) {
      // A copy: a short slice would keep the whole buffer of its read alive.
      const part = Buffer.from(chunk.subarray(0, room));
      this.#head.push(part);
      this.#headBytes += part.length;
      if (this.#headBytes === this.#headMaxBytes) this.#head = [Buffer.concat(this.#head)];
    }
    this.#addTail(chunk.subarray(Math.max(0, room)));
  }

  /** Bytes that `text` leaves out. */
  get droppedBytes(): number {
    return Math.max(0, this.#tailBytes - this.#tailMaxBytes);
  }

  /** What was kept, as UTF-8; a line in the middle says how much is missing. */
  text(): string {
    const head = Buffer.concat(this.#head);
    const tail = this.#orderedTail();
    if (this.droppedBytes === 0) return Buffer.concat([head, tail]).toString('utf8');
    return `${head.toString('utf8')}\n[${this.droppedBytes} bytes left out]\n${tail.toString('utf8')}`;
  }

  #addTail(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#tailMaxBytes > 0) {
      this.#tail ??= Buffer.alloc(this.#tailMaxBytes);
      const skipped = Math.max(0, bytes.length - this.#tailMaxBytes);
      const kept = bytes.subarray(skipped);
      const at = (this.#tailBytes + skipped) % this.#tailMaxBytes;
      const copied = kept.copy(this.#tail, at);
      kept.copy(this.#tail, 0, copied);
    }
    this.#tailBytes += bytes.length;
  }

  #orderedTail(): Buffer {
    if (this.#tail === undefined) return Buffer.alloc(0);
    if (this.#tailBytes <= this.#tailMaxBytes) return this.#tail.subarray(0, this.#tailBytes);
    const start = this.#tailBytes % this.#tailMaxBytes;
    return Buffer.concat([this.#tail.subarray(start), this.#tail.subarray(0, start)]);
  }
}
