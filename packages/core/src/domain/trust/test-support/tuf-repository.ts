import { canonicalJson } from '../../../wire/canonical-json.ts';
import { metadataName, targetRepositoryPath } from '../metadata-name.ts';
import { testDigestOf, TestSigner } from './signer.ts';

/** Metadata before it is signed: change whatever a test is about, then `publish`. */
export interface MetadataJson {
  _type: string;
  spec_version: string;
  version: number;
  expires: string;
  [field: string]: unknown;
}

export interface RoleJson {
  keyids: string[];
  threshold: number;
  [field: string]: unknown;
}

export interface RootJson extends MetadataJson {
  consistent_snapshot: boolean;
  keys: Record<string, unknown>;
  roles: Record<string, RoleJson>;
}

export interface TargetsJson extends MetadataJson {
  targets: Record<string, unknown>;
  delegations?: { keys: Record<string, unknown>; roles: DelegatedRoleJson[] };
}

export interface DelegatedRoleJson extends RoleJson {
  name: string;
  terminating: boolean;
}

/** Metadata that points at other metadata files by name. */
export interface MetaJson extends MetadataJson {
  meta: Record<string, Record<string, unknown>>;
}

const dayMs = 86_400_000;

/**
 * A TUF repository in memory that tests publish to, rotate keys of, let expire and tamper with. It has the shape of
 * the engine's `RepositorySource`, and writes down what is asked of it.
 */
export class TufRepository {
  readonly name = 'test repository';
  readonly root: RootJson;
  readonly timestamp: MetaJson;
  readonly snapshot: MetaJson;
  /** `targets` and delegated roles. */
  readonly targetsRoles = new Map<string, TargetsJson>();
  /** Who signs for a role when it is published; usually, not necessarily, whom its delegator lists. */
  readonly signers = new Map<string, TestSigner[]>();
  /** What is served, by name in the repository. Every version stays. */
  readonly metadataFiles = new Map<string, Uint8Array>();
  readonly targetFiles = new Map<string, Uint8Array>();
  readonly requests: string[] = [];
  /** Whether timestamp and snapshot name length and digest of what they point at. */
  withHashes: boolean;

  constructor(options: {
    readonly nowMs: number;
    readonly consistentSnapshot?: boolean;
    readonly withHashes?: boolean;
  }) {
    const expires = timeText(options.nowMs + 30 * dayMs);
    this.withHashes = options.withHashes ?? true;
    this.root = {
      _type: 'root',
      spec_version: '1.0.31',
      version: 0,
      expires: timeText(options.nowMs + 365 * dayMs),
      consistent_snapshot: options.consistentSnapshot ?? true,
      keys: {},
      roles: {},
    };
    this.timestamp = { _type: 'timestamp', spec_version: '1.0.31', version: 0, expires, meta: {} };
    this.snapshot = { _type: 'snapshot', spec_version: '1.0.31', version: 0, expires, meta: {} };
    this.targetsRoles.set('targets', {
      _type: 'targets',
      spec_version: '1.0.31',
      version: 0,
      expires,
      targets: {},
    });
    for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
      this.root.roles[role] = { keyids: [], threshold: 1 };
      this.addKey(role);
    }
    this.publish('root', 'targets', 'snapshot', 'timestamp');
  }

  /** The unsigned metadata of any role. */
  json(role: string): MetadataJson {
    const top: Readonly<Record<string, MetadataJson>> = {
      root: this.root,
      timestamp: this.timestamp,
      snapshot: this.snapshot,
    };
    return (Object.hasOwn(top, role) ? top[role] : undefined) ?? this.targets(role);
  }

  targets(role = 'targets'): TargetsJson {
    const targets = this.targetsRoles.get(role);
    if (targets === undefined) {
      throw new RangeError(`no role ${role}`);
    }
    return targets;
  }

  /** Lists a new key for a role at whoever delegates to it, and signs with it from now on. */
  addKey(role: string, signer: TestSigner = new TestSigner()): TestSigner {
    const { keys, roleJson } = this.#delegation(role);
    keys[signer.keyId] = signer.keyJson;
    roleJson.keyids.push(signer.keyId);
    this.signers.set(role, [...(this.signers.get(role) ?? []), signer]);
    return signer;
  }

  /** Replaces all keys of a role by as many new ones; the delegator must be published for it to count. */
  rotateKeys(role: string): void {
    const { roleJson } = this.#delegation(role);
    const count = roleJson.keyids.length;
    roleJson.keyids = [];
    const former = this.signers.get(role) ?? [];
    this.signers.set(role, []);
    for (let index = 0; index < count; index += 1) {
      this.addKey(role);
    }
    if (role === 'root') {
      // The next root must be signed by the keys before it, too.
      this.signers.set(role, [...(this.signers.get(role) ?? []), ...former]);
    }
  }

  /** Delegates paths to a role, new or existing, with a key of its own. */
  delegate(
    delegator: string,
    name: string,
    options: {
      readonly paths?: readonly string[];
      readonly terminating?: boolean;
      readonly scope?: Readonly<Record<string, unknown>>;
    } = {},
  ): TestSigner {
    const parent = this.targets(delegator);
    parent.delegations ??= { keys: {}, roles: [] };
    const signer = new TestSigner();
    parent.delegations.keys[signer.keyId] = signer.keyJson;
    parent.delegations.roles.push({
      name,
      keyids: [signer.keyId],
      threshold: 1,
      terminating: options.terminating ?? false,
      ...(options.scope ?? { paths: [...(options.paths ?? ['*'])] }),
    });
    if (!this.targetsRoles.has(name)) {
      this.targetsRoles.set(name, {
        _type: 'targets',
        spec_version: '1.0.31',
        version: 0,
        expires: this.timestamp.expires,
        targets: {},
      });
    }
    this.signers.set(name, [...(this.signers.get(name) ?? []), signer]);
    return signer;
  }

  /** Adds a target to a role's metadata, and its bytes to what is served. */
  addTarget(path: string, bytes: Uint8Array, role = 'targets'): void {
    const sha256 = testDigestOf('sha256', bytes);
    this.targets(role).targets[path] = { length: bytes.length, hashes: { sha256 } };
    this.targetFiles.set(
      targetRepositoryPath(path, this.root.consistent_snapshot ? sha256 : undefined),
      bytes,
    );
  }

  /** Signs and serves the next version of each role, in the order given; what points at a role is told of it. */
  publish(...roles: readonly string[]): void {
    for (const role of roles) {
      this.json(role).version += 1;
      this.serve(role, this.sign(role));
    }
  }

  /** What most tests want after a change: everything below root anew. */
  publishTargets(): void {
    this.publish(...this.targetsRoles.keys(), 'snapshot', 'timestamp');
  }

  /** The signed bytes of a role as it is now. */
  sign(role: string, signers: readonly TestSigner[] = this.signers.get(role) ?? []): Uint8Array {
    const signed = this.json(role);
    const message = canonicalJson(signed);
    const signatures = signers.map((signer) => ({
      keyid: signer.keyId,
      sig: Buffer.from(signer.sign(message)).toString('hex'),
    }));
    return new TextEncoder().encode(JSON.stringify({ signatures, signed }, undefined, 1));
  }

  /** Serves bytes as the current version of a role, and points at them. */
  serve(role: string, bytes: Uint8Array): void {
    const { version } = this.json(role);
    this.metadataFiles.set(this.fileName(role), bytes);
    const file = {
      version,
      ...(this.withHashes ? { length: bytes.length, hashes: { sha256: testDigestOf('sha256', bytes) } } : {}),
    };
    if (role === 'snapshot') {
      this.timestamp.meta['snapshot.json'] = file;
    } else if (this.targetsRoles.has(role)) {
      this.snapshot.meta[`${role}.json`] = file;
    }
  }

  /** The name that a role's current version is served under. */
  fileName(role: string): string {
    const versioned = role === 'root' || (role !== 'timestamp' && this.root.consistent_snapshot);
    return metadataName(role, versioned ? this.json(role).version : undefined);
  }

  /** What is served for a role now. */
  bytes(role: string): Uint8Array {
    const bytes = this.metadataFiles.get(this.fileName(role));
    if (bytes === undefined) {
      throw new RangeError(`${this.fileName(role)} is not published`);
    }
    return bytes;
  }

  async metadata(name: string, limits: { readonly maxBytes: number }): Promise<Uint8Array | undefined> {
    this.requests.push(name);
    const bytes = this.metadataFiles.get(name);
    if (bytes !== undefined && bytes.length > limits.maxBytes) {
      throw new Error(`${name} is longer than ${limits.maxBytes} bytes`);
    }
    return bytes;
  }

  async target(path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    this.requests.push(path);
    const bytes = this.targetFiles.get(path);
    return bytes === undefined ? undefined : chunksOf(bytes);
  }

  #delegation(role: string): { readonly keys: Record<string, unknown>; readonly roleJson: RoleJson } {
    const top = this.root.roles[role];
    if (top !== undefined && Object.hasOwn(this.root.roles, role)) {
      return { keys: this.root.keys, roleJson: top };
    }
    for (const { delegations } of this.targetsRoles.values()) {
      const roleJson = delegations?.roles.find(({ name }) => name === role);
      if (delegations !== undefined && roleJson !== undefined) {
        return { keys: delegations.keys, roleJson };
      }
    }
    throw new RangeError(`nobody delegates to ${role}`);
  }
}

/** A time as TUF writes it. */
export function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) {
    yield bytes.subarray(at, at + 1000);
  }
}
