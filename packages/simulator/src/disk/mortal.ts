/** Whether the process that handles belong to has ended. */
export interface Life {
  readonly isOver: boolean;
}

/** What a synchronous call of a process throws that has ended. Nothing should ever handle it. */
export class DeadProcess extends Error {
  constructor(call: string) {
    super(`${call} was called by a process that has ended`);
    this.name = 'DeadProcess';
  }
}

/**
 * A port as one process has it. After the process has ended nothing it calls has an effect or an answer: promises
 * never settle, what it iterates over never goes on, and calls that answer at once throw `DeadProcess`.
 *
 * @param atOnce names of the methods that answer at once
 */
export function mortal<T extends object>(real: T, life: Life, atOnce: readonly string[] = []): T {
  return new Proxy(real, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return (...given: readonly unknown[]): unknown => {
        if (life.isOver) {
          if (atOnce.includes(name)) throw new DeadProcess(name);
          return forever();
        }
        return asOf(Reflect.apply(member, target, given), life);
      };
    },
  });
}

/** An answer that comes only while the process lives. */
function asOf(answer: unknown, life: Life): unknown {
  if (answer instanceof Promise) return whileAlive(answer as Promise<unknown>, life);
  return isIterable(answer) ? chunksWhileAlive(answer, life) : answer;
}

async function whileAlive(promise: Promise<unknown>, life: Life): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (failure) {
    if (life.isOver) return forever();
    throw failure;
  }
  if (life.isOver) return forever();
  // What a port hands out in turn (the writer of a blob) belongs to the process as well.
  return isPortLike(value) ? mortal(value, life) : value;
}

async function* chunksWhileAlive(chunks: AsyncIterable<unknown>, life: Life): AsyncGenerator {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await whileAlive(iterator.next(), life);
      const { done, value } = next as IteratorResult<unknown, unknown>;
      if (done === true) return;
      yield value;
      if (life.isOver) await forever();
    }
  } finally {
    await iterator.return?.();
  }
}

/** Never settles, and never goes on when it is iterated over. */
function forever(): Promise<never> & AsyncIterable<never> {
  const never = new Promise<never>(() => undefined);
  return Object.assign(never, {
    [Symbol.asyncIterator]: () => ({ next: () => never }),
  });
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function isPortLike(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'commit' in value && 'suspend' in value;
}
