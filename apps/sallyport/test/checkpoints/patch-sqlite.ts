import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { checkpoint } from './marks.ts';
import { placeOf } from './places.ts';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
type Functions = Record<string, AnyFunction>;

interface Sqlite {
  readonly DatabaseSync: { readonly prototype: object };
  readonly StatementSync: { readonly prototype: object };
  backup: (source: DatabaseSync, path: string, options?: object) => Promise<number>;
}

const change = /^\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM|REPLACE\s+INTO)\s+"?(\w+)/i;
/** A value that says what a row is about: the name of a setting, an event, a kind of record. */
const tellingValue = /^[a-z][a-z.-]{2,40}$/;

/** Always goes with something that tells more. */
const bookkeeping =
  /^(?:site_self|record_usage|record_cursor|update_projection\b.*|record update-event\b.*)$/;

/** What the transactions that are open would change, by their connection's file; names in the order of their coming. */
const pending = new Set<string>();
let inTransaction = false;

/** Checkpoints before and after every commit that changes something, named by what it changes. */
export function patchSqlite(): void {
  const sqlite = createRequire(import.meta.url)('node:sqlite') as Sqlite;
  patchExec(sqlite.DatabaseSync.prototype as Functions);
  for (const method of ['run', 'get', 'all', 'iterate'])
    patchStatement(sqlite.StatementSync.prototype as Functions, method);
  const { backup } = sqlite;
  sqlite.backup = async (source, path, options) => {
    const name = `backup ${placeOf(path) ?? 'elsewhere'}`;
    checkpoint(name);
    const pages = await backup(source, path, options);
    checkpoint(`${name} done`);
    return pages;
  };
  syncBuiltinESMExports();
}

function patchExec(prototype: Functions): void {
  const exec = known(prototype['exec']);
  prototype['exec'] = function (...args): unknown {
    return around(String(args[0]), [], () => exec.apply(this, args));
  };
}

function patchStatement(prototype: Functions, method: string): void {
  const original = known(prototype[method]);
  prototype[method] = function (...values): unknown {
    return around((this as StatementSync).sourceSQL, values, () => original.apply(this, values));
  };
}

/** Transactions begin and end by statements too, prepared or not, in capitals or not. */
function around(sql: string, values: readonly unknown[], proceed: () => unknown): unknown {
  const verb = /^\s*([a-z]+)/i.exec(sql)?.[1]?.toUpperCase() ?? '';
  if (verb === 'COMMIT') {
    // One for each thing in it: what comes in one transaction today comes in two tomorrow.
    const names = namesOf(pending);
    for (const name of names) checkpoint(name);
    const result = proceed();
    inTransaction = false;
    for (const name of names) checkpoint(`${name} done`);
    return result;
  }
  if (verb === 'BEGIN' || verb === 'ROLLBACK') {
    inTransaction = verb === 'BEGIN';
    pending.clear();
    return proceed();
  }
  const table = change.exec(sql)?.[1];
  const changed = table === undefined ? schemaOf(verb) : [table, ...tellingOf(values)].join(' ');
  if (changed === undefined) return proceed();
  if (inTransaction) {
    pending.add(changed);
    return proceed();
  }
  checkpoint(`write ${changed}`);
  const result = proceed();
  checkpoint(`write ${changed} done`);
  return result;
}

function schemaOf(verb: string): string | undefined {
  return /^(?:CREATE|ALTER|DROP)$/.test(verb) ? 'schema' : undefined;
}

function namesOf(changed: ReadonlySet<string>): readonly string[] {
  const named = [...changed].filter((name) => !bookkeeping.test(name));
  if (!changed.has('record_cursor')) return named.map((name) => `commit ${name}`);
  // Of other sites: what an event tells of makes no difference to taking it.
  return [...new Set(named.map((name) => `take ${name.replace(/^(update_event) .*/, '$1')}`))];
}

function known(method: AnyFunction | undefined): AnyFunction {
  if (method === undefined) throw new Error('node:sqlite is not as it was');
  return method;
}

function tellingOf(values: readonly unknown[]): readonly string[] {
  const told: string[] = [];
  for (const value of values) {
    if (typeof value !== 'string') continue;
    if (tellingValue.test(value)) told.push(value);
    else {
      const step = /"step":"([a-z-]+)"/.exec(value)?.[1];
      if (step !== undefined) told.push(step);
      // The journal of an install: how far its hooks are.
      for (const [, hook] of value.matchAll(/\{("id":"[a-z]+","state":"[a-z]+")/g)) told.push(hook ?? '');
    }
  }
  return told;
}
