import type { UsageFacts } from '@sallyport/core/domain/usage/facts';
import { kibibytes, mebibytes } from '@sallyport/core/shared/units';
import type { UsageLimits } from '@sallyport/core/domain/usage/limits';
import { readCare } from '../distribution-manager/care-state.ts';
import type { UsageSources } from './sources.ts';

type LibraryFacts = Pick<UsageFacts, 'backups' | 'care' | 'library' | 'releases'>;

/** Where classes of sizes begin. */
const classesFrom = [0, kibibytes(4), kibibytes(64), mebibytes(1), mebibytes(16)];
/** So many blobs are counted before others have their turn. */
const blobsAtOnce = 1000;

/** What lies on the site's disk: content, releases, copies of the database. */
export async function gatherLibrary(
  { blobs, releases, backups, database }: UsageSources,
  limits: UsageLimits,
  pause: () => Promise<void>,
): Promise<LibraryFacts> {
  const kept: UsageFacts['releases'][number][] = [];
  for (const product of (await releases.products()).toSorted())
    kept.push({ product, folders: (await releases.list(product)).length });
  const care = readCare(database);
  return {
    library: { ...(await countBlobs(blobs, limits, pause)), diskFreeBytes: await releases.freeBytes() },
    releases: kept,
    backups: await backups.list(),
    ...(care === undefined
      ? {}
      : {
          care: {
            collectedAt: care.collectedAt,
            scrubbedAt: care.scrubbedAt,
            lost: care.lost?.digests.length ?? 0,
            failures: care.lost?.failures ?? 0,
            ...(care.scrub === undefined
              ? {}
              : {
                  scrub: {
                    checked: care.scrub.checked,
                    checkedBytes: care.scrub.checkedBytes,
                    lost: care.scrub.lost,
                  },
                }),
          },
        }),
  };
}

async function countBlobs(
  blobs: UsageSources['blobs'],
  { blobsMax }: UsageLimits,
  pause: () => Promise<void>,
): Promise<Pick<UsageFacts['library'], 'classes' | 'complete'>> {
  const classes = classesFrom.map((fromBytes) => ({ fromBytes, blobs: 0, bytes: 0 }));
  let count = 0;
  let complete = true;
  for await (const { sizeBytes } of blobs.list()) {
    if (count === blobsMax) {
      complete = false;
      break;
    }
    count += 1;
    const found = classes.findLast(({ fromBytes }) => sizeBytes >= fromBytes);
    if (found !== undefined) {
      found.blobs += 1;
      found.bytes += sizeBytes;
    }
    if (count % blobsAtOnce === 0) await pause();
  }
  return { classes: classes.filter((each) => each.blobs > 0), complete };
}
