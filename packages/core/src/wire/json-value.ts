import { SallyportError } from '../shared/errors.ts';

/** JSON as wire formats here use it: whole numbers only, so that a canonical form exists. */
export type JsonValue = JsonArray | JsonObject | boolean | null | number | string;
export type JsonArray = readonly JsonValue[];
/** Has no prototype when it comes from `parseJson`: `__proto__` is a key like any other. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export type JsonErrorCode =
  | 'BAD_NUMBER'
  | 'BAD_TEXT'
  | 'DUPLICATE_KEY'
  | 'NOT_JSON'
  | 'NOT_UTF8'
  | 'TOO_DEEP'
  | 'TOO_LARGE'
  | 'UNPRINTABLE';

/** Bytes that are not the strict JSON asked for, or a value that has no canonical form. */
export class JsonError extends SallyportError<JsonErrorCode> {}

/** Whether a value is a JSON object (not an array, not null). */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
