import { createReadStream } from 'node:fs';
import process from 'node:process';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import { fileFailureOf } from '@sallyport/core/shared/file-failure';
import { formatBytes } from '@sallyport/core/shared/units';

export type GivenFileErrorCode = 'TOO_LARGE' | 'UNREADABLE';

/** A file that the command line names cannot be taken. */
class GivenFileError extends SallyportError<GivenFileErrorCode> {}

/**
 * The bytes of a file that the command line names, `-` being standard input. Pipes and devices are read like files,
 * and what never ends is given up at the limit.
 *
 * @param what for people: `the join token`
 * @throws {GivenFileError}
 */
export async function readGivenFile(file: string, what: string, maxBytes: number): Promise<Buffer> {
  const place = file === '-' ? 'standard input' : file;
  const source: AsyncIterable<Uint8Array> =
    file === '-' ? process.stdin : createReadStream(file, { end: maxBytes });
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of source) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) break;
    }
  } catch (cause) {
    const {
      cause: why,
      errno,
      remedy,
    } = fileFailureOf(cause) ?? {
      cause: messageOf(cause),
      errno: 'unknown',
      remedy: 'check its name and permissions',
    };
    throw new GivenFileError(
      'UNREADABLE',
      `${what} ${place} cannot be read: ${why} (${errno}); ${remedy}`,
      { place, errno },
      { cause },
    );
  }
  if (sizeBytes > maxBytes) {
    throw new GivenFileError(
      'TOO_LARGE',
      `${what} ${place} is larger than the ${formatBytes(maxBytes)} that it may have: name another file`,
      { place, maxBytes },
    );
  }
  return Buffer.concat(chunks);
}
