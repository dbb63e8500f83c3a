import type {
  DelegatedRole,
  MetaFile,
  Root,
  SignedDocument,
  Snapshot,
  Targets,
  Timestamp,
} from '@sallyport/core/domain/trust/documents';
import type { RoleKeys, TrustKey } from '@sallyport/core/domain/trust/key';
import { metadataName } from '@sallyport/core/domain/trust/metadata-name';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { CloudError } from '../../ports/cloud-error.ts';
import type { PublishedRepository } from '../../ports/published-repository.ts';
import { sha256Of } from '../sha256.ts';

/** Roles of the repository's metadata. The offer key is none of them: `service.json` names it. */
export type RepositoryRole = 'catalog' | 'rollout' | 'root' | 'snapshot' | 'targets' | 'timestamp';

/** In the order in which people read them. */
export const repositoryRoles: readonly RepositoryRole[] = [
  'root',
  'targets',
  'catalog',
  'rollout',
  'snapshot',
  'timestamp',
];

/** Everything signed that belongs together now. */
export interface RepositoryState {
  readonly root: SignedDocument<Root>;
  readonly targets: SignedDocument<Targets>;
  readonly catalog: SignedDocument<Targets>;
  readonly rollout: SignedDocument<Targets>;
  readonly snapshot: SignedDocument<Snapshot>;
  readonly timestamp: SignedDocument<Timestamp>;
}

/**
 * Reads what the newest timestamp names, so that a publication that was cut short is not seen.
 *
 * @throws {CloudError} NOT_THERE, BROKEN_REPOSITORY
 */
export async function readState(repository: PublishedRepository): Promise<RepositoryState> {
  const bytes = await repository.metadata('timestamp.json');
  if (bytes === undefined) {
    if ((await repository.metadata(metadataName('root', 1))) !== undefined)
      throw broken(
        repository,
        'its metadata has no timestamp.json, which was lost, or "cloud init" was cut short',
      );
    throw new CloudError(
      'NOT_THERE',
      `${repository.name} holds no repository: make it with "sallyport cloud init", or name the right --data folder`,
      { place: repository.name },
    );
  }
  const timestamp = parsed('timestamp', bytes, repository.name);
  const { snapshot: named } = timestamp.signed;
  const snapshot = parsed('snapshot', await readNamed(repository, 'snapshot', named), repository.name);
  const targetsOf = async (role: string): Promise<SignedDocument<Targets>> => {
    const file = snapshot.signed.meta.get(`${role}.json`);
    if (file === undefined) {
      throw broken(repository, `its snapshot does not name ${role}.json`);
    }
    return parsed('targets', await readNamed(repository, role, file), repository.name);
  };
  return {
    root: await newestRoot(repository),
    targets: await targetsOf('targets'),
    catalog: await targetsOf('catalog'),
    rollout: await targetsOf('rollout'),
    snapshot,
    timestamp,
  };
}

/** The keys that speak for a role, by what root and targets say. @throws {CloudError} BROKEN_REPOSITORY */
export function roleKeysOf(
  state: { readonly root: Pick<Root, 'keys' | 'roles'>; readonly targets: Pick<Targets, 'delegations'> },
  role: RepositoryRole,
): RoleKeys & { readonly keys: ReadonlyMap<string, TrustKey> } {
  if (role !== 'catalog' && role !== 'rollout') {
    return { ...state.root.roles[role], keys: state.root.keys };
  }
  const delegation = delegationOf(state.targets, role);
  return {
    keyIds: delegation.keyIds,
    threshold: delegation.threshold,
    keys: state.targets.delegations?.keys ?? new Map(),
  };
}

/** Raw public keys of a role, hexadecimal. */
export function publicKeysOf(role: ReturnType<typeof roleKeysOf>): readonly string[] {
  return role.keyIds.flatMap((id) => role.keys.get(id)?.publicValue ?? []);
}

function delegationOf(targets: Pick<Targets, 'delegations'>, name: string): DelegatedRole {
  const delegation = targets.delegations?.roles.find((role) => role.name === name);
  if (delegation === undefined) {
    throw new CloudError(
      'BROKEN_REPOSITORY',
      `the targets role delegates nothing to ${name}: restore the repository from a copy`,
    );
  }
  return delegation;
}

async function newestRoot(repository: PublishedRepository): Promise<SignedDocument<Root>> {
  let newest: Uint8Array | undefined;
  for (let version = 1; ; version += 1) {
    const next = await repository.metadata(metadataName('root', version));
    if (next === undefined) {
      break;
    }
    newest = next;
  }
  if (newest === undefined) {
    throw broken(repository, 'it has no root');
  }
  return parsed('root', newest, repository.name);
}

async function readNamed(repository: PublishedRepository, role: string, file: MetaFile): Promise<Uint8Array> {
  const name = metadataName(role, file.version);
  const bytes = await repository.metadata(name);
  if (bytes === undefined) {
    throw broken(repository, `metadata/${name} is missing`);
  }
  if (bytes.length !== file.lengthBytes || sha256Of(bytes) !== file.hashes?.get('sha256')) {
    throw broken(repository, `metadata/${name} is not what was signed`);
  }
  return bytes;
}

function parsed<K extends 'root' | 'snapshot' | 'targets' | 'timestamp'>(
  kind: K,
  bytes: Uint8Array,
  place: string,
) {
  try {
    return parseMetadata(kind, bytes);
  } catch (cause) {
    if (cause instanceof TrustError) {
      throw new CloudError(
        'BROKEN_REPOSITORY',
        `${place} cannot be read: ${cause.message}. Restore it from a copy`,
        { place },
        { cause },
      );
    }
    throw cause;
  }
}

function broken(repository: PublishedRepository, why: string): CloudError {
  return new CloudError(
    'BROKEN_REPOSITORY',
    `the repository ${repository.name} is broken: ${why}. Restore it from a copy`,
    {
      place: repository.name,
    },
  );
}
