import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A Unix socket's name may have 107 bytes on Linux, 103 on macOS. */
const nameMaxBytes = 103;

/**
 * Where the site server of a data folder listens for its administrators: `run/api.sock` inside it, or,
 * where that name is too long for a socket, one derived from it in an owner-only temporary folder.
 * Server and commands come to the same answer from the folder alone.
 */
export function localSocketPath(dataFolder: string): string {
  const folder = realpathSync(dataFolder);
  const inside = join(folder, 'run', 'api.sock');
  if (Buffer.byteLength(inside) <= nameMaxBytes) return inside;
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return join(tmpdir(), `sallyport-${userInfo().uid}`, `${name}.sock`);
}
