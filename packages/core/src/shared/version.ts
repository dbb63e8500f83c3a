import { SallyportError } from './errors.ts';

/** A version taken apart: `5.9.0-beta.1` is numbers 5, 9, 0 and pre-release `beta`, 1. */
export interface Version {
  readonly numbers: readonly bigint[];
  /** Empty for a release. */
  readonly preRelease: readonly (bigint | string)[];
}

export class VersionError extends SallyportError<'INVALID_VERSION'> {}

/** Longer texts are no versions: whatever reads a version reads little. */
const textLengthMax = 100;
const versionPattern = /^(\d+(?:\.\d+)*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

/**
 * Reads versions of any number of parts (`5.9.2`, `5.00.8692.1000`, `5.9.0-beta.1`). Build metadata after
 * `+` is allowed and means nothing.
 *
 * @throws {VersionError} INVALID_VERSION
 */
export function parseVersion(text: string): Version {
  const version = tryParseVersion(text);
  if (version === undefined) {
    const shown = text.slice(0, textLengthMax);
    throw new VersionError(
      'INVALID_VERSION',
      `"${shown}" is not a version: write numbers with dots, such as 5.9.2 or 5.9.0-beta.1`,
      { text: shown },
    );
  }
  return version;
}

/** As `parseVersion`, but undefined for a text that is no version. */
export function tryParseVersion(text: string): Version | undefined {
  const match = text.length <= textLengthMax ? versionPattern.exec(text) : null;
  const numbers = match?.[1];
  if (numbers === undefined) {
    return undefined;
  }
  return {
    numbers: numbers.split('.').map(BigInt),
    preRelease: match?.[2] === undefined ? [] : match[2].split('.').map(identifier),
  };
}

/**
 * Below zero when `a` is older, zero when they are the same version, above zero when it is newer. Parts are
 * compared as numbers, a missing part is 0, and a pre-release is older than its release.
 *
 * @throws {VersionError} INVALID_VERSION for a text that is none
 */
export function compareVersions(a: Version | string, b: Version | string): number {
  const left = typeof a === 'string' ? parseVersion(a) : a;
  const right = typeof b === 'string' ? parseVersion(b) : b;
  const length = Math.max(left.numbers.length, right.numbers.length);
  for (let index = 0; index < length; index += 1) {
    const order = compare(left.numbers[index] ?? 0n, right.numbers[index] ?? 0n);
    if (order !== 0) {
      return order;
    }
  }
  return comparePreReleases(left.preRelease, right.preRelease);
}

function comparePreReleases(a: Version['preRelease'], b: Version['preRelease']): number {
  if (a.length === 0 || b.length === 0) {
    return compare(b.length, a.length);
  }
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) {
      return 1;
    }
    const order = typeof left === typeof right ? compare(left, right) : typeof left === 'bigint' ? -1 : 1;
    if (order !== 0) {
      return order;
    }
  }
  return compare(a.length, b.length);
}

function compare<T extends bigint | number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function identifier(text: string): bigint | string {
  return /^\d+$/.test(text) ? BigInt(text) : text;
}
