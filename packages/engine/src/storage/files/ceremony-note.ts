import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudError } from '../../ports/cloud-error.ts';
import type { CeremonyStage } from '../../ports/key-ring.ts';
import { sweepTemporaries, syncFolder, temporaryStart, writeFileDurably } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { isMissing } from './file-errors.ts';
import { onDisk } from './on-disk.ts';

const stages: readonly CeremonyStage[] = ['making-keys', 'publishing'];

/** A file beside the online keys that is there as long as their ceremony is not complete. */
export class CeremonyNote {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined when there is none. @throws {CloudError} BAD_KEY_FILE */
  async read(): Promise<CeremonyStage | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (failure) {
      if (isMissing(failure)) return undefined;
      throw failure;
    }
    const stage = stages.find((known) => text === `${known}\n`);
    if (stage === undefined) {
      throw new CloudError(
        'BAD_KEY_FILE',
        `${this.#path} is not as "sallyport cloud init" wrote it, so nobody can tell whether the keys beside it are in use: restore it from a copy, or use another --data folder`,
        { place: this.#path },
      );
    }
    return stage;
  }

  /** Durable before it resolves. @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED */
  async write(stage: CeremonyStage): Promise<void> {
    await makeFolderDurably(this.#folder, 0o700);
    await sweepTemporaries(this.#folder, temporaryStart(this.#path));
    await writeFileDurably(this.#path, new TextEncoder().encode(`${stage}\n`));
  }

  /** Removes it durably; harmless when it is not there. @throws {ContentError} READ_ONLY, NO_ACCESS, DISK_FAILED */
  async remove(): Promise<void> {
    if ((await this.read()) === undefined) return;
    await sweepTemporaries(this.#folder, temporaryStart(this.#path));
    await onDisk(this.#path, () => rm(this.#path, { force: true }));
    await syncFolder(this.#folder);
  }

  get #path(): string {
    return join(this.#folder, 'ceremony-begun');
  }
}
