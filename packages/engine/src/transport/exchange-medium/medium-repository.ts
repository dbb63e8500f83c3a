import type { MediumFolder } from '../../ports/media.ts';
import type { RepositorySource } from '../../ports/repository.ts';

/** The repository on a medium: `metadata/` and `targets/`, as the vendor publishes them. */
export function mediumRepository(folder: MediumFolder): RepositorySource {
  return {
    name: folder.place,
    metadata: (name, { maxBytes }) => folder.read(`metadata/${name}`, maxBytes),
    target: async (path, { maxBytes }) => {
      const bytes = await folder.read(`targets/${path}`, maxBytes);
      return bytes === undefined ? undefined : once(bytes);
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
