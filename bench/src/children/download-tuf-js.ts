import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import { measure, taskOf, tell } from './child.ts';
import type { DownloadTask } from '../parts/download.ts';

/** The same bytes as a TUF target, by tuf-js: metadata, download, verification. */
const { url, folder, rootBase64, targetPath } = taskOf() as DownloadTask;
await mkdir(join(folder, 'metadata'));
await mkdir(join(folder, 'targets'));
await writeFile(join(folder, 'metadata', 'root.json'), Buffer.from(rootBase64, 'base64'));
tell(
  await measure(async () => {
    const updater = new Updater({
      metadataDir: join(folder, 'metadata'),
      metadataBaseUrl: `${url}/metadata`,
      targetDir: join(folder, 'targets'),
      targetBaseUrl: `${url}/targets`,
      config: { fetchRetries: 0, fetchTimeout: 600_000 },
    });
    await updater.refresh();
    const target = await updater.getTargetInfo(targetPath);
    if (target === undefined) throw new Error('tuf-js does not find the target');
    await updater.downloadTarget(target);
  }),
);
