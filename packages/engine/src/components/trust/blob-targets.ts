import { digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { RepositorySource } from '../../ports/repository.ts';

/**
 * Targets of a repository with consistent snapshots, out of the content library: their names begin with their
 * SHA-256, and whoever fetched one has put it there.
 */
export function blobTargets(blobs: Blobs): RepositorySource['target'] {
  return async (path, { maxBytes }) => {
    const [, sha256] = /^([0-9a-f]{64})\../.exec(path.split('/').at(-1) ?? '') ?? [];
    if (sha256 === undefined) {
      return undefined;
    }
    const sizeBytes = await blobs.sizeOf(digest(sha256));
    return sizeBytes === undefined || sizeBytes > maxBytes ? undefined : blobs.read(digest(sha256));
  };
}
