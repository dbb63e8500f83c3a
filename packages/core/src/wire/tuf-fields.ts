import { TrustError } from '../domain/trust/trust-error.ts';
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from './canonical-json.ts';

/*
 * One checked reader per shape that TUF metadata uses. `role` and `what` name the place in errors.
 */

/** Names in metadata may be as long as the metadata; what is said of them may not. */
const whatMaxLength = 400;

/** The error for metadata that does not have the shape of the specification. */
export function malformed(role: string, what: string): TrustError {
  return new TrustError(
    'MALFORMED',
    `${role} metadata is malformed: ${what.slice(0, whatMaxLength)}; its publisher must sign it again`,
    { role },
  );
}

export function objectOf(role: string, what: string, value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) {
    throw malformed(role, `${what} must be an object`);
  }
  return value;
}

export function arrayOf(role: string, what: string, value: JsonValue | undefined): JsonArray {
  if (!Array.isArray(value)) {
    throw malformed(role, `${what} must be a list`);
  }
  return value as JsonArray;
}

export function textOf(role: string, what: string, value: JsonValue | undefined): string {
  if (typeof value !== 'string') {
    throw malformed(role, `${what} must be text`);
  }
  return value;
}

export function textsOf(role: string, what: string, value: JsonValue | undefined): readonly string[] {
  return arrayOf(role, what, value).map((item) => textOf(role, `each of ${what}`, item));
}

/** A whole number not below `least`; the JSON reader let no others than whole numbers pass. */
export function numberOf(role: string, what: string, value: JsonValue | undefined, least: number): number {
  if (typeof value !== 'number' || value < least) {
    throw malformed(role, `${what} must be a whole number of at least ${least}`);
  }
  return value;
}

export function booleanOf(role: string, what: string, value: JsonValue | undefined): boolean {
  if (typeof value !== 'boolean') {
    throw malformed(role, `${what} must be true or false`);
  }
  return value;
}

const timePattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** A time as TUF writes it (4.2.2): `YYYY-MM-DDTHH:MM:SSZ`, and a day that exists. */
export function timeOf(role: string, what: string, value: JsonValue | undefined): number {
  const text = textOf(role, what, value);
  const time = timePattern.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes 30 February for 1 March: only a time that prints back as it was is one.
  if (Number.isNaN(time) || new Date(time).toISOString() !== text.replace('Z', '.000Z')) {
    throw malformed(
      role,
      `${what} must be a time of the form YYYY-MM-DDTHH:MM:SSZ, not ${JSON.stringify(text.slice(0, 40))}`,
    );
  }
  return time;
}

/** Algorithm to lower-case hexadecimal; at least one. */
export function hashesOf(
  role: string,
  what: string,
  value: JsonValue | undefined,
): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const [algorithm, hex] of Object.entries(objectOf(role, what, value))) {
    hashes.set(algorithm, textOf(role, `each of ${what}`, hex).toLowerCase());
  }
  if (hashes.size === 0) {
    throw malformed(role, `${what} must name at least one`);
  }
  return hashes;
}
