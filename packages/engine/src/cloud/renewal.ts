import type { EpochMs } from '@sallyport/core/shared/ids';
import { CloudError } from '../ports/cloud-error.ts';
import type { CloudTools } from './cloud-tools.ts';
import { renewalDueAt } from './repository/lifetimes.ts';
import {
  publicKeysOf,
  readState,
  type RepositoryRole,
  repositoryRoles,
  type RepositoryState,
  roleKeysOf,
} from './repository/state.ts';
import { type Change, contentOf, renewOnline, writeChange } from './repository/writer.ts';

/** When a role's signature ends, and what is to be done about it. */
export interface RoleForecast {
  readonly role: RepositoryRole;
  readonly version: number;
  readonly expiresAt: EpochMs;
  /** From when on it should be signed anew. */
  readonly dueAt: EpochMs;
  readonly state: 'due' | 'expired' | 'good';
  /** `cloud serve` signs it by itself; the others need people with their keys. */
  readonly signedBy: 'people' | 'service';
  readonly threshold: number;
  readonly keys: number;
  /** Of these, how many key files are at hand. */
  readonly keysAtHand: number;
}

export interface RenewalResult {
  readonly renewed: readonly RepositoryRole[];
  /** Due, but its keys are not at hand or their passphrase does not fit. */
  readonly missing: readonly { readonly role: RepositoryRole; readonly reason: string }[];
}

export interface RenewalOptions {
  /** Also what is not due yet. */
  readonly all?: boolean;
  /** Only these; absent: every role. */
  readonly roles?: readonly RepositoryRole[];
}

const onlineOnly: readonly RepositoryRole[] = ['rollout', 'snapshot', 'timestamp'];

/** The expiry of every role. @throws {CloudError} NOT_THERE, BROKEN_REPOSITORY */
export async function forecast(tools: CloudTools, state?: RepositoryState): Promise<readonly RoleForecast[]> {
  const current = state ?? (await readState(tools.repository));
  const now = tools.clock.now();
  const held = new Set((await tools.keys.list()).map(({ publicKey }) => publicKey));
  return repositoryRoles.map((role) => {
    const keys = roleKeysOf(signedOf(current), role);
    const { version, expiresMs } = current[role].signed;
    const dueAt = renewalDueAt(role, expiresMs, tools.lifetimesMs);
    return {
      role,
      version,
      expiresAt: expiresMs,
      dueAt,
      state: expiresMs <= now ? 'expired' : dueAt <= now ? 'due' : 'good',
      signedBy: onlineOnly.includes(role) ? 'service' : 'people',
      threshold: keys.threshold,
      keys: keys.keyIds.length,
      keysAtHand: publicKeysOf(keys).filter((key) => held.has(key)).length,
    };
  });
}

/** Signs anew what is due. A role whose keys are missing keeps the others from nothing. @throws {CloudError} LOCKED, NOT_THERE, BROKEN_REPOSITORY */
export async function renew(
  tools: CloudTools,
  options: RenewalOptions,
  signal: AbortSignal,
): Promise<RenewalResult> {
  return tools.lock.exclusively('sign anew what expires', () => renewWithin(tools, options), signal);
}

/**
 * As `renew`, for the service: only what online keys sign. Looks before it takes the lock, so that it is cheap when
 * nothing is due.
 */
export async function renewOnlineRoles(tools: CloudTools, signal: AbortSignal): Promise<RenewalResult> {
  const due = (await forecast(tools)).some(
    ({ role, state }) => onlineOnly.includes(role) && state !== 'good',
  );
  return due ? renew(tools, { roles: onlineOnly }, signal) : { renewed: [], missing: [] };
}

async function renewWithin(tools: CloudTools, options: RenewalOptions): Promise<RenewalResult> {
  const state = await readState(tools.repository);
  const wanted = (await forecast(tools, state))
    .filter(({ role }) => options.roles?.includes(role) ?? true)
    .filter(({ state: condition }) => options.all === true || condition !== 'good')
    .map(({ role }) => role);
  const renewed: RepositoryRole[] = [];
  const missing: { role: RepositoryRole; reason: string }[] = [];
  for (const role of wanted.filter((name) => name !== 'snapshot' && name !== 'timestamp')) {
    try {
      await writeChange(tools, await readState(tools.repository), sameAgain(state, role), tools.clock.now());
      renewed.push(role);
    } catch (error) {
      if (!(error instanceof CloudError) || !['KEYS_MISSING', 'WRONG_PASSPHRASE'].includes(error.code)) {
        throw error;
      }
      missing.push({ role, reason: error.message });
    }
  }
  const online = wanted.filter((name) => name === 'snapshot' || name === 'timestamp');
  if (renewed.length > 0) {
    // Every change signs snapshot and timestamp as well.
    return { renewed: [...renewed, ...online], missing };
  }
  if (online.length > 0) {
    await renewOnline(tools, state, { snapshot: online.includes('snapshot') }, tools.clock.now());
  }
  return { renewed: online, missing };
}

function sameAgain(state: RepositoryState, role: RepositoryRole): Change {
  switch (role) {
    case 'root':
      return { root: { keys: state.root.signed.keys, roles: state.root.signed.roles } };
    case 'targets':
      return { targets: contentOf(state) };
    case 'catalog':
    case 'rollout':
      return { [role]: [...state[role].signed.targets.values()] };
    case 'snapshot':
    case 'timestamp':
      return {};
  }
}

function signedOf(state: RepositoryState): {
  readonly root: RepositoryState['root']['signed'];
  readonly targets: RepositoryState['targets']['signed'];
} {
  return { root: state.root.signed, targets: state.targets.signed };
}
