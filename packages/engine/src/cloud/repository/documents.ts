import type {
  DelegatedRole,
  MetaFile,
  TargetFile,
  TopLevelRole,
} from '@sallyport/core/domain/trust/documents';
import type { KeyId, RoleKeys, TrustKey } from '@sallyport/core/domain/trust/key';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { canonicalJson, type JsonObject } from '@sallyport/core/wire/canonical-json';
import { encodeHex } from '@sallyport/core/wire/hex';
import { sha256Of } from '../sha256.ts';
import type { Signer } from '../../ports/keys.ts';

/** The version of the TUF specification that these documents follow. */
const specVersion = '1.0.34';

export interface RootContent {
  readonly keys: ReadonlyMap<KeyId, TrustKey>;
  readonly roles: Readonly<Record<TopLevelRole, RoleKeys>>;
}

export interface TargetsContent {
  readonly targets: readonly TargetFile[];
  readonly delegations?: {
    readonly keys: ReadonlyMap<KeyId, TrustKey>;
    readonly roles: readonly DelegatedRole[];
  };
}

/** What every document of a role says beside its content. */
export interface Stamp {
  readonly version: number;
  readonly issuedMs: EpochMs;
  readonly expiresMs: EpochMs;
}

/** An Ed25519 public key as metadata lists it. */
export function trustKey(publicKey: string): TrustKey {
  return { keyType: 'ed25519', scheme: 'ed25519', publicValue: publicKey };
}

/** TUF 4.2: the SHA-256 of the key's canonical form. */
export function keyIdOf(publicKey: string): KeyId {
  return sha256Of(canonicalJson(keyJson(trustKey(publicKey))));
}

/** TUF 4.3, unsigned. */
export function rootBody(content: RootContent, stamp: Stamp): JsonObject {
  const { root, targets, snapshot, timestamp } = content.roles;
  return {
    ...commonFields('root', stamp),
    consistent_snapshot: true,
    keys: keysJson(content.keys),
    roles: {
      root: roleKeysJson(root),
      targets: roleKeysJson(targets),
      snapshot: roleKeysJson(snapshot),
      timestamp: roleKeysJson(timestamp),
    },
  };
}

/** TUF 4.5, unsigned; delegated roles included. */
export function targetsBody(content: TargetsContent, stamp: Stamp): JsonObject {
  return {
    ...commonFields('targets', stamp),
    targets: Object.fromEntries(content.targets.map((file) => [file.path, fileJson(file)])),
    ...(content.delegations === undefined
      ? {}
      : {
          delegations: {
            keys: keysJson(content.delegations.keys),
            roles: content.delegations.roles.map(delegationJson),
          },
        }),
  };
}

/** TUF 4.4, unsigned. `meta` is keyed by file name. */
export function snapshotBody(meta: ReadonlyMap<string, MetaFile>, stamp: Stamp): JsonObject {
  return { ...commonFields('snapshot', stamp), meta: metaJson(meta) };
}

/** TUF 4.6, unsigned. */
export function timestampBody(snapshot: MetaFile, stamp: Stamp): JsonObject {
  return { ...commonFields('timestamp', stamp), meta: metaJson(new Map([['snapshot.json', snapshot]])) };
}

/** The document's bytes: canonical, so that equal content gives equal bytes. Each signer counts once. */
export function signDocument(body: JsonObject, signers: readonly Signer[]): Uint8Array {
  const message = canonicalJson(body);
  const byKey = new Map(signers.map((signer) => [keyIdOf(signer.publicKey), signer]));
  const signatures = [...byKey].map(([keyid, signer]) => ({ keyid, sig: encodeHex(signer.sign(message)) }));
  return canonicalJson({ signatures, signed: body });
}

/** How a document is named by the one above it. */
export function metaFileOf(bytes: Uint8Array, version: number): MetaFile {
  return { version, lengthBytes: bytes.length, hashes: new Map([['sha256', sha256Of(bytes)]]) };
}

export function targetFileOf(path: string, bytes: Uint8Array): TargetFile {
  return { path, lengthBytes: bytes.length, hashes: new Map([['sha256', sha256Of(bytes)]]) };
}

function commonFields(type: string, { version, issuedMs, expiresMs }: Stamp): JsonObject {
  return {
    _type: type,
    spec_version: specVersion,
    version,
    expires: tufTime(expiresMs),
    // Raises the time floor of whoever reads it (design section 5): a clock moved back revives nothing.
    'x-sallyport-issued': tufTime(issuedMs),
  };
}

function tufTime(at: EpochMs): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

function keyJson(key: TrustKey): JsonObject {
  return { keytype: key.keyType, scheme: key.scheme, keyval: { public: key.publicValue } };
}

function keysJson(keys: ReadonlyMap<KeyId, TrustKey>): JsonObject {
  return Object.fromEntries([...keys].map(([id, key]) => [id, keyJson(key)]));
}

function roleKeysJson({ keyIds, threshold }: RoleKeys): JsonObject {
  return { keyids: keyIds, threshold };
}

function delegationJson(role: DelegatedRole): JsonObject {
  return {
    name: role.name,
    ...roleKeysJson(role),
    terminating: role.terminating,
    ...(role.scope.kind === 'paths'
      ? { paths: role.scope.patterns }
      : { path_hash_prefixes: role.scope.prefixes }),
  };
}

function fileJson(file: TargetFile): JsonObject {
  return { length: file.lengthBytes, hashes: Object.fromEntries(file.hashes) };
}

function metaJson(meta: ReadonlyMap<string, MetaFile>): JsonObject {
  return Object.fromEntries(
    [...meta].map(([name, { version, lengthBytes, hashes }]) => [
      name,
      {
        version,
        ...(lengthBytes === undefined ? {} : { length: lengthBytes }),
        ...(hashes === undefined ? {} : { hashes: Object.fromEntries(hashes) }),
      },
    ]),
  );
}
