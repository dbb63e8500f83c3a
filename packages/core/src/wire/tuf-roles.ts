import {
  type DelegatedRole,
  type DelegatedScope,
  type Delegations,
  type MetaFile,
  type Root,
  type Signed,
  type Snapshot,
  type SuccinctRoles,
  type TargetFile,
  type Targets,
  type Timestamp,
  topLevelRoles,
} from '../domain/trust/documents.ts';
import type { KeyId, RoleKeys, TrustKey } from '../domain/trust/key.ts';
import type { JsonObject, JsonValue } from './canonical-json.ts';
import {
  arrayOf,
  booleanOf,
  hashesOf,
  malformed,
  numberOf,
  objectOf,
  textOf,
  textsOf,
  timeOf,
} from './tuf-fields.ts';

/** Longer role names than any file system takes as a name serve nobody. */
const roleNameMaxLength = 255;

/** TUF 4.3. @throws {TrustError} MALFORMED */
export function readRoot(signed: JsonObject, role: string): Root {
  const roles = objectOf(role, '"roles"', signed['roles']);
  return {
    ...readCommon(role, signed),
    type: 'root',
    consistentSnapshot:
      signed['consistent_snapshot'] === undefined
        ? false
        : booleanOf(role, '"consistent_snapshot"', signed['consistent_snapshot']),
    keys: readKeys(role, signed['keys']),
    roles: {
      root: readRoleKeys(role, 'role root', roles['root']),
      snapshot: readRoleKeys(role, 'role snapshot', roles['snapshot']),
      targets: readRoleKeys(role, 'role targets', roles['targets']),
      timestamp: readRoleKeys(role, 'role timestamp', roles['timestamp']),
    },
  };
}

/** TUF 4.6. @throws {TrustError} MALFORMED */
export function readTimestamp(signed: JsonObject, role: string): Timestamp {
  const meta = objectOf(role, '"meta"', signed['meta']);
  return {
    ...readCommon(role, signed),
    type: 'timestamp',
    snapshot: readMetaFile(role, 'snapshot.json', meta['snapshot.json']),
  };
}

/** TUF 4.4. @throws {TrustError} MALFORMED */
export function readSnapshot(signed: JsonObject, role: string): Snapshot {
  const meta = new Map<string, MetaFile>();
  for (const [name, file] of Object.entries(objectOf(role, '"meta"', signed['meta']))) {
    meta.set(name, readMetaFile(role, name, file));
  }
  return { ...readCommon(role, signed), type: 'snapshot', meta };
}

/** TUF 4.5, delegations included. @throws {TrustError} MALFORMED */
export function readTargets(signed: JsonObject, role: string): Targets {
  const targets = new Map<string, TargetFile>();
  for (const [path, file] of Object.entries(objectOf(role, '"targets"', signed['targets']))) {
    targets.set(path, readTargetFile(role, path, file));
  }
  return {
    ...readCommon(role, signed),
    type: 'targets',
    targets,
    ...(signed['delegations'] === undefined
      ? {}
      : { delegations: readDelegations(role, signed['delegations']) }),
  };
}

function readCommon(role: string, signed: JsonObject): Signed {
  const specVersion = textOf(role, '"spec_version"', signed['spec_version']);
  if (!/^1\.\d+(?:\.\d+)?$/.test(specVersion)) {
    throw malformed(
      role,
      `"spec_version" is ${JSON.stringify(specVersion.slice(0, 40))}, but only 1.x can be read here`,
    );
  }
  return {
    specVersion,
    version: numberOf(role, '"version"', signed['version'], 1),
    expiresMs: timeOf(role, '"expires"', signed['expires']),
    ...(signed['x-sallyport-issued'] === undefined
      ? {}
      : { issuedMs: timeOf(role, '"x-sallyport-issued"', signed['x-sallyport-issued']) }),
    fields: signed,
  };
}

function readKeys(role: string, value: JsonValue | undefined): ReadonlyMap<KeyId, TrustKey> {
  const keys = new Map<KeyId, TrustKey>();
  for (const [keyId, item] of Object.entries(objectOf(role, '"keys"', value))) {
    const key = objectOf(role, `key ${keyId}`, item);
    const keyValue = objectOf(role, `"keyval" of key ${keyId}`, key['keyval']);
    keys.set(keyId, {
      keyType: textOf(role, `"keytype" of key ${keyId}`, key['keytype']),
      scheme: textOf(role, `"scheme" of key ${keyId}`, key['scheme']),
      publicValue: textOf(role, `"public" of key ${keyId}`, keyValue['public']),
    });
  }
  return keys;
}

function readRoleKeys(role: string, what: string, value: JsonValue | undefined): RoleKeys {
  const json = objectOf(role, what, value);
  const keyIds = textsOf(role, `"keyids" of ${what}`, json['keyids']);
  if (new Set(keyIds).size < keyIds.length) {
    throw malformed(role, `"keyids" of ${what} lists a key twice`);
  }
  return { keyIds, threshold: numberOf(role, `"threshold" of ${what}`, json['threshold'], 1) };
}

function readMetaFile(role: string, name: string, value: JsonValue | undefined): MetaFile {
  const json = objectOf(role, `"meta" of ${name}`, value);
  return {
    version: numberOf(role, `"version" of ${name}`, json['version'], 1),
    ...(json['length'] === undefined
      ? {}
      : { lengthBytes: numberOf(role, `"length" of ${name}`, json['length'], 0) }),
    ...(json['hashes'] === undefined
      ? {}
      : { hashes: hashesOf(role, `"hashes" of ${name}`, json['hashes']) }),
  };
}

function readTargetFile(role: string, path: string, value: JsonValue): TargetFile {
  const json = objectOf(role, `target ${path}`, value);
  return {
    path,
    lengthBytes: numberOf(role, `"length" of target ${path}`, json['length'], 0),
    hashes: hashesOf(role, `"hashes" of target ${path}`, json['hashes']),
    ...(json['custom'] === undefined
      ? {}
      : { custom: objectOf(role, `"custom" of target ${path}`, json['custom']) }),
  };
}

function readDelegations(role: string, value: JsonValue | undefined): Delegations {
  const json = objectOf(role, '"delegations"', value);
  const keys = readKeys(role, json['keys']);
  if (json['succinct_roles'] !== undefined) {
    if (json['roles'] !== undefined) {
      throw malformed(role, '"delegations" must have either "roles" or "succinct_roles"');
    }
    return { keys, roles: [], succinct: readSuccinctRoles(role, json['succinct_roles']) };
  }
  const roles = arrayOf(role, '"roles" of "delegations"', json['roles']).map((item) =>
    readDelegatedRole(role, item),
  );
  if (new Set(roles.map(({ name }) => name)).size < roles.length) {
    throw malformed(role, 'it delegates to one role twice');
  }
  return { keys, roles };
}

function readDelegatedRole(role: string, value: JsonValue): DelegatedRole {
  const json = objectOf(role, 'a delegated role', value);
  const name = textOf(role, '"name" of a delegated role', json['name']);
  checkRoleName(role, name);
  return {
    ...readRoleKeys(role, `delegated role ${name}`, json),
    name,
    terminating: booleanOf(role, `"terminating" of delegated role ${name}`, json['terminating']),
    scope: readScope(role, name, json),
  };
}

function readScope(role: string, name: string, json: JsonObject): DelegatedScope {
  const { paths, path_hash_prefixes: prefixes } = json;
  if ((paths === undefined) === (prefixes === undefined)) {
    throw malformed(role, `delegated role ${name} must have either "paths" or "path_hash_prefixes"`);
  }
  if (paths !== undefined) {
    return { kind: 'paths', patterns: textsOf(role, `"paths" of delegated role ${name}`, paths) };
  }
  const lower = textsOf(role, `"path_hash_prefixes" of delegated role ${name}`, prefixes).map((prefix) =>
    prefix.toLowerCase(),
  );
  if (!lower.every((prefix) => /^[0-9a-f]{1,64}$/.test(prefix))) {
    throw malformed(role, `"path_hash_prefixes" of delegated role ${name} must be hexadecimal digits`);
  }
  return { kind: 'hash-prefixes', prefixes: lower };
}

function readSuccinctRoles(role: string, value: JsonValue | undefined): SuccinctRoles {
  const json = objectOf(role, '"succinct_roles"', value);
  const bitLength = numberOf(role, '"bit_length" of "succinct_roles"', json['bit_length'], 1);
  const namePrefix = textOf(role, '"name_prefix" of "succinct_roles"', json['name_prefix']);
  if (bitLength > 32) {
    throw malformed(role, '"bit_length" of "succinct_roles" must be at most 32');
  }
  checkRoleName(role, `${namePrefix}-`);
  return { ...readRoleKeys(role, '"succinct_roles"', json), bitLength, namePrefix };
}

function checkRoleName(role: string, name: string): void {
  if (name === '' || name.length > roleNameMaxLength) {
    throw malformed(role, `the name of a delegated role must have 1 to ${roleNameMaxLength} characters`);
  }
  if (topLevelRoles.some((taken) => taken === name)) {
    throw malformed(role, `it delegates to "${name}", which is the name of a top-level role`);
  }
}
