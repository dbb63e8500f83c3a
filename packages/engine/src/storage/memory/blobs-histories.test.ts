import { blobsHistories } from '../../../test-support/blobs-histories.ts';
import { MemoryBlobs } from './blobs.ts';

blobsHistories('memory', async () => {
  const blobs = new MemoryBlobs();
  const prefix = blobs.pathOf('' as Parameters<typeof blobs.pathOf>[0]);
  return {
    blobs,
    writeAt: async (path, bytes) => {
      blobs.files.set(path, bytes);
    },
    readAt: async (path) => blobs.files.get(path) ?? new Uint8Array(),
    damage: async (held, bytes) => {
      blobs.files.set(blobs.pathOf(held.sha256), bytes);
    },
    // Memory neither fails nor outlives its process.
    diskFailsAfter: () => undefined,
    kill: async () => undefined,
    visible: async () =>
      new Map(
        [...blobs.files].flatMap(([path, bytes]) =>
          path.startsWith(prefix) ? [[path.slice(prefix.length), bytes] as const] : [],
        ),
      ),
    close: async () => undefined,
  };
});
