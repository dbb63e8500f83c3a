import { MemoryDisk } from '@sallyport/engine/storage/memory/disk';

/** A disk that tells of each write that it refuses because it is full. */
export class LimitedDisk extends MemoryDisk {
  readonly #onRefused: () => void;

  constructor(options: ConstructorParameters<typeof MemoryDisk>[0], onRefused: () => void) {
    super(options);
    this.#onRefused = onRefused;
  }

  override requireRoom(addedBytes: number, path: string): void {
    if (this.full) this.#onRefused();
    super.requireRoom(addedBytes, path);
  }
}
