import { Agent } from 'undici';
import { BlobDownload } from '@sallyport/engine/components/content/blob-download';
import { defaultRetry } from '@sallyport/engine/components/content/retry';
import { systemClock } from '@sallyport/engine/compute/clock';
import { systemRandom } from '@sallyport/engine/compute/random';
import { FileBlobs } from '@sallyport/engine/storage/files/blobs';
import { HttpContentSource } from '@sallyport/engine/transport/content-http/content-source';
import { measure, taskOf, tell } from './child.ts';
import type { DownloadTask } from '../parts/download.ts';

/** A blob into a content library, as a site fetches it. */
const { url, sha256, sizeBytes, folder } = taskOf() as DownloadTask;
const dispatcher = new Agent();
tell(
  await measure(async () => {
    const blobs = await FileBlobs.open({ folder });
    const download = new BlobDownload({ blobs, clock: systemClock, random: systemRandom }, defaultRetry);
    const source = new HttpContentSource({ baseUrl: url, dispatcher, clock: systemClock });
    const watch = { onBytes: () => undefined, onRetry: () => undefined };
    await download.fetch({ sha256, sizeBytes }, source, watch, new AbortController().signal);
  }),
);
await dispatcher.close();
