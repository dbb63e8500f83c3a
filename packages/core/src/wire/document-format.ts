import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { JsonError, parseJson } from './canonical-json.ts';
import { plainJson } from './plain-json.ts';
import { printJson } from './print-json.ts';
import { schemaProblems } from './schema-problems.ts';
import { type Problem, WireError } from './wire-error.ts';

/** How one kind of document is read, checked and written. */
export interface DocumentFormat<T> {
  /** For people: `package descriptor`. */
  readonly name: string;
  readonly maxBytes: number;
  /**
   * Reads bytes from outside: limits, strict JSON, then everything that must hold within the document. Fields that
   * this version does not know are kept where the document allows them.
   * @throws {WireError} TOO_LARGE, NOT_JSON, INVALID with all problems at once
   */
  parse(bytes: Uint8Array): T;
  /** As `parse`, for a value that is JSON already. @throws {WireError} INVALID */
  check(value: unknown): T;
  /** Everything wrong with a value; empty when `check` accepts it. */
  problems(value: unknown): readonly Problem[];
  /** Its bytes: keys sorted, no spaces; equal values give equal bytes. @throws {JsonError} UNPRINTABLE */
  print(value: T): Uint8Array;
}

/** Makes a format of a schema and of what a schema cannot say. `rules` sees only values that fit the schema. */
export function documentFormat<S extends TSchema>(options: {
  readonly name: string;
  readonly schema: S;
  readonly maxBytes: number;
  readonly rules?: (value: Static<S>) => readonly Problem[];
}): DocumentFormat<Static<S>> {
  const { name, maxBytes } = options;
  let compiled: Validator | undefined;

  return {
    name,
    maxBytes,
    parse,
    check,
    problems: (value) => judge(value).problems,
    print: (value) => printJson(value),
  };

  function parse(bytes: Uint8Array): Static<S> {
    let value: unknown;
    try {
      value = parseJson(bytes, { maxBytes });
    } catch (error) {
      if (!(error instanceof JsonError)) {
        throw error;
      }
      const code = error.code === 'TOO_LARGE' ? 'TOO_LARGE' : 'NOT_JSON';
      throw new WireError(code, name, [{ path: '', message: error.message }], { cause: error });
    }
    return check(value);
  }

  function check(value: unknown): Static<S> {
    const judged = judge(value);
    if (judged.problems.length > 0) {
      throw new WireError('INVALID', name, judged.problems);
    }
    return judged.value as Static<S>;
  }

  function judge(value: unknown): { readonly value: unknown; readonly problems: readonly Problem[] } {
    // Compiling takes milliseconds: only the formats that are used pay for it.
    compiled ??= Compile(options.schema);
    const validator = compiled;
    const plain = plainJson(value);
    if (plain.problems.length > 0) {
      return plain;
    }
    if (!validator.Check(plain.value)) {
      return { value: plain.value, problems: schemaProblems(() => validator.Errors(plain.value)) };
    }
    return { value: plain.value, problems: options.rules?.(plain.value as Static<S>) ?? [] };
  }
}
