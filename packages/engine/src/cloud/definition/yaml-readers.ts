import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import { SallyportError } from '@sallyport/core/shared/errors';
import { suggestion } from './nearest.ts';
import type { YamlSource } from './yaml-source.ts';

/** Reads a value from a node; undefined when there was a problem, which is reported then. */
export type Reader<T> = (node: Node, source: YamlSource, name: string) => T | undefined;

export interface Field<T> {
  readonly read: Reader<T>;
  readonly required: boolean;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type RequiredNames<F extends Fields> = { [K in keyof F]: F[K]['required'] extends true ? K : never }[keyof F];
type ValueOf<F> = F extends { readonly read: Reader<infer T> } ? T : never;

/** What a record with these fields reads to. */
export type RecordOf<F extends Fields> = { readonly [K in RequiredNames<F>]: ValueOf<F[K]> } & {
  readonly [K in Exclude<keyof F, RequiredNames<F>>]?: ValueOf<F[K]>;
};

export function required<T>(read: Reader<T>): { readonly read: Reader<T>; readonly required: true } {
  return { read, required: true };
}

export function optional<T>(read: Reader<T>): { readonly read: Reader<T>; readonly required: false } {
  return { read, required: false };
}

/** Control characters but for line breaks and tabs, and those that turn the direction of what follows. */
const hidden = /(?![\n\r\t])\p{Cc}|[\u202A-\u202E\u2066-\u2069]/u;

/** Text; a plain number counts as the text that was written, so that `version: 1.10` stays 1.10. */
export const text: Reader<string> = (node, source, name) => {
  if (isScalar(node)) {
    if (typeof node.value === 'string') {
      return hidden.test(node.value)
        ? wrong(node, source, name, 'text that can be seen', 'take its control characters out')
        : node.value;
    }
    if (typeof node.value === 'number' && node.source !== undefined) {
      return node.source;
    }
  }
  return wrong(node, source, name, 'text', 'put it in quotes');
};

export const boolean: Reader<boolean> = (node, source, name) =>
  isScalar(node) && typeof node.value === 'boolean'
    ? node.value
    : wrong(node, source, name, 'true or false', 'write true or false without quotes');

/** A whole number within limits, both included. */
export function integer(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (node, source, name) => {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum && value <= maximum) {
      return value;
    }
    const range =
      maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
    return wrong(
      node,
      source,
      name,
      `a whole number ${range}`,
      'write the number without a unit and without quotes',
    );
  };
}

/** Text that `parse` turns into something, or refuses with an error of ours that says why. */
export function parsedText<T>(parse: (value: string) => T): Reader<T> {
  return (node, source, name) => {
    const value = text(node, source, name);
    if (value === undefined) {
      return undefined;
    }
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof SallyportError)) {
        throw error;
      }
      const [what, remedy] = splitAtColon(error.message);
      source.report(node, `"${name}": ${what}`, remedy);
      return undefined;
    }
  };
}

export function oneOf<T extends string>(...choices: readonly T[]): Reader<T> {
  return (node, source, name) => {
    const value = text(node, source, name);
    const choice = choices.find((candidate) => candidate === value);
    if (value !== undefined && choice === undefined) {
      source.report(node, `"${name}" cannot be "${value}"`, suggestion(value, choices));
    }
    return choice;
  };
}

/** A list; undefined when any item has a problem, so that indexes stay true. */
export function list<T>(item: Reader<T>, limits: { readonly minimum?: number } = {}): Reader<readonly T[]> {
  return (node, source, name) => {
    if (!isSeq(node)) {
      return wrong(node, source, name, 'a list', 'write one item a line, each after "- "');
    }
    if (node.items.length < (limits.minimum ?? 0)) {
      source.report(node, `"${name}" is empty`, `give at least ${limits.minimum ?? 0}`);
      return undefined;
    }
    const items = node.items.map((child, index) => {
      const itemName = `${name}[${index}]`;
      return child === null
        ? wrong(node, source, itemName, 'a value', 'fill it in')
        : item(child as Node, source, itemName);
    });
    return items.every((value) => value !== undefined) ? items : undefined;
  };
}

/** A map with these keys and no others. */
export function record<const F extends Fields>(fields: F): Reader<RecordOf<F>> {
  return (node, source, name) => {
    const { value, complete } = readFields(fields, node, source, name);
    return complete ? (value as RecordOf<F>) : undefined;
  };
}

/** As much of a map as could be read; whether that is all of it, `complete` says. */
export function readFields<const F extends Fields>(
  fields: F,
  node: Node,
  source: YamlSource,
  name: string,
): { readonly value: Partial<RecordOf<F>>; readonly complete: boolean } {
  if (!isMap(node)) {
    wrong(node, source, name, 'a map', 'write "name: value" lines, indented alike');
    return { value: {}, complete: false };
  }
  let complete = true;
  const value: Record<string, unknown> = {};
  const label = (key: string): string => (name === '' ? key : `${name}.${key}`);
  const present = new Map<string, Node | null>();
  for (const pair of node.items as readonly Pair<Node, Node | null>[]) {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    if (!Object.hasOwn(fields, key)) {
      source.report(
        pair.key,
        `${name === '' ? 'a definition' : `"${name}"`} has no field "${key}"`,
        suggestion(key, Object.keys(fields)),
      );
      complete = false;
    }
    present.set(key, pair.value);
  }
  for (const [key, field] of Object.entries(fields)) {
    const child = present.get(key);
    if (child === undefined || child === null || (isScalar(child) && child.value === null)) {
      if (field.required || present.has(key)) {
        const at = keyNode(node, key) ?? node;
        source.report(
          at,
          `"${label(key)}" is ${present.has(key) ? 'empty' : 'missing'}`,
          field.required ? 'give it' : 'give it a value, or leave the line out',
        );
        complete = false;
      }
      continue;
    }
    const read = field.read(child, source, label(key));
    if (read === undefined) {
      complete = false;
    } else {
      value[key] = read;
    }
  }
  return { value: value as Partial<RecordOf<F>>, complete };
}

function keyNode(map: YAMLMap, key: string): Node | undefined {
  const pair = (map.items as readonly Pair<Node, Node | null>[]).find(
    (item) => isScalar(item.key) && item.key.value === key,
  );
  return pair?.key;
}

/** Reports a node that is of the wrong kind. */
export function wrong(
  node: Node,
  source: YamlSource,
  name: string,
  expected: string,
  remedy: string,
): undefined {
  if (isAlias(node)) {
    source.report(
      node,
      `"${name}" is an alias (*)`,
      'write the value itself: aliases are not followed in definitions',
    );
  } else {
    source.report(node, `"${name}" must be ${expected}`, remedy);
  }
  return undefined;
}

/** Our errors read "cause: remedy". */
function splitAtColon(message: string): readonly [string, string] {
  const at = message.lastIndexOf(': ');
  return at === -1 ? [message, 'correct it'] : [message.slice(0, at), message.slice(at + 2)];
}
