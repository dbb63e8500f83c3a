import type { MetaFile, TargetFile } from '@sallyport/core/domain/trust/documents';
import { metadataName, targetRepositoryPath } from '@sallyport/core/domain/trust/metadata-name';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { CloudError } from '../../ports/cloud-error.ts';
import type { KeyRing } from '../../ports/key-ring.ts';
import type { Signer } from '../../ports/keys.ts';
import type { PublishedRepository } from '../../ports/published-repository.ts';
import {
  metaFileOf,
  rootBody,
  type RootContent,
  signDocument,
  snapshotBody,
  type Stamp,
  targetFileOf,
  targetsBody,
  type TargetsContent,
  timestampBody,
} from './documents.ts';
import { publicKeysOf, type RepositoryRole, type RepositoryState, roleKeysOf } from './state.ts';

/** A target file under its path, without the digest that consistent snapshots put into its name. */
export interface PublishedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * What is to be published. Roles that are not named keep their document; snapshot and timestamp follow by
 * themselves. `root` replaces the root alone and is seen by everybody at once.
 */
export interface Change {
  readonly root?: RootContent;
  readonly targets?: TargetsContent;
  /** All files of the role, the new ones included. */
  readonly catalog?: readonly TargetFile[];
  readonly rollout?: readonly TargetFile[];
  readonly files?: readonly PublishedFile[];
  /** Public keys that sign a role beside those that speak for it now: for a change of keys. */
  readonly alsoSignedBy?: Partial<Record<RepositoryRole, readonly string[]>>;
  /** Awaited when everything but a root has been written; a failure leaves that unwritten. */
  readonly beforeRoot?: () => Promise<void>;
}

export interface WriterTools {
  readonly repository: PublishedRepository;
  readonly keys: KeyRing;
  readonly lifetimesMs: Readonly<Record<RepositoryRole, number>>;
}

/** What a first publication has in place of a state. */
export interface Nothing {
  readonly versions: 'none';
}

/**
 * Signs and writes a change: first the files, then the documents that name them, each under a name that nobody asks
 * for yet, and the timestamp last. Cut short at any point, it leaves the repository as it was; repeated, it goes over
 * what was left. The caller holds the lock.
 *
 * @throws {CloudError} KEYS_MISSING, WRONG_PASSPHRASE; nothing is written then
 */
export async function writeChange(
  tools: WriterTools,
  state: RepositoryState | Nothing,
  change: Change,
  now: EpochMs,
): Promise<void> {
  const before = 'versions' in state ? undefined : state;
  const root = change.root ?? before?.root.signed;
  const targets = change.targets ?? (before === undefined ? undefined : contentOf(before));
  if (root === undefined || targets === undefined) {
    throw new CloudError('BAD_REQUEST', 'a first publication needs a root and a targets role');
  }
  const signersOf = async (role: RepositoryRole): Promise<readonly Signer[]> =>
    roleSigners(tools.keys, { root, targets }, role, change.alsoSignedBy?.[role] ?? []);
  const stamp = (role: RepositoryRole): Stamp => ({
    version: (before?.[role].signed.version ?? 0) + 1,
    issuedMs: now,
    expiresMs: now + tools.lifetimesMs[role],
  });

  const documents: PublishedFile[] = [];
  const meta = new Map<string, MetaFile>(before?.snapshot.signed.meta);
  const add = async (
    role: 'catalog' | 'rollout' | 'targets',
    content: TargetsContent | undefined,
  ): Promise<void> => {
    if (content !== undefined) {
      const bytes = signDocument(targetsBody(content, stamp(role)), await signersOf(role));
      documents.push({ path: metadataName(role, stamp(role).version), bytes });
      meta.set(`${role}.json`, metaFileOf(bytes, stamp(role).version));
    }
  };
  await add('targets', change.targets);
  await add('catalog', change.catalog && { targets: change.catalog });
  await add('rollout', change.rollout && { targets: change.rollout });
  const snapshot = signDocument(snapshotBody(meta, stamp('snapshot')), await signersOf('snapshot'));
  documents.push({ path: metadataName('snapshot', stamp('snapshot').version), bytes: snapshot });
  const timestamp = signDocument(
    timestampBody(metaFileOf(snapshot, stamp('snapshot').version), stamp('timestamp')),
    await signersOf('timestamp'),
  );
  const rootBytes =
    change.root === undefined
      ? undefined
      : signDocument(rootBody(change.root, stamp('root')), await signersOf('root'));

  for (const file of change.files ?? []) {
    await tools.repository.putTarget(
      targetRepositoryPath(file.path, sha256In(targetFileOf(file.path, file.bytes))),
      file.bytes,
    );
  }
  for (const document of documents) {
    await tools.repository.putMetadata(document.path, document.bytes);
  }
  // A change is seen when its timestamp is there. A first publication is one when its root is: nobody can have
  // believed anything before that, so a ceremony that was cut short can be held again.
  if (before === undefined) await tools.repository.putMetadata('timestamp.json', timestamp);
  if (rootBytes !== undefined) {
    await change.beforeRoot?.();
    await tools.repository.putMetadata(metadataName('root', stamp('root').version), rootBytes);
  }
  if (before !== undefined) await tools.repository.putMetadata('timestamp.json', timestamp);
}

/** Signs the timestamp, and the snapshot too when it is asked for, and nothing else. @throws {CloudError} KEYS_MISSING */
export async function renewOnline(
  tools: WriterTools,
  state: RepositoryState,
  roles: { readonly snapshot: boolean },
  now: EpochMs,
): Promise<void> {
  if (roles.snapshot) {
    await writeChange(tools, state, {}, now);
    return;
  }
  const signers = await roleSigners(
    tools.keys,
    { root: state.root.signed, targets: state.targets.signed },
    'timestamp',
    [],
  );
  const stamp = {
    version: state.timestamp.signed.version + 1,
    issuedMs: now,
    expiresMs: now + tools.lifetimesMs.timestamp,
  };
  await tools.repository.putMetadata(
    'timestamp.json',
    signDocument(timestampBody(state.timestamp.signed.snapshot, stamp), signers),
  );
}

/** What the targets role says now, to be said again. */
export function contentOf(state: RepositoryState): TargetsContent {
  const { targets, delegations } = state.targets.signed;
  return { targets: [...targets.values()], ...(delegations === undefined ? {} : { delegations }) };
}

/** A role's files with some replaced or added. */
export function withFiles(
  before: ReadonlyMap<string, TargetFile>,
  files: readonly PublishedFile[],
): readonly TargetFile[] {
  const all = new Map(before);
  for (const file of files) {
    all.set(file.path, targetFileOf(file.path, file.bytes));
  }
  return [...all.values()];
}

/** The digest that stands in a target's name. */
export function sha256In(file: TargetFile): string {
  return file.hashes.get('sha256') ?? '';
}

async function roleSigners(
  ring: KeyRing,
  state: Parameters<typeof roleKeysOf>[0],
  role: RepositoryRole,
  also: readonly string[],
): Promise<readonly Signer[]> {
  const roleKeys = roleKeysOf(state, role);
  const own = await ring.signers(publicKeysOf(roleKeys));
  if (own.length < roleKeys.threshold) {
    const where = ring.places.join(', ');
    throw new CloudError(
      'KEYS_MISSING',
      `the role ${role} needs ${roleKeys.threshold} of its ${roleKeys.keyIds.length} keys, and ${own.length} ` +
        `${own.length === 1 ? 'is' : 'are'} at hand: bring the media that hold them and name their folders with --offline-keys (looked in: ${where})`,
      { role, threshold: roleKeys.threshold, found: own.length },
    );
  }
  return [...own, ...(await ring.signers(also))];
}
