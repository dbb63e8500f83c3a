import type { DelegatedRole, Delegations, SuccinctRoles, TargetFile, Targets } from './documents.ts';
import type { DigestOf, RoleKeys } from './key.ts';
import { matchesPathPattern } from './path-pattern.ts';
import { TrustError } from './trust-error.ts';

/** A targets role to look into, and the role whose word makes it trusted for this path. */
export interface SearchStep {
  readonly role: string;
  readonly delegator: string;
}

/**
 * Looks a target path up, the most trusted role first (TUF 5.6.7): depth first in the order of delegation, each role
 * once, never past a terminating delegation. Yields each role to look into and takes its believed metadata in
 * return; ends with what the first role that knows the path says of it, or undefined.
 *
 * @throws {TrustError} TOO_MANY_ROLES after `delegatedRolesMax` delegated roles
 */
export function* searchTarget(
  path: string,
  delegatedRolesMax: number,
  digestOf: DigestOf,
): Generator<SearchStep, TargetFile | undefined, Targets> {
  const pathDigest = digestOf('sha256', new TextEncoder().encode(path));
  const visited = new Set<string>();
  let pending: SearchStep[] = [{ role: 'targets', delegator: 'root' }];
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    if (visited.has(step.role)) {
      continue;
    }
    // The top-level role is no delegated one and does not count.
    if (visited.size > delegatedRolesMax) {
      throw new TrustError(
        'TOO_MANY_ROLES',
        `the search for ${path} ended after ${delegatedRolesMax} delegated roles: the publisher must delegate with fewer steps`,
        {
          path,
          delegatedRolesMax,
        },
      );
    }
    const targets = yield step;
    const found = targets.targets.get(path);
    if (found !== undefined) {
      return found;
    }
    visited.add(step.role);
    const { roles, terminating } = rolesFor(path, pathDigest, targets.delegations);
    const delegator = step.role;
    const children = roles.map((role) => ({ role, delegator })).toReversed();
    pending = terminating ? children : [...pending, ...children];
  }
  return undefined;
}

/** The delegated roles that may speak for a path, in order, up to the first that ends the search. */
function rolesFor(
  path: string,
  pathDigest: string,
  delegations: Delegations | undefined,
): { readonly roles: readonly string[]; readonly terminating: boolean } {
  if (delegations?.succinct !== undefined) {
    return { roles: [binFor(pathDigest, delegations.succinct)], terminating: true };
  }
  const matching = (delegations?.roles ?? []).filter((role) => isInScope(path, pathDigest, role));
  const last = matching.findIndex(({ terminating }) => terminating);
  const roles = last < 0 ? matching : matching.slice(0, last + 1);
  return { roles: roles.map(({ name }) => name), terminating: last >= 0 };
}

/** The keys that speak for a delegated role; undefined when nobody does. */
export function keysForRole(role: string, { roles, succinct }: Delegations): RoleKeys | undefined {
  return succinct === undefined
    ? roles.find(({ name }) => name === role)
    : isBin(role, succinct)
      ? succinct
      : undefined;
}

function isInScope(path: string, pathDigest: string, { scope }: DelegatedRole): boolean {
  return scope.kind === 'paths'
    ? scope.patterns.some((pattern) => matchesPathPattern(path, pattern))
    : scope.prefixes.some((prefix) => pathDigest.startsWith(prefix));
}

/** The bin of a path: the first bits of its digest (TAP 15). */
function binFor(pathDigest: string, { bitLength, namePrefix }: SuccinctRoles): string {
  const bin = Number.parseInt(pathDigest.slice(0, 8), 16) >>> (32 - bitLength);
  return binName(bin, { bitLength, namePrefix });
}

function isBin(role: string, succinct: SuccinctRoles): boolean {
  const bin = Number.parseInt(role.slice(succinct.namePrefix.length + 1), 16);
  return bin < 2 ** succinct.bitLength && role === binName(bin, succinct);
}

function binName(
  bin: number,
  { bitLength, namePrefix }: Pick<SuccinctRoles, 'bitLength' | 'namePrefix'>,
): string {
  const digits = (2 ** bitLength - 1).toString(16).length;
  return `${namePrefix}-${bin.toString(16).padStart(digits, '0')}`;
}
