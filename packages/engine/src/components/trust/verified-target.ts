import type { TargetFile } from '@sallyport/core/domain/trust/documents';
import { checkDigest, checkLength, digestsToCheck } from '@sallyport/core/domain/trust/file-check';
import { targetRepositoryPath } from '@sallyport/core/domain/trust/metadata-name';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { Digests } from '../../ports/digests.ts';
import type { RepositorySource } from '../../ports/repository.ts';

/**
 * A target's bytes from a source, checked against what trusted metadata says as they pass. The check of the digests
 * comes after the last chunk: until the generator has ended, nothing is verified.
 *
 * @param hashed whether the repository puts the digest into the file's name (consistent snapshots)
 * @throws {TrustError} NOT_FOUND, TOO_LARGE, MISMATCH
 */
export async function* verifiedTarget(
  source: RepositorySource,
  info: TargetFile,
  hashed: boolean,
  digests: Digests,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const expected = digestsToCheck(info.path, info.hashes);
  const running = expected.map(([algorithm, hex]) => ({ algorithm, hex, digest: digests.start(algorithm) }));
  const repositoryPath = targetRepositoryPath(info.path, hashed ? expected[0]?.[1] : undefined);
  const chunks = await source.target(repositoryPath, { maxBytes: info.lengthBytes }, signal);
  if (chunks === undefined) {
    throw new TrustError(
      'NOT_FOUND',
      `${source.name} has no file ${repositoryPath}, which trusted metadata names: it is not published whole; try again later, or from another source`,
      {
        file: repositoryPath,
        source: source.name,
      },
    );
  }
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    // A source keeps to its limit, but is not relied on for it.
    if (sizeBytes > info.lengthBytes) {
      checkLength(info.path, info.lengthBytes, sizeBytes);
    }
    for (const { digest } of running) {
      digest.update(chunk);
    }
    yield chunk;
  }
  checkLength(info.path, info.lengthBytes, sizeBytes);
  for (const { algorithm, hex, digest } of running) {
    checkDigest(info.path, algorithm, hex, digest.hex());
  }
}

/** All chunks as one, for files that are known to be small. */
export async function collect(chunks: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for await (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes.subarray(0, at);
}
