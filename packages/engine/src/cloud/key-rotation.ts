import type { Root } from '@sallyport/core/domain/trust/documents';
import type { RoleKeys } from '@sallyport/core/domain/trust/key';
import { CloudError } from '../ports/cloud-error.ts';
import type { KeyRole } from '../ports/key-ring.ts';
import type { CloudTools } from './cloud-tools.ts';
import { readPublished } from './cloud-tools.ts';
import { serviceFile } from './contents.ts';
import { keyIdOf, type RootContent, type TargetsContent, trustKey } from './repository/documents.ts';
import {
  publicKeysOf,
  readState,
  type RepositoryRole,
  type RepositoryState,
  roleKeysOf,
} from './repository/state.ts';
import { type Change, contentOf, withFiles, writeChange } from './repository/writer.ts';

/** A change of keys that is done. */
export interface Rotation {
  readonly role: KeyRole;
  readonly before: readonly string[];
  readonly now: readonly string[];
  readonly threshold: number;
}

export interface RotationOptions {
  /** Absent: as many as before. */
  readonly keys?: number;
  readonly threshold?: number;
}

/**
 * Gives a role new keys and takes the word of the old ones away.
 *
 * Cut short at any point, it leaves a repository that every site can read: what the old keys signed is signed by
 * both first, and only then does the root change.
 *
 * @throws {CloudError} KEYS_MISSING, WRONG_PASSPHRASE, BAD_REQUEST
 */
export async function rotateKeys(
  tools: CloudTools,
  role: KeyRole,
  options: RotationOptions,
  signal: AbortSignal,
): Promise<Rotation> {
  return tools.lock.exclusively(
    `give the role ${role} new keys`,
    () => (role === 'offer' ? rotateOffer(tools) : rotateRole(tools, role, options)),
    signal,
  );
}

async function rotateRole(
  tools: CloudTools,
  role: RepositoryRole,
  options: RotationOptions,
): Promise<Rotation> {
  const state = await readState(tools.repository);
  const old = roleKeysOf(stateOf(state), role);
  const before = publicKeysOf(old);
  const count = options.keys ?? old.keyIds.length;
  const threshold = options.threshold ?? Math.min(old.threshold, count);
  if (!Number.isInteger(count) || !Number.isInteger(threshold) || threshold < 1 || threshold > count) {
    throw new CloudError(
      'BAD_REQUEST',
      `${threshold} of ${count} keys cannot be: give a threshold from 1 to the number of keys`,
    );
  }
  await requireSigners(tools, state, signersNeeded(role));
  const now = await tools.keys.create(role, count);
  const keys: RoleKeys = { keyIds: now.map(keyIdOf), threshold };
  for (const change of steps(state, role, before, now, keys)) {
    await writeChange(tools, await readState(tools.repository), change, tools.clock.now());
  }
  await forgetOthers(tools, role, now);
  return { role, before, now, threshold };
}

/** Roles whose keys must be at hand before a new key is made. */
function signersNeeded(role: RepositoryRole): readonly RepositoryRole[] {
  switch (role) {
    case 'root':
      return ['root'];
    case 'targets':
      return ['root', 'targets'];
    case 'snapshot':
    case 'timestamp':
      return ['root'];
    // The catalogue is signed by its new keys: the old ones may be lost.
    case 'catalog':
    case 'rollout':
      return ['targets'];
  }
}

function steps(
  state: RepositoryState,
  role: RepositoryRole,
  before: readonly string[],
  now: readonly string[],
  keys: RoleKeys,
): readonly Change[] {
  if (role === 'catalog' || role === 'rollout') {
    return [
      {
        targets: withDelegation(contentOf(state), role, now, keys),
        [role]: [...state[role].signed.targets.values()],
      },
    ];
  }
  const root = withRole(state.root.signed, role, now, keys);
  if (role === 'root') {
    // TUF 5.3.4: each root is signed by the keys of the one before as well.
    return [{ root, alsoSignedBy: { root: before } }];
  }
  const both: Change = {
    ...(role === 'targets' ? { targets: contentOf(state) } : {}),
    alsoSignedBy: { [role]: now },
  };
  return [both, { root, alsoSignedBy: { [role]: before } }];
}

function withRole(
  root: Root,
  role: keyof Root['roles'],
  publicKeys: readonly string[],
  keys: RoleKeys,
): RootContent {
  const roles = { ...root.roles, [role]: keys };
  const used = new Set(Object.values(roles).flatMap(({ keyIds }) => keyIds));
  const all = [...root.keys, ...publicKeys.map((key) => [keyIdOf(key), trustKey(key)] as const)];
  return { roles, keys: new Map(all.filter(([id]) => used.has(id))) };
}

function withDelegation(
  content: TargetsContent,
  name: string,
  publicKeys: readonly string[],
  keys: RoleKeys,
): TargetsContent {
  const roles = (content.delegations?.roles ?? []).map((role) =>
    role.name === name ? { ...role, ...keys } : role,
  );
  const used = new Set(roles.flatMap(({ keyIds }) => keyIds));
  const all = [
    ...(content.delegations?.keys ?? []),
    ...publicKeys.map((key) => [keyIdOf(key), trustKey(key)] as const),
  ];
  return { ...content, delegations: { roles, keys: new Map(all.filter(([id]) => used.has(id))) } };
}

/** The old key goes at once: what it signed is not believed any more, and the next exchange brings new offers. */
async function rotateOffer(tools: CloudTools): Promise<Rotation> {
  const { state, contents } = await readPublished(tools);
  await requireSigners(tools, state, ['catalog']);
  const before = contents.service.offerKeys;
  const now = await tools.keys.create('offer', 1);
  const file = serviceFile({ ...contents.service, offerKeys: now });
  await writeChange(
    tools,
    state,
    { catalog: withFiles(state.catalog.signed.targets, [file]), files: [file] },
    tools.clock.now(),
  );
  await forgetOthers(tools, 'offer', now);
  return { role: 'offer', before, now, threshold: 1 };
}

/** The former keys, and those that a rotation which was cut short has made or could not take away any more. */
async function forgetOthers(tools: CloudTools, role: KeyRole, now: readonly string[]): Promise<void> {
  for (const key of await tools.keys.list()) {
    if (key.role === role && !now.includes(key.publicKey)) await tools.keys.forget(key.publicKey);
  }
}

async function requireSigners(
  tools: CloudTools,
  state: RepositoryState,
  roles: readonly RepositoryRole[],
): Promise<void> {
  for (const role of roles) {
    const keys = roleKeysOf(stateOf(state), role);
    const signers = await tools.keys.signers(publicKeysOf(keys));
    if (signers.length < keys.threshold) {
      throw new CloudError(
        'KEYS_MISSING',
        `this needs ${keys.threshold} keys of the role ${role}, and ${signers.length} of its ${keys.keyIds.length} are at hand: name the folders that hold them with --offline-keys (looked in: ${tools.keys.places.join(', ')})`,
        { role, threshold: keys.threshold, found: signers.length },
      );
    }
  }
}

function stateOf(state: RepositoryState): {
  readonly root: RepositoryState['root']['signed'];
  readonly targets: RepositoryState['targets']['signed'];
} {
  return { root: state.root.signed, targets: state.targets.signed };
}
