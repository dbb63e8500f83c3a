import { MemoryBlobs } from '../storage/memory/blobs.ts';
import { computeConformance } from '../../test-support/compute-conformance.ts';
import { MemoryCompute } from './memory-compute.ts';

computeConformance('memory', async () => {
  const blobs = new MemoryBlobs();
  return {
    compute: new MemoryCompute(blobs),
    pathOf: (name) => `memory:test/${name}`,
    write: async (path, bytes) => {
      blobs.files.set(path, bytes);
    },
    read: async (path) => {
      const bytes = blobs.files.get(path);
      return bytes === undefined ? undefined : new Uint8Array(bytes);
    },
  };
});
