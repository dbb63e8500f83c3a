import type { EpochMs } from '../../shared/ids.ts';
import { days, hours } from '../../shared/units.ts';

/** One group of equal things. */
interface Group<K, T> {
  readonly key: K;
  readonly of: readonly T[];
}

/** Things by an equal key, in the order of their keys' texts: it depends on nothing but the things. */
export function groupsBy<T, K extends Readonly<Record<string, string | number>>>(
  things: readonly T[],
  keyOf: (thing: T) => K | undefined,
): readonly Group<K, T>[] {
  const groups = new Map<string, { readonly key: K; readonly of: T[] }>();
  for (const thing of things) {
    const key = keyOf(thing);
    if (key === undefined) continue;
    const label = JSON.stringify(key);
    const group = groups.get(label);
    if (group === undefined) groups.set(label, { key, of: [thing] });
    else group.of.push(thing);
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Least, middle and most of some values; undefined when there are none. */
export function spread(
  values: readonly number[],
): { readonly least: number; readonly middle: number; readonly most: number } | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const least = sorted[0];
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  const most = sorted.at(-1);
  if (least === undefined || middle === undefined || most === undefined) return undefined;
  return { least, middle, most };
}

/** Whole hours since an instant. A clock that was set back does not make it negative. */
export function hoursSince(then: EpochMs, now: EpochMs): number {
  return Math.max(0, Math.floor((now - then) / hours(1)));
}

/** Whole days since an instant. A clock that was set back does not make it negative. */
export function daysSince(then: EpochMs, now: EpochMs): number {
  return Math.max(0, Math.floor((now - then) / days(1)));
}

const plainWord = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;

/**
 * A code, id or version as it may be told: one plain word. Whatever else stands where one should is told as `other`, so that
 * no sentence, path or address gets out through it.
 */
export function word(value: unknown): string {
  return typeof value === 'string' && plainWord.test(value) ? value : 'other';
}

/** A number of an event's data; 0 for whatever else stands there. */
export function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
    ? Math.min(value, Number.MAX_SAFE_INTEGER)
    : 0;
}
