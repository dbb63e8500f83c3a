import { chmod, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobsHistories } from '../../../test-support/blobs-histories.ts';
import type { OpenFile } from './blob-files.ts';
import { FileBlobs } from './blobs.ts';

blobsHistories('files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-histories-'));
  const disk: { leftBytes: number } = { leftBytes: Infinity };
  let blobs = await FileBlobs.open({ folder, open: failingOn(disk) });
  return {
    get blobs() {
      return blobs;
    },
    writeAt: (path, bytes) => writeFile(path, bytes),
    readAt: (path) => readFile(path),
    damage: async (held, bytes) => {
      await chmod(blobs.pathOf(held.sha256), 0o644);
      await writeFile(blobs.pathOf(held.sha256), bytes);
    },
    diskFailsAfter: (bytes) => {
      disk.leftBytes = bytes ?? Infinity;
    },
    kill: async (lostBytes, asZeros) => {
      for (const name of await readdir(join(folder, 'partial'))) {
        const path = join(folder, 'partial', name);
        const { size } = await stat(path);
        await truncate(path, Math.max(0, size - lostBytes));
        if (asZeros) await truncate(path, size);
      }
      blobs = await FileBlobs.open({ folder, open: failingOn(disk) });
    },
    visible: async () => {
      const names = await readdir(join(folder, 'blobs', 'sha256'));
      return new Map(
        await Promise.all(
          names.map(async (name) => [name, await readFile(join(folder, 'blobs', 'sha256', name))] as const),
        ),
      );
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
});

/** Opens files on a disk that takes only so many bytes more, and can then neither flush nor cut off. */
function failingOn(disk: { leftBytes: number }): OpenFile {
  return async (path, flags, mode) => {
    const file = await open(path, flags, mode);
    const {
      write,
      sync,
      truncate: cut,
    } = {
      write: file.write.bind(file) as (...args: readonly unknown[]) => Promise<unknown>,
      sync: file.sync.bind(file),
      truncate: file.truncate.bind(file),
    };
    const mustWork = (): void => {
      if (disk.leftBytes <= 0) throw Object.assign(new Error('EIO: write'), { code: 'EIO' });
    };
    const limited = async (
      chunk: Uint8Array,
      from: number,
      length: number,
      position: number,
    ): Promise<unknown> => {
      mustWork();
      const some = Math.min(disk.leftBytes, length);
      disk.leftBytes -= some;
      return write(chunk, from, some, position);
    };
    return Object.assign(file, {
      write: limited as typeof file.write,
      sync: async () => {
        mustWork();
        await sync();
      },
      truncate: async (length?: number) => {
        mustWork();
        await cut(length);
      },
    });
  };
}
