import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open, rename } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { measure, taskOf, tell } from './child.ts';
import type { DownloadTask } from '../parts/download.ts';

/** The bare work: GET, hash, write, fsync, rename, fsync of the folder; nothing resumes, nothing is limited. */
const { url, sha256, folder } = taskOf() as DownloadTask;
tell(
  await measure(async () => {
    const [response] = (await once(get(`${url}/blobs/sha256/${sha256}`), 'response')) as [IncomingMessage];
    const hash = createHash('sha256');
    const file = await open(join(folder, 'partial'), 'wx');
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      await file.write(chunk);
    }
    if (hash.digest('hex') !== sha256) throw new Error('wrong bytes');
    await file.sync();
    await file.close();
    await rename(join(folder, 'partial'), join(folder, sha256));
    const directory = await open(folder, 'r');
    await directory.sync();
    await directory.close();
  }),
);
