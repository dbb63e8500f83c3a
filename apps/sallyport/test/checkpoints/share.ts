const dayMs = 86_400_000;
/** In so many days a command has died at everything. */
const commandDays = 3;

/**
 * Some of the items, spread over all of them: `asked` is `all`, a number of items, `<number>/<first>` for those of a
 * certain day, or undefined for so many as usual. The first one moves on from day to day, so that in time every item
 * has its turn. `name` asks for the same ones again.
 */
export function chosenShare<T>(
  items: readonly T[],
  asked: string | undefined,
  usual: number,
  now = Date.now(),
): { readonly name: string; readonly items: readonly T[] } {
  if (asked === 'all') return { name: 'all', items };
  const [count = usual, first = Math.floor(now / dayMs)] = (asked ?? String(usual)).split('/').map(Number);
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(first) || count < 0 || first < 0) {
    throw new RangeError(`SALLYPORT_KILLS=${asked ?? ''}: write all, a number, or <number>/<first>`);
  }
  const stride = Math.max(1, Math.floor(items.length / Math.max(1, count)));
  return {
    name: `${count}/${first}`,
    items: items.filter((_, at) => at % stride === first % stride).slice(0, count),
  };
}

/** Of what a command dies at, two thirds that wait for another day; nothing waits when `asked` is `all`. */
export function leftForOtherDays<T>(
  items: readonly T[],
  asked: string | undefined,
  now = Date.now(),
): readonly T[] {
  if (asked === 'all') return [];
  const day = Number(asked?.split('/')[1] ?? Math.floor(now / dayMs));
  return items.filter((_, at) => at % commandDays !== day % commandDays);
}
