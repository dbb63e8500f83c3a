import { readPublished } from '@sallyport/engine/cloud/cloud-tools';
import type { CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { readDescriptors } from '@sallyport/engine/cloud/contents';
import { publish } from '@sallyport/engine/cloud/publisher';
import type { Compute } from '@sallyport/engine/ports/compute';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { typescript, typescriptDefinition } from './vendor.ts';

/** Publishes releases of TypeScript one after the other with the real publisher; answers what each is made of. */
export async function publishTypescript<Version extends string>(
  tools: CloudTools & { readonly compute: Compute },
  versions: readonly Version[],
  options: { readonly say: (text: string) => void; readonly signal: AbortSignal },
): Promise<Readonly<Record<Version, PackageContent>>> {
  for (const version of versions) {
    options.say(`publishes TypeScript ${version}`);
    const definition = await typescriptDefinition(version);
    await publish(tools, [definition], { percentage: 100 }, options.signal);
  }
  const { contents } = await readPublished(tools);
  const catalogue = contents.catalogues.get(typescript);
  const descriptors = catalogue === undefined ? [] : (await readDescriptors(tools.blobs, catalogue)).values();
  const published = new Map([...descriptors].map(({ version, content }) => [version, content]));
  return Object.fromEntries(
    versions.map((version) => {
      const content = published.get(version);
      if (content === undefined) throw new Error(`${version} is not in the catalogue`);
      return [version, content];
    }),
  ) as Record<Version, PackageContent>;
}
