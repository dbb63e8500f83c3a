import type { DelegatedRole } from '@sallyport/core/domain/trust/documents';
import type { RoleKeys, TrustKey } from '@sallyport/core/domain/trust/key';
import { metadataName } from '@sallyport/core/domain/trust/metadata-name';
import type { Catalogue, Rollout, ServiceInfo } from '@sallyport/core/domain/updates/package';
import type { ProductId } from '@sallyport/core/shared/ids';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { CloudError } from '../ports/cloud-error.ts';
import type { OfflineRole } from '../ports/key-ring.ts';
import type { CloudTools } from './cloud-tools.ts';
import { catalogueFile, rolloutFile, serviceFile } from './contents.ts';
import { keyIdOf, targetFileOf, trustKey } from './repository/documents.ts';
import { type PublishedFile, writeChange } from './repository/writer.ts';

export interface CeremonyOptions {
  readonly vendor: string;
  readonly products: readonly { readonly id: ProductId; readonly name: string }[];
  readonly requiresUsageData: boolean;
  /** How many keys each offline role gets, and how many of them it takes to sign. */
  readonly offline: Readonly<Record<OfflineRole, { readonly keys: number; readonly threshold: number }>>;
  readonly dataFolder?: DataFolder;
}

/** What is in a data folder beside repository and keys. */
export interface DataFolder {
  /** Whether something there tells that it was set up before, or begun. */
  isSetUp(): Promise<boolean>;
  /** Called when a ceremony has begun, before its first key. */
  setUp(): Promise<void>;
}

/** More keys than this are no ceremony any more. */
const keysMax = 16;

/**
 * Makes all keys and the first version of everything: root, targets with its delegations, empty catalogues and
 * roll-outs, snapshot, timestamp.
 *
 * @throws {CloudError} ALREADY_THERE, BAD_REQUEST, KEYS_MISSING without a passphrase
 */
export async function holdCeremony(
  tools: CloudTools,
  options: CeremonyOptions,
  signal: AbortSignal,
): Promise<void> {
  checkOptions(options);
  await tools.lock.exclusively('make a new repository', () => makeAll(tools, options), signal);
}

async function makeAll(tools: CloudTools, options: CeremonyOptions): Promise<void> {
  const { keys, clock } = tools;
  await requireUnused(tools, options.dataFolder);
  await keys.noteCeremony('making-keys');
  await options.dataFolder?.setUp();
  const made = async (role: OfflineRole): Promise<Made> => {
    const { keys: count, threshold } = options.offline[role];
    return madeOf(await keys.create(role, count), threshold);
  };
  const root = await made('root');
  const targets = await made('targets');
  const catalog = await made('catalog');
  // Of a ceremony that was cut short: nothing trusts them, and nothing ever will. Not before all passphrases were given.
  for (const { publicKey } of await keys.list()) await keys.forget(publicKey);
  const snapshot = madeOf(await keys.create('snapshot', 1), 1);
  const timestamp = madeOf(await keys.create('timestamp', 1), 1);
  const rollout = madeOf(await keys.create('rollout', 1), 1);
  const offerKeys = await keys.create('offer', 1);
  const sealKeys = await keys.create('seal', 1);

  const products = options.products.map(({ id }) => id).toSorted();
  const service: ServiceInfo = { schema: 1, vendor: options.vendor, products, offerKeys, sealKeys };
  const catalogFiles = [
    serviceFile(service),
    ...options.products.map((product) => catalogueFile(emptyCatalogue(product, options))),
  ];
  const rolloutFiles = products.map((product) => rolloutFile(emptyRollout(product)));
  await writeChange(
    tools,
    { versions: 'none' },
    {
      root: {
        keys: keyMap(root, targets, snapshot, timestamp),
        roles: { root: root.role, targets: targets.role, snapshot: snapshot.role, timestamp: timestamp.role },
      },
      targets: {
        targets: [],
        delegations: {
          keys: keyMap(catalog, rollout),
          roles: [
            delegation('catalog', ['catalog/*', 'service.json'], catalog.role),
            delegation('rollout', ['rollout/*'], rollout.role),
          ],
        },
      },
      catalog: catalogFiles.map(asTarget),
      rollout: rolloutFiles.map(asTarget),
      files: [...catalogFiles, ...rolloutFiles],
      // From here on it takes the repository to tell whether anybody may believe these keys.
      beforeRoot: () => keys.noteCeremony('publishing'),
    },
    clock.now(),
  );
  await keys.noteCeremony(undefined);
}

/**
 * Whether a ceremony can be held: nothing was made before, or what was made is known to be of a ceremony that was cut
 * short. Changes nothing, but for the note of a ceremony that was killed right before it would have removed that.
 *
 * @throws {CloudError} ALREADY_THERE: a repository is here, or it is not and the keys that it rests on are
 */
export async function requireUnused(
  { repository, keys }: Pick<CloudTools, 'keys' | 'repository'>,
  dataFolder?: Pick<DataFolder, 'isSetUp'>,
): Promise<void> {
  if (await isMade(repository)) {
    await keys.noteCeremony(undefined);
    throw new CloudError(
      'ALREADY_THERE',
      `${repository.name} holds a repository already: a second ceremony would lock every customer out. Use another --data folder, or "sallyport cloud keys rotate" for new keys`,
      { place: repository.name },
    );
  }
  const stage = await keys.ceremony();
  if (stage === 'making-keys') return;
  if (stage === 'publishing') {
    // Everything but the root was written before: where that is, a root that is not there never was.
    if ((await repository.metadata('timestamp.json')) !== undefined) return;
  } else {
    const isUsed = (await keys.list()).some(({ offline }) => !offline);
    if (!isUsed && (await dataFolder?.isSetUp()) !== true) return;
  }
  throw new CloudError(
    'ALREADY_THERE',
    `this data folder was set up before, and its repository is not in ${repository.name}: new keys would lock every customer out of it. Mount or bring back the repository there, or use another --data folder`,
    { place: repository.name },
  );
}

/**
 * Whether there is a repository that somebody may believe. Its first root is written last of all; metadata without it
 * are a ceremony that was cut short, unless they tell of more than a first publication: then the root was lost.
 */
async function isMade(repository: CloudTools['repository']): Promise<boolean> {
  for (const version of [1, 2]) {
    if ((await repository.metadata(metadataName('root', version))) !== undefined) return true;
  }
  const timestamp = await repository.metadata('timestamp.json');
  if (timestamp === undefined) return false;
  try {
    return parseMetadata('timestamp', timestamp).signed.version > 1;
  } catch {
    // Not as any ceremony wrote it: not ours to write over.
    return true;
  }
}

export function emptyCatalogue(
  product: { readonly id: ProductId; readonly name: string },
  options: { readonly requiresUsageData: boolean },
): Catalogue {
  return {
    schema: 1,
    product: product.id,
    productName: product.name,
    requiresUsageData: options.requiresUsageData,
    packages: [],
  };
}

export function emptyRollout(product: ProductId): Rollout {
  return { schema: 1, product, packages: [] };
}

interface Made {
  readonly publicKeys: readonly string[];
  readonly role: RoleKeys;
}

function madeOf(publicKeys: readonly string[], threshold: number): Made {
  return { publicKeys, role: { keyIds: publicKeys.map(keyIdOf), threshold } };
}

function keyMap(...made: readonly Made[]): ReadonlyMap<string, TrustKey> {
  return new Map(made.flatMap(({ publicKeys }) => publicKeys.map((key) => [keyIdOf(key), trustKey(key)])));
}

/** Terminating: nobody else is ever asked for these paths. */
function delegation(name: string, patterns: readonly string[], role: RoleKeys): DelegatedRole {
  return { name, ...role, terminating: true, scope: { kind: 'paths', patterns } };
}

function asTarget(file: PublishedFile): ReturnType<typeof targetFileOf> {
  return targetFileOf(file.path, file.bytes);
}

function checkOptions({ vendor, products, offline }: CeremonyOptions): void {
  const refuse = (message: string): never => {
    throw new CloudError('BAD_REQUEST', message);
  };
  if (vendor.trim() === '') {
    refuse('the vendor has no name: give --vendor');
  }
  if (products.length === 0) {
    refuse('the vendor has no product: give --product at least once');
  }
  const twice = products.find(({ id }, index) => products.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) {
    refuse(`the product ${twice.id} is named twice: give each --product once`);
  }
  for (const [role, { keys, threshold }] of Object.entries(offline)) {
    if (
      !Number.isInteger(keys) ||
      !Number.isInteger(threshold) ||
      threshold < 1 ||
      keys < threshold ||
      keys > keysMax
    ) {
      refuse(
        `${threshold} of ${keys} keys for ${role} cannot be: use at most ${keysMax} keys, and a threshold from 1 to their number`,
      );
    }
  }
}
