import { isMap, isScalar, type Node } from 'yaml';
import type {
  Command,
  Feature,
  HealthCheck,
  Hook,
  PackageDescriptor,
  Prerequisite,
  PrerequisiteCheck,
} from '@sallyport/core/domain/updates/package';
import { packageGuid, productId } from '@sallyport/core/shared/ids';
import { parseVersion } from '@sallyport/core/shared/version';
import { rule } from './rule-reader.ts';
import {
  boolean,
  integer,
  list,
  oneOf,
  optional,
  parsedText,
  type Reader,
  readFields,
  record,
  required,
  text,
  wrong,
} from './yaml-readers.ts';
import { YamlSource } from './yaml-source.ts';

/** Where files of a release come from. Paths are relative to the definition's own folder. */
export interface PayloadSource {
  readonly folder?: string;
  readonly tarball?: string;
  /** Leading parts of each path that are left out: 1 for an npm tarball's `package/`. */
  readonly strip: number;
  /** Folder of the release to put them into; empty for its top. */
  readonly into: string;
  /** Patterns of paths to take (all when absent), and of those to leave out; see `payload.ts`. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** A licence by its text: written there, in a file beside the definition, or in a file of the payload. */
export interface LicenceSource {
  readonly name: string;
  readonly text?: string;
  readonly file?: string;
  readonly payloadFile?: string;
}

/** What a definition says: the descriptor without what publishing makes, and where to make that from. */
export type Definition = Omit<PackageDescriptor, 'content' | 'licence' | 'schema'> & {
  readonly licence?: LicenceSource;
  readonly payload: readonly PayloadSource[];
};

/** A definition file that was read: as much as could be understood of it, and all of it when nothing was wrong. */
export interface ReadDefinition {
  readonly source: YamlSource;
  readonly partial: Partial<Definition>;
  readonly complete?: Definition;
}

const defaultTimeoutMs = 5 * 60 * 1000;

const version = parsedText((value) => {
  parseVersion(value);
  return value;
});
const guid = parsedText(packageGuid);

const commandFields = {
  run: required(list(text, { minimum: 1 })),
  timeoutMs: optional(integer(1, 24 * 60 * 60 * 1000)),
};

const command: Reader<Command> = (node, source, name) => {
  const read = record(commandFields)(node, source, name);
  return read === undefined ? undefined : { ...read, timeoutMs: read.timeoutMs ?? defaultTimeoutMs };
};

const hook: Reader<Hook> = (node, source, name) => {
  const read = record({
    id: required(text),
    phase: required(oneOf('before-switch', 'after-switch')),
    ...commandFields,
    probe: optional(command),
    undo: optional(command),
    privileged: optional(boolean),
  })(node, source, name);
  return read === undefined ? undefined : { ...read, timeoutMs: read.timeoutMs ?? defaultTimeoutMs };
};

const healthCheck: Reader<HealthCheck> = (node, source, name) => {
  const read = record({
    ...commandFields,
    outputIs: optional(text),
    attemptsMax: optional(integer(1, 100)),
    delayMs: optional(integer(0, 60 * 60 * 1000)),
  })(node, source, name);
  return read === undefined
    ? undefined
    : {
        ...read,
        timeoutMs: read.timeoutMs ?? defaultTimeoutMs,
        attemptsMax: read.attemptsMax ?? 1,
        delayMs: read.delayMs ?? 0,
      };
};

const checks: Readonly<Record<PrerequisiteCheck['kind'], Reader<PrerequisiteCheck>>> = {
  rule: (node, source, name) =>
    record({ kind: required(oneOf('rule')), rule: required(rule) })(node, source, name),
  'free-disk': (node, source, name) =>
    record({ kind: required(oneOf('free-disk')), sizeBytes: required(integer(1)) })(node, source, name),
  command: (node, source, name) =>
    record({ kind: required(oneOf('command')), command: required(command) })(node, source, name),
  'no-pending-work': (node, source, name) =>
    record({ kind: required(oneOf('no-pending-work')) })(node, source, name),
};

const check: Reader<PrerequisiteCheck> = (node, source, name) => {
  if (!isMap(node)) {
    return wrong(node, source, name, 'a map', 'write "kind:" and what that kind needs');
  }
  const kindNode = node.get('kind', true);
  if (!isScalar(kindNode)) {
    source.report(node, `"${name}.kind" is missing`, `give it: ${Object.keys(checks).join(', ')}`);
    return undefined;
  }
  const kind = oneOf(...(Object.keys(checks) as PrerequisiteCheck['kind'][]))(
    kindNode,
    source,
    `${name}.kind`,
  );
  return kind === undefined ? undefined : checks[kind](node, source, name);
};

const prerequisite: Reader<Prerequisite> = record({
  id: required(text),
  title: required(text),
  severity: required(oneOf('error', 'warning')),
  remedy: required(text),
  siteTypes: optional(list(oneOf('central', 'primary', 'secondary'), { minimum: 1 })),
  check: required(check),
});

const feature: Reader<Feature> = record({
  id: required(text),
  name: required(text),
  kind: required(oneOf('optional', 'pre-release')),
});

const payloadSource: Reader<PayloadSource> = (node, source, name) => {
  const read = record({
    folder: optional(text),
    tarball: optional(text),
    strip: optional(integer(0, 20)),
    into: optional(text),
    include: optional(list(text, { minimum: 1 })),
    exclude: optional(list(text, { minimum: 1 })),
  })(node, source, name);
  if (read === undefined) {
    return undefined;
  }
  if ((read.folder === undefined) === (read.tarball === undefined)) {
    source.report(node, `"${name}" must have either a folder or a tarball`, 'give one of the two');
    return undefined;
  }
  return { ...read, strip: read.strip ?? 0, into: read.into ?? '' };
};

const licence: Reader<LicenceSource> = (node, source, name) => {
  const read = record({
    name: required(text),
    text: optional(text),
    file: optional(text),
    payloadFile: optional(text),
  })(node, source, name);
  if (read === undefined) {
    return undefined;
  }
  if ([read.text, read.file, read.payloadFile].filter((given) => given !== undefined).length !== 1) {
    source.report(node, `"${name}" needs its text exactly once`, 'give one of text, file, payloadFile');
    return undefined;
  }
  return read;
};

const instant: Reader<string> = (node, source, name) => {
  const value = text(node, source, name);
  if (value === undefined || isInstant(value)) {
    return value;
  }
  source.report(
    node,
    `"${name}" is no date: "${value}"`,
    'write it as 2026-11-24 or 2026-11-24T09:00:00Z, in UTC',
  );
  return undefined;
};

/** A day that exists, with or without a time in UTC. */
function isInstant(value: string): boolean {
  const day = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z)?$/.exec(value)?.[1];
  const at = day === undefined ? Number.NaN : Date.parse(value);
  return day !== undefined && !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}

const link: Reader<string> = (node, source, name) => {
  const value = text(node, source, name);
  if (value === undefined || /^https?:$/.test(URL.parse(value)?.protocol ?? '')) {
    return value;
  }
  source.report(node, `"${name}" is no web address: "${value}"`, 'write it in full, beginning with https://');
  return undefined;
};

const definitionFields = {
  schema: required(integer(1, 1)),
  guid: required(guid),
  product: required(parsedText(productId)),
  name: required(text),
  description: optional(text),
  kind: required(oneOf('baseline', 'version-update', 'hotfix', 'out-of-band')),
  version: required(version),
  appliesTo: optional(record({ lowest: optional(version), highest: optional(version) })),
  supersedes: optional(list(guid)),
  requires: optional(list(guid)),
  ring: optional(text),
  impact: optional(list(oneOf('site-server', 'console', 'client'), { minimum: 1 })),
  releasedAt: required(instant),
  supportEndsAt: optional(instant),
  licence: optional(licence),
  moreInfo: optional(link),
  applicability: optional(rule),
  prerequisites: optional(list(prerequisite)),
  features: optional(list(feature)),
  hooks: optional(list(hook)),
  healthCheck: optional(healthCheck),
  payload: required(list(payloadSource, { minimum: 1 })),
};

/** Reads a definition. Whatever is wrong with its form is in `source.problems` afterwards. */
export function readDefinition(file: string, bytes: Uint8Array): ReadDefinition {
  const source = new YamlSource(file, bytes);
  const { root } = source;
  if (root === undefined) {
    if (source.problems.length === 0) {
      source.report(undefined, 'the file is empty', 'write a package definition into it');
    }
    return { source, partial: {} };
  }
  return { source, ...readRoot(root, source) };
}

function readRoot(root: Node, source: YamlSource): Omit<ReadDefinition, 'source'> {
  const { value, complete } = readFields(definitionFields, root, source, '');
  const { schema: _, ...given } = value;
  // Fields that could not be read stay absent; the defaults are for those that nobody wrote.
  const partial: Partial<Definition> = {
    description: '',
    appliesTo: {},
    supersedes: [],
    requires: [],
    ring: 'general',
    impact: ['site-server'],
    prerequisites: [],
    features: [],
    hooks: [],
    ...given,
  };
  return complete ? { partial, complete: partial as Definition } : { partial };
}
