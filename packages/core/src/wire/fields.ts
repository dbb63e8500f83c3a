import { Type, type TSchema } from 'typebox';
import type { Digest, HierarchyId, PackageGuid, ProductId, SiteCode } from '../shared/ids.ts';
import { tryParseVersion } from '../shared/version.ts';
import type { BlobRef } from '../domain/content/tree.ts';
import { decodeBase64 } from './base64.ts';
import { epochMax } from '../domain/sites/epoch.ts';
import type { Problem } from './wire-error.ts';

/** Refuses fields that are unknown here: for whatever is carried out, where ignoring a field could do harm. */
export const closed = { additionalProperties: false } as const;

/** Text that ids are made of, checked by pattern; `what` completes "must be …". */
function branded<T extends string>(pattern: string, what: string): ReturnType<typeof Type.Unsafe<T>> {
  const expression = new RegExp(pattern, 'u');
  return Type.Unsafe<T>(
    Type.Refine(
      Type.String(),
      (text) => expression.test(text),
      () => `must be ${what}`,
    ),
  );
}

const hex64 = '^[0-9a-f]{64}$';

export const digestField = branded<Digest>(hex64, 'a SHA-256 in 64 lower-case hexadecimal digits');
export const hierarchyIdField = branded<HierarchyId>(
  hex64,
  'a hierarchy id of 64 lower-case hexadecimal digits',
);
export const publicKeyField = branded<string>(
  hex64,
  'a raw Ed25519 public key in 64 lower-case hexadecimal digits',
);
export const guidField = branded<PackageGuid>(
  '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  'a package GUID in lower case, 8-4-4-4-12 hexadecimal digits',
);
export const siteCodeField = branded<SiteCode>(
  '^(?!AUX|CON|NUL|PRN|SMS|ENV)[A-Z0-9]{3}$',
  'a site code: three of A-Z and 0-9, and no reserved name',
);
export const productField = branded<ProductId>(
  '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$',
  'a product id: lower-case letters, digits and inner hyphens, at most 63',
);
/** Names within a package: hooks, prerequisites, features. */
export const nameField = branded<string>(
  '^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$',
  'an id of letters, digits and inner . _ -, at most 64',
);
export const base64Field = Type.Refine(
  Type.String(),
  (text) => decodeBase64(text) !== undefined,
  () => 'must be standard base64',
);
export const ringField = branded<string>(
  '^[a-z0-9][a-z0-9-]{0,31}$',
  'a ring: lower-case letters, digits and hyphens, at most 32',
);

export const siteTypeField = Type.Enum(['central', 'primary', 'secondary']);

export const versionField = Type.Refine(
  Type.String(),
  (text) => tryParseVersion(text) !== undefined,
  () => 'must be a version: numbers with dots, such as 5.9.2 or 5.9.0-beta.1',
);

const datePattern = /^\d{4}-\d{2}-\d{2}$/;
const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

/** A real instant in UTC: `2025-02-30` is a date that `Date` would silently move into March. */
function isInstant(text: string): boolean {
  return instantPattern.test(text) && isTime(text);
}

function isTime(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === text.slice(0, 10);
}

export const instantField = Type.Refine(
  Type.String(),
  isInstant,
  () => 'must be an instant in UTC such as 2025-08-01T17:00:00Z',
);

export const dateField = Type.Refine(
  Type.String(),
  (text) => isInstant(text) || (datePattern.test(text) && isTime(text)),
  () => 'must be a date such as 2025-08-01, or an instant in UTC',
);

/** Text for people, at least one character long. */
export function textField(lengthMax: number): ReturnType<typeof Type.String> {
  return Type.String({ minLength: 1, maxLength: lengthMax });
}

/** A whole number in [minimum, maximum]. */
export function countField(minimum = 0, maximum = Number.MAX_SAFE_INTEGER): ReturnType<typeof Type.Integer> {
  return Type.Integer({ minimum, maximum });
}

/** A site's epoch. */
export const epochField = countField(1, epochMax);

export const blobRefField = Type.Object(
  { sha256: digestField, sizeBytes: countField() } satisfies Record<keyof BlobRef, TSchema>,
  closed,
);

/** Problems for keys that occur more than once; `path` gives the pointer of an item's key. */
export function duplicates<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  path: (index: number) => string,
): readonly Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    if (seen.has(key)) {
      problems.push({ path: path(index), message: `repeats ${key}: each may occur once` });
    }
    seen.add(key);
  }
  return problems;
}
