import type { Change } from '@sallyport/engine/ports/site-database';
import { DeadProcess, mortal } from '../disk/mortal.ts';
import type { Life } from '../world/life.ts';

/** Where a process is cut off: around one call of one of its ports. */
export type CrashPhase = 'after' | 'before';

/** Judges each call that a process makes of its ports, by the port's name: undefined lets it go on. */
export type CrashJudge = (port: string, method: string, given: readonly unknown[]) => CrashPhase | undefined;

/** A process that its ports can cut off. */
export interface Victim {
  readonly life: Life;
  /** Ends the process, now. */
  readonly die: (where: string) => void;
  readonly judge: CrashJudge;
  /** Told of each call that has had its effect. */
  readonly onEffect: (port: string, method: string, given: readonly unknown[]) => void;
}

/** Methods that answer at once, by port; all others answer with promises or something to iterate over. */
const atOnce: Readonly<Record<string, readonly string[]>> = {
  database: ['read', 'write', 'onCommit', 'close'],
  blobs: ['pathOf'],
  compute: ['sha256'],
  releases: ['pathOf'],
};

/**
 * A port with a crash point before and after each call: the process may die before the call has had an effect, or
 * after it and before the answer. What a dead process calls has neither.
 */
export function withCrashPoints<T extends object>(port: string, real: T, victim: Victim): T {
  const { life } = victim;
  const sync = atOnce[port] ?? [];
  return mortal(
    new Proxy(real, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function' || typeof name !== 'string') return member;
        const call = (given: readonly unknown[]): unknown => Reflect.apply(member, target, given);
        if (name === 'onCommit') return listening(victim, call);
        return (...given: readonly unknown[]): unknown => {
          const phase = victim.judge(port, name, given);
          if (phase === undefined)
            return told(port, name, given, answerOf(port, name, call(given), victim), victim);
          if (phase === 'before') return cutOff(port, name, sync, victim);
          const answer = told(port, name, given, call(given), victim);
          return answer instanceof Promise
            ? afterwards(answer, () => cutOff(port, name, [], victim))
            : cutOff(port, name, sync, victim);
        };
      },
    }),
    life,
    sync,
  );
}

/** What listeners of a process hear ends with it, wherever it ends. */
function listening(victim: Victim, call: (given: readonly unknown[]) => unknown) {
  return (listener: (change: Change) => void): unknown =>
    call([
      (change: Change) => {
        if (victim.life.isOver) return;
        try {
          listener(change);
        } catch (failure) {
          if (!(failure instanceof DeadProcess)) throw failure;
        }
      },
    ]);
}

function cutOff(port: string, method: string, sync: readonly string[], { die }: Victim): Promise<never> {
  die(`${port}.${method}`);
  if (sync.includes(method)) throw new DeadProcess(method);
  return new Promise<never>(() => undefined);
}

async function afterwards(answer: Promise<unknown>, end: () => Promise<never>): Promise<unknown> {
  await answer.catch(() => undefined);
  return end();
}

/** A writer that a port hands out has crash points of its own. */
function answerOf(port: string, method: string, answer: unknown, victim: Victim): unknown {
  if (!(answer instanceof Promise) || method !== 'resume') return answer;
  return (answer as Promise<object>).then((writer) => withCrashPoints(`${port}.writer`, writer, victim));
}

function told(
  port: string,
  method: string,
  given: readonly unknown[],
  answer: unknown,
  { onEffect }: Victim,
): unknown {
  if (!(answer instanceof Promise)) {
    onEffect(port, method, given);
    return answer;
  }
  return (answer as Promise<unknown>).then((value) => {
    onEffect(port, method, given);
    return value;
  });
}
