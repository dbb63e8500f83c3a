import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@sallyport/engine/compute/clock';
import { nodeKeys } from '@sallyport/engine/compute/ed25519';
import { HpkeSealing } from '@sallyport/engine/compute/hpke-sealing';
import { systemRandom } from '@sallyport/engine/compute/random';
import { FileBlobs } from '@sallyport/engine/storage/files/blobs';
import { FileKeyRing } from '@sallyport/engine/storage/files/file-key-ring';
import { PublishedFolder } from '@sallyport/engine/storage/files/published-folder';
import { SqliteRepositoryLock } from '@sallyport/engine/storage/sqlite/cloud/repository-lock';
import { holdCeremony } from '@sallyport/engine/cloud/ceremony';
import type { CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { readDefinition, type ReadDefinition } from '@sallyport/engine/cloud/definition/definition';
import { defaultLifetimesMs } from '@sallyport/engine/cloud/repository/lifetimes';
import { type ProductId, productId } from '@sallyport/core/shared/ids';

/** A vendor's data folder after its key ceremony, with one product, and the tools to publish with. */
export async function makeVendor(
  folder: string,
  product: ProductId,
  signal: AbortSignal,
): Promise<CloudTools> {
  const tools: CloudTools = {
    repository: new PublishedFolder(join(folder, 'repository')),
    lock: new SqliteRepositoryLock(join(folder, 'lock'), systemClock),
    keys: new FileKeyRing({
      onlineFolder: join(folder, 'keys', 'online'),
      offlineFolders: [join(folder, 'keys', 'offline')],
      passphrase: async () => 'a benchmark keeps no secrets',
      keys: nodeKeys,
      sealing: new HpkeSealing(),
      clock: systemClock,
      // What is measured is not how slowly passphrases are tried.
      cost: { memoryKib: 64, passes: 1 },
    }),
    blobs: await FileBlobs.open({
      folder: join(folder, 'repository'),
      partialFolder: join(folder, 'partial'),
    }),
    clock: systemClock,
    random: systemRandom,
    lifetimesMs: defaultLifetimesMs,
  };
  const one = { keys: 1, threshold: 1 };
  await holdCeremony(
    tools,
    {
      vendor: 'Bench',
      products: [{ id: product, name: product }],
      requiresUsageData: false,
      offline: { root: one, targets: one, catalog: one },
    },
    signal,
  );
  return tools;
}

/** The three releases of TypeScript that the demonstration publishes. */
export const typescript: ProductId = productId('typescript');

export async function typescriptDefinition(version: string): Promise<ReadDefinition> {
  const file = join(import.meta.dirname, '../../../examples/typescript', `${version}.yaml`);
  return readDefinition(file, await readFile(file));
}
