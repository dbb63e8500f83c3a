import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyRing } from '../ports/key-ring.ts';
import type { PublishedRepository, RepositoryLock } from '../ports/published-repository.ts';
import type { Random } from '../ports/random.ts';
import { type Contents, readContents } from './contents.ts';
import type { RepositoryRole } from './repository/state.ts';
import { readState, type RepositoryState } from './repository/state.ts';
import { type Change, writeChange } from './repository/writer.ts';

/** What the vendor's commands work with. */
export interface CloudTools {
  readonly repository: PublishedRepository;
  readonly lock: RepositoryLock;
  readonly keys: KeyRing;
  /** The repository's own `blobs/`. */
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly random: Random;
  readonly lifetimesMs: Readonly<Record<RepositoryRole, number>>;
}

/** The repository as it is now. */
export interface Published {
  readonly state: RepositoryState;
  readonly contents: Contents;
}

/** @throws {CloudError} NOT_THERE, BROKEN_REPOSITORY */
export async function readPublished(tools: Pick<CloudTools, 'repository'>): Promise<Published> {
  const state = await readState(tools.repository);
  return { state, contents: await readContents(tools.repository, state) };
}

/**
 * Changes the repository while nobody else does: `decide` sees it as it is under the lock, and what it answers is
 * signed and written at once. Undefined changes nothing.
 *
 * @param purpose for whoever waits for the lock
 * @throws {CloudError} LOCKED, KEYS_MISSING, WRONG_PASSPHRASE, NOT_THERE, BROKEN_REPOSITORY
 */
export async function changeRepository<T>(
  tools: CloudTools,
  purpose: string,
  decide: (published: Published) => Promise<{ readonly change?: Change; readonly result: T }>,
  signal: AbortSignal,
): Promise<T> {
  return tools.lock.exclusively(
    purpose,
    async () => {
      const published = await readPublished(tools);
      const { change, result } = await decide(published);
      if (change !== undefined) {
        await writeChange(tools, published.state, change, tools.clock.now());
      }
      return result;
    },
    signal,
  );
}
