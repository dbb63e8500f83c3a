import { blobsConformance } from '../../../test-support/blobs-conformance.ts';
import { MemoryBlobs } from './blobs.ts';

blobsConformance('memory', async () => {
  const blobs = new MemoryBlobs();
  return {
    blobs,
    writeAt: async (path, bytes) => {
      blobs.files.set(path, bytes);
    },
    damage: async (held, bytes) => {
      blobs.files.set(blobs.pathOf(held.sha256), bytes);
    },
  };
});
