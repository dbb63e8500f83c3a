/**
 * Works on items in order, at most `parallel` at a time. After a failure nothing new is begun; when what
 * runs has ended, the first failure is thrown.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  parallel: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true && failures.length === 0; next = waiting.next()) {
      try {
        await work(next.value);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  if (failures.length > 0) {
    throw failures[0];
  }
}
