import fc from 'fast-check';
import { TestSigner } from './signer.ts';
import { timeText, TufRepository } from './tuf-repository.ts';

/** When all of it is looked at. */
export const nowMs = Date.UTC(2026, 10, 24);
const dayMs = 86_400_000;
/** `a` is delegated to by `targets`, `b` by `a`. */
export const roles = ['root', 'timestamp', 'snapshot', 'targets', 'a', 'b'] as const;
export type Role = (typeof roles)[number];
const role = fc.constantFrom(...roles);

/** What a repository did until now; each state of each of its files goes into the pool. */
export type Past =
  | {
      readonly kind: 'forge' | 'publish' | 'publish-all' | 'rotate' | 'strip' | 'without-hashes';
      readonly role: Role;
    }
  | { readonly kind: 'expires-in'; readonly role: Role; readonly days: number }
  | { readonly kind: 'skip-versions'; readonly role: Role; readonly by: number }
  | { readonly kind: 'threshold'; readonly role: Role; readonly threshold: number };

export const anyPast: fc.Arbitrary<Past> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'publish',
        'publish-all',
        'publish-all',
        'rotate',
        'forge',
        'strip',
        'without-hashes',
      ),
      role,
    }),
  },
  fc.record({ kind: fc.constant('expires-in'), role, days: fc.integer({ min: -3, max: 9 }) }),
  fc.record({ kind: fc.constant('skip-versions'), role, by: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ kind: fc.constant('threshold'), role, threshold: fc.integer({ min: 1, max: 2 }) }),
);

/** Every file that a repository served in its life, by role, oldest first. */
export function poolOf(past: readonly Past[]): ReadonlyMap<Role, readonly Uint8Array[]> {
  const repo = new TufRepository({ nowMs });
  repo.delegate('targets', 'a');
  repo.delegate('a', 'b');
  repo.publishTargets();
  const pool = new Map<Role, Uint8Array[]>(roles.map((name) => [name, []]));
  const keep = (): void => {
    for (const name of roles) {
      const files = pool.get(name) ?? [];
      const bytes = repo.bytes(name);
      if (files.at(-1) !== bytes) files.push(bytes);
    }
  };
  keep();
  for (const act of past) {
    happen(repo, act);
    keep();
  }
  return pool;
}

function happen(repo: TufRepository, act: Past): void {
  const delegator = { a: 'targets', b: 'a' }[act.role as string] ?? 'root';
  switch (act.kind) {
    case 'publish':
      return repo.publish(act.role);
    case 'publish-all':
      return repo.publishTargets();
    case 'rotate':
      repo.rotateKeys(act.role);
      return repo.publish(delegator);
    case 'forge':
      return repo.serve(act.role, repo.sign(act.role, [new TestSigner()]));
    case 'strip':
      return repo.serve(act.role, repo.sign(act.role, []));
    case 'without-hashes':
      repo.withHashes = !repo.withHashes;
      return repo.publishTargets();
    case 'expires-in':
      repo.json(act.role).expires = timeText(nowMs + act.days * dayMs);
      return repo.publish(act.role);
    case 'skip-versions':
      repo.json(act.role).version = Math.max(0, repo.json(act.role).version + act.by);
      return repo.publish(act.role);
    case 'threshold': {
      const found =
        repo.root.roles[act.role] ??
        repo.targets(delegator).delegations?.roles.find(({ name }) => name === act.role);
      if (found !== undefined) found.threshold = act.threshold;
      return repo.publish(delegator);
    }
  }
}
