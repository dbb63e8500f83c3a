import { hash } from 'node:crypto';
import type { Tree } from '@sallyport/core/domain/content/tree';
import type { PackageDescriptor, PackageKind } from '@sallyport/core/domain/updates/package';
import type { Rule } from '@sallyport/core/domain/updates/rule';
import { digest, type PackageGuid, type ProductId } from '@sallyport/core/shared/ids';
import { type ReadDefinition, readDefinition } from '@sallyport/engine/cloud/definition/definition';
import { commandOf, toolPath } from './commands.ts';

export type Files = Readonly<Record<string, Uint8Array>>;

export interface SimHook {
  readonly id: string;
  readonly phase: 'after-switch' | 'before-switch';
  readonly probe?: boolean;
  readonly undo?: boolean;
}

export interface SimPrerequisite {
  readonly id: string;
  readonly severity: 'error' | 'warning';
  readonly check:
    | { readonly kind: 'command' }
    | { readonly kind: 'free-disk'; readonly sizeBytes: number }
    | { readonly kind: 'no-pending-work' }
    | { readonly kind: 'rule'; readonly rule: Rule };
}

/** What the vendor is to publish. Everything that is not given is plain. */
export interface SimPackage {
  readonly guid: PackageGuid;
  readonly product: ProductId;
  readonly kind: PackageKind;
  readonly version: string;
  readonly appliesTo?: { readonly lowest?: string; readonly highest?: string };
  readonly supersedes?: readonly PackageGuid[];
  readonly requires?: readonly PackageGuid[];
  readonly ring?: string;
  readonly applicability?: Rule;
  readonly prerequisites?: readonly SimPrerequisite[];
  readonly hooks?: readonly SimHook[];
  /** Whether an install is judged by a program; true when not given. */
  readonly healthCheck?: boolean;
  /** Whole percent of the hierarchies that may have it at once; all when not given. */
  readonly percentage?: number;
  /** A few small files that change a little from version to version when not given. `bin/tool` is always there. */
  readonly files?: Files;
}

/** A package as it was published: what must come out at every site that has it. */
export interface SimPublished {
  readonly package: SimPackage;
  /** Made of the files alone, not by the publisher. */
  readonly tree: Tree;
  /** What was signed; absent as long as publishing it has not succeeded. */
  readonly descriptor?: PackageDescriptor;
}

/** The definition of a package, read as the vendor's command reads it. Its payload is named by its GUID. */
export function definitionOf(item: SimPackage, releasedAt: number): ReadDefinition {
  const { guid, product, kind, version, appliesTo, supersedes, requires, ring, applicability } = item;
  const text = JSON.stringify({
    schema: 1,
    guid,
    product,
    name: `${product} ${version}`,
    kind,
    version,
    releasedAt: new Date(releasedAt).toISOString().slice(0, 19).concat('Z'),
    ...(appliesTo && { appliesTo }),
    ...(supersedes && { supersedes }),
    ...(requires && { requires }),
    ...(ring && { ring }),
    ...(applicability && { applicability }),
    prerequisites: item.prerequisites?.map((each) => prerequisiteOf(each, guid)) ?? [],
    hooks: item.hooks?.map((each) => hookOf(each, guid)) ?? [],
    ...(item.healthCheck === false ? {} : { healthCheck: { run: commandOf({ kind: 'health', guid }) } }),
    payload: [{ folder: 'payload' }],
  });
  return readDefinition(`/${guid}/package.yaml`, new TextEncoder().encode(text));
}

/** The files of a package, generated ones included. */
export function filesOf(item: SimPackage): Files {
  if (item.files !== undefined) return { ...item.files, [toolPath]: item.files[toolPath] ?? toolOf(item) };
  return {
    [toolPath]: toolOf(item),
    'data/table.txt': tableOf(item),
    'data/same.txt': encode(`the same in all of ${item.product}\n`.repeat(20)),
    'readme.txt': encode(`${item.product} ${item.version}\n`),
  };
}

/** The tree of files that are a segment each. */
export function treeOf(files: Files): Tree {
  return {
    schema: 1,
    files: Object.keys(files)
      .toSorted()
      .map((path) => {
        const bytes = files[path] ?? new Uint8Array();
        const blob = { sha256: digest(hash('sha256', bytes, 'hex')), sizeBytes: bytes.length };
        const segments = bytes.length === 0 ? [] : [blob];
        return {
          path,
          mode: path.startsWith('bin/') ? (0o755 as const) : (0o644 as const),
          ...blob,
          segments,
        };
      }),
  };
}

function toolOf({ guid, version }: SimPackage): Uint8Array {
  return encode(`tool ${version} of ${guid}\n`);
}

/** Does not compress much, and differs in a few lines from that of another version: worth a patch. */
function tableOf({ product, version }: SimPackage): Uint8Array {
  const lines = Array.from({ length: 40 }, (_, index) => hash('sha256', `${product} ${index}`));
  lines[7] = version;
  lines[23] = hash('sha256', `${product} ${version}`);
  return encode(`${lines.join('\n')}\n`);
}

function prerequisiteOf({ id, severity, check }: SimPrerequisite, guid: PackageGuid) {
  return {
    id,
    title: `The check ${id}`,
    severity,
    remedy: `put right what ${id} finds`,
    check:
      check.kind === 'command'
        ? { kind: 'command', command: { run: commandOf({ kind: 'prerequisite', guid, id }) } }
        : check,
  };
}

function hookOf({ id, phase, probe, undo }: SimHook, guid: PackageGuid) {
  return {
    id,
    phase,
    run: commandOf({ kind: 'hook', guid, id }),
    ...(probe === true && { probe: { run: commandOf({ kind: 'probe', guid, id }) } }),
    ...(undo === true && { undo: { run: commandOf({ kind: 'undo', guid, id }) } }),
  };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
