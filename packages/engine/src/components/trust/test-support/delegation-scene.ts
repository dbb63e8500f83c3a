import { testDigestOf, TestSigner } from '@sallyport/core/domain/trust/test-support/signer';
import {
  type DelegatedRoleJson,
  timeText,
  TufRepository,
} from '@sallyport/core/domain/trust/test-support/tuf-repository';
import fc from 'fast-check';

/** Names that need no escaping: tuf-js does not find again what it stored of others. */
const delegatedNames = ['a', 'b', 'c', 'd-e', 'f.g'] as const;
/** Whom a graph can be told of: the top-level role too. */
const roleNames = ['targets', ...delegatedNames] as const;
export type RoleName = (typeof roleNames)[number];

/** What is looked for after each refresh. */
export const lookedFor = ['x', 'y', 'x/y', 'x/z', 'y/x', 'x/y/z', 'x/yy', 'nowhere/at/all'] as const;
const patterns = ['*', '?', '*/*', 'x/*', 'x/?', '?/*', 'x/y*', '*/*/*', 'x/y/z', 'x*', '**', 'x/'] as const;
const prefixes = [...'0123456789abcdef'.split(''), '1f', '7a'];
const startMs = Date.UTC(2026, 10, 24);
const dayMs = 86_400_000;

/** Whom one role delegates to, for which paths, and how well the other signs. */
interface Edge {
  readonly from: RoleName;
  readonly to: (typeof delegatedNames)[number];
  readonly scope: { readonly paths: readonly string[] } | { readonly path_hash_prefixes: readonly string[] };
  readonly terminating: boolean;
  readonly keys: number;
  readonly threshold: number;
  /** Further keys of a kind that nobody here knows. */
  readonly unknownKeys: number;
}

/** What a repository of delegations begins with. */
export interface Graph {
  readonly consistentSnapshot: boolean;
  readonly withHashes: boolean;
  readonly edges: readonly Edge[];
  /** Which role knows which path. */
  readonly files: readonly { readonly role: RoleName; readonly path: string }[];
  /** Equal bins below the top-level role instead of its edges (TAP 15). */
  readonly binBits?: 1 | 2 | 3 | undefined;
}

/** One thing that happens to it. */
export type DelegationAct =
  | { readonly kind: 'publish-all' | 'refresh' }
  | { readonly kind: 'days-pass'; readonly days: number }
  | {
      readonly kind:
        | 'alter-target'
        | 'cut-edge'
        | 'duplicate-edge'
        | 'duplicate-key-id'
        | 'duplicate-signature'
        | 'expire'
        | 'fraction'
        | 'lose-target'
        | 'negative-threshold'
        | 'other-key'
        | 'remove'
        | 'sign-by-none'
        | 'spec-version'
        | 'two-scopes'
        | 'unknown-field'
        | 'unlist'
        | 'version-back'
        | 'wrong-type';
      readonly role: RoleName;
    };

const role = fc.constantFrom(...roleNames);

const edge: fc.Arbitrary<Edge> = fc.record({
  from: fc.constantFrom('targets', 'targets', 'a', 'a', 'b', ...delegatedNames),
  to: fc.constantFrom(...delegatedNames),
  scope: fc.oneof(
    { weight: 2, arbitrary: fc.record({ paths: fc.subarray([...patterns], { maxLength: 3 }) }) },
    { weight: 2, arbitrary: fc.constant({ paths: ['*', '*/*', '*/*/*'] }) },
    {
      weight: 1,
      arbitrary: fc.record({ path_hash_prefixes: fc.subarray(prefixes, { maxLength: 8 }) }),
    },
  ),
  terminating: fc.boolean(),
  keys: fc.integer({ min: 1, max: 3 }),
  threshold: fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 3),
  unknownKeys: fc.constantFrom(0, 0, 1),
});

export const anyGraph: fc.Arbitrary<Graph> = fc.record({
  consistentSnapshot: fc.boolean(),
  withHashes: fc.boolean(),
  edges: fc.uniqueArray(edge, { minLength: 1, maxLength: 12, selector: ({ from, to }) => `${from} ${to}` }),
  files: fc.uniqueArray(fc.record({ role, path: fc.constantFrom(...lookedFor.slice(0, -1)) }), {
    minLength: 4,
    maxLength: 16,
    selector: ({ role: by, path }) => `${by} ${path}`,
  }),
  binBits: fc.option(fc.constantFrom(1, 2, 3), { nil: undefined, freq: 8 }),
});

const kinds = [
  'alter-target',
  'cut-edge',
  'duplicate-edge',
  'duplicate-key-id',
  'duplicate-signature',
  'expire',
  'fraction',
  'lose-target',
  'negative-threshold',
  'other-key',
  'remove',
  'sign-by-none',
  'spec-version',
  'two-scopes',
  'unknown-field',
  'unlist',
  'version-back',
  'wrong-type',
] as const;

export const anyDelegationAct: fc.Arbitrary<DelegationAct> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<DelegationAct>({ kind: 'publish-all' }, { kind: 'refresh' }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom(...kinds), role }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('days-pass'), days: fc.integer({ min: 1, max: 12 }) }),
  },
);

/** A repository with delegations, honest at first. */
export class DelegationScene {
  readonly repo: TufRepository;
  nowMs = startMs;

  constructor(graph: Graph) {
    const { consistentSnapshot, withHashes } = graph;
    const repo = new TufRepository({ nowMs: startMs, consistentSnapshot, withHashes });
    this.repo = repo;
    // All roles exist, delegated to or not: whoever is not is served, listed and never reached.
    for (const name of delegatedNames) repo.delegate('targets', name);
    repo.targets().delegations = { keys: {}, roles: [] };
    for (const one of graph.edges) this.#add(one);
    if (graph.binBits !== undefined) this.#bins(graph.binBits);
    for (const { role: by, path } of graph.files) {
      repo.addTarget(path, Buffer.from(`${path} as ${by} has it`), by);
    }
    repo.publishTargets();
  }

  /** Every role, bins too. */
  get roles(): readonly string[] {
    return ['root', 'timestamp', 'snapshot', ...this.repo.targetsRoles.keys()];
  }

  do(act: DelegationAct): void {
    const { repo } = this;
    switch (act.kind) {
      case 'refresh':
        return undefined;
      case 'publish-all':
        return repo.publishTargets();
      case 'days-pass':
        this.nowMs += act.days * dayMs;
        return undefined;
      case 'alter-target':
        return this.#targets(act.role, (bytes) => Buffer.concat([bytes.subarray(1), Buffer.from('!')]));
      case 'lose-target':
        return this.#targets(act.role, () => undefined);
      case 'expire':
        repo.targets(act.role).expires = timeText(this.nowMs);
        return repo.publishTargets();
      case 'other-key':
        return this.#serve(act.role, repo.sign(act.role, [new TestSigner()]));
      case 'sign-by-none':
        return this.#serve(act.role, repo.sign(act.role, []));
      case 'duplicate-signature': {
        const signers = repo.signers.get(act.role) ?? [];
        return this.#serve(act.role, repo.sign(act.role, [...signers, ...signers]));
      }
      case 'remove':
        repo.metadataFiles.delete(repo.fileName(act.role));
        return undefined;
      case 'unlist':
        delete repo.snapshot.meta[`${act.role}.json`];
        return repo.publish('snapshot', 'timestamp');
      case 'version-back':
        repo.targets(act.role).version = Math.max(1, repo.targets(act.role).version - 2);
        return this.#serve(act.role, repo.sign(act.role));
      case 'fraction':
        return this.#text(act.role, /"version": (\d+)/, '"version": $1.5');
      case 'wrong-type':
        return this.#text(act.role, /"_type": "targets"/, '"_type": "snapshot"');
      case 'spec-version':
        repo.targets(act.role).spec_version = '2.0.0';
        return repo.publishTargets();
      case 'unknown-field':
        repo.targets(act.role)['x-new'] = { deep: [null, 'ö', { more: true }], number: 7 };
        return repo.publishTargets();
      case 'cut-edge':
        return this.#delegations(act.role, (roles) => roles.splice(0, 1));
      case 'duplicate-edge':
        return this.#delegations(act.role, (roles) => roles.push(...roles.slice(0, 1)));
      case 'duplicate-key-id':
        return this.#delegations(act.role, ([first]) => first?.keyids.push(...first.keyids));
      case 'negative-threshold':
        return this.#delegations(act.role, ([first]) => {
          if (first !== undefined) first.threshold = -1;
        });
      case 'two-scopes':
        return this.#delegations(act.role, ([first]) =>
          Object.assign(first ?? {}, { paths: ['*'], path_hash_prefixes: ['0'] }),
        );
    }
  }

  #add({ from, to, scope, terminating, keys, threshold, unknownKeys }: Edge): void {
    const parent = this.repo.targets(from);
    parent.delegations ??= { keys: {}, roles: [] };
    const signers = Array.from({ length: keys }, () => new TestSigner());
    for (const signer of signers) parent.delegations.keys[signer.keyId] = signer.keyJson;
    const strange = Array.from({ length: unknownKeys }, (_, index) => `${from} ${to} ${String(index)}`);
    for (const id of strange) {
      parent.delegations.keys[id] = {
        keytype: 'of the future',
        scheme: 'unknown',
        keyval: { public: 'whatever' },
      };
    }
    const keyids = [...strange, ...signers.map(({ keyId }) => keyId)];
    parent.delegations.roles.push({ name: to, keyids, threshold, terminating, ...scope });
    this.repo.signers.set(to, [...(this.repo.signers.get(to) ?? []), ...signers]);
  }

  #bins(bits: number): void {
    const { repo } = this;
    const signer = new TestSigner();
    // As the specification of bins asks: instead of a list of roles.
    Object.assign(repo.targets(), {
      delegations: {
        keys: { [signer.keyId]: signer.keyJson },
        succinct_roles: { keyids: [signer.keyId], threshold: 1, bit_length: bits, name_prefix: 'bin' },
      },
    });
    for (let bin = 0; bin < 2 ** bits; bin += 1) {
      const name = `bin-${String(bin)}`;
      repo.targetsRoles.set(name, { ...structuredClone(repo.targets('a')), targets: {} });
      repo.signers.set(name, [signer]);
      for (const path of lookedFor) {
        const digest = Number.parseInt(testDigestOf('sha256', Buffer.from(path)).slice(0, 2), 16);
        // Every other path is in its own bin, the others in the next one, where nobody may find them.
        const own = digest >>> (8 - bits);
        const shift = digest % 2;
        if ((own + shift) % 2 ** bits === bin) repo.addTarget(path, Buffer.from(`${path} in ${name}`), name);
      }
    }
  }

  #delegations(name: RoleName, change: (roles: DelegatedRoleJson[]) => unknown): void {
    // Bins have no list of roles.
    const roles: DelegatedRoleJson[] | undefined = this.repo.targets(name).delegations?.roles;
    if (roles !== undefined) change(roles);
    this.repo.publishTargets();
  }

  /** Serves these bytes as the role's current version, listed as it should be. */
  #serve(name: RoleName, bytes: Uint8Array): void {
    this.repo.serve(name, bytes);
    this.repo.publish('snapshot', 'timestamp');
  }

  #text(name: RoleName, from: RegExp, to: string): void {
    const text = Buffer.from(this.repo.sign(name)).toString();
    this.#serve(name, Buffer.from(text.replace(from, to)));
  }

  #targets(name: RoleName, change: (bytes: Uint8Array) => Uint8Array | undefined): void {
    for (const [path, bytes] of this.repo.targetFiles) {
      if (!Buffer.from(bytes).toString().endsWith(` ${name} has it`)) continue;
      const changed = change(bytes);
      if (changed === undefined) this.repo.targetFiles.delete(path);
      else this.repo.targetFiles.set(path, changed);
    }
  }
}
