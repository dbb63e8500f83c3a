import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { ContentSource } from '../../ports/content-source.ts';
import { type RepositorySource, RepositorySourceError } from '../../ports/repository.ts';

/** How an offline site comes to what it lacks. */
export const offlineSteps =
  '1. here: "sallyport tool prepare --to FILE"; 2. where there is internet: "sallyport tool connect --from FOLDER --to MEDIUM"; 3. here: "sallyport tool import --from MEDIUM"';

/** The vendor's repository, for a site that has no line to it: only media bring it. */
export const offlineRepository: RepositorySource = {
  name: 'the vendor, whom this offline site reaches by media only',
  metadata: async () => {
    throw offline();
  },
  target: async () => {
    throw offline();
  },
};

/** The vendor's content for such a site: what media brought is in its library already. */
export const offlineContent: ContentSource = {
  name: 'what media have brought so far',
  offers: async () => new Set(),
  open: async ({ sha256 }) => {
    throw new ContentError(
      'NOT_FOUND',
      `no medium has brought content ${sha256} yet, and this site is offline: ${offlineSteps}`,
      { sha256 },
    );
  },
};

function offline(): RepositorySourceError {
  return new RepositorySourceError(
    'UNREACHABLE',
    `this site is offline, and takes the vendor’s metadata from media only: ${offlineSteps}`,
  );
}
