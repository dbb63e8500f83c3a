import type { Root } from '@sallyport/core/domain/trust/documents';
import type { RoleKeys } from '@sallyport/core/domain/trust/key';
import type { ServiceInfo } from '@sallyport/core/domain/updates/package';
import { CloudError } from '../ports/cloud-error.ts';
import type { KeyRole } from '../ports/key-ring.ts';
import { type CloudTools, type Published, readPublished } from './cloud-tools.ts';
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

/** Seal keys that `service.json` names; older ones still open what was sealed to them. */
const sealKeysNamed = 5;

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
  return tools.lock.exclusively(`give the role ${role} new keys`, () => rotate(tools, role, options), signal);
}

function rotate(tools: CloudTools, role: KeyRole, options: RotationOptions): Promise<Rotation> {
  switch (role) {
    case 'offer':
      return rotateOffer(tools);
    case 'seal':
      return rotateSeal(tools);
    default:
      return rotateRole(tools, role, options);
  }
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
  const published = await readPublished(tools);
  await requireSigners(tools, published.state, ['catalog']);
  const before = published.contents.service.offerKeys;
  const now = await tools.keys.create('offer', 1);
  await publishService(tools, published, { offerKeys: now });
  await forgetOthers(tools, 'offer', now);
  return { role: 'offer', before, now, threshold: 1 };
}

/**
 * The new key is the first of the list, so sites seal to it from now on. No secret is forgotten, and older keys stay
 * named: media with reports that were sealed to them may be on their way for as long as anybody cares to carry them.
 */
async function rotateSeal(tools: CloudTools): Promise<Rotation> {
  const published = await readPublished(tools);
  await requireSigners(tools, published.state, ['catalog']);
  const before = published.contents.service.sealKeys ?? [];
  const [made = ''] = await unusedSealKey(tools, before);
  const now = [made, ...before].slice(0, sealKeysNamed);
  await publishService(tools, published, { sealKeys: now });
  return { role: 'seal', before, now, threshold: 1 };
}

/** What a rotation that was cut short has made and not named is as good as new: nobody can have sealed to it. */
async function unusedSealKey(tools: CloudTools, before: readonly string[]): Promise<readonly string[]> {
  const held = (await tools.keys.list()).filter(({ role }) => role === 'seal');
  const newest = held.toSorted((a, b) => numberOf(b.name) - numberOf(a.name)).at(0);
  return newest === undefined || before.includes(newest.publicKey)
    ? tools.keys.create('seal', 1)
    : [newest.publicKey];
}

function numberOf(name: string): number {
  return Number(name.split('-').at(-1));
}

async function publishService(
  tools: CloudTools,
  { state, contents }: Published,
  changes: Partial<Pick<ServiceInfo, 'offerKeys' | 'sealKeys'>>,
): Promise<void> {
  const file = serviceFile({ ...contents.service, ...changes });
  await writeChange(
    tools,
    state,
    { catalog: withFiles(state.catalog.signed.targets, [file]), files: [file] },
    tools.clock.now(),
  );
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
