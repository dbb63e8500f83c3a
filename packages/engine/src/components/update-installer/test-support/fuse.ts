import type { ProcessCommand, Processes, ProcessResult } from '../../../ports/process.ts';
import type { UpdateInstallerPorts } from '../ports.ts';

/** The process died: whatever is called from now on does not happen. */
export class Crash extends Error {}

/**
 * Counts the calls to ports that change something or take time, and lets the process die at one of them: before it
 * happened, or after it happened and before anybody heard of it.
 */
export class Fuse {
  readonly calls: string[] = [];
  readonly #at: number;
  readonly #moment: 'after' | 'before';
  #blown = false;

  /** @param at index of the call, from 0; Infinity never */
  constructor(at: number, moment: 'after' | 'before') {
    this.#at = at;
    this.#moment = moment;
  }

  guard(ports: UpdateInstallerPorts): UpdateInstallerPorts {
    return {
      ...ports,
      database: this.#guarded('database', ports.database, ['write'], ['read']),
      releases: this.#guarded(
        'releases',
        ports.releases,
        ['folderFor', 'stage', 'switchTo', 'remove'],
        ['current', 'list'],
      ),
      processes: this.#guarded('processes', ports.processes, ['run'], []),
      scratch: this.#guarded('scratch', ports.scratch, ['open', 'remove'], []),
      backups: this.#guarded('backups', ports.backups, ['make'], []),
    };
  }

  /** Calls to `counted` may be the last; after it those to `dead` do not work either. */
  #guarded<Port extends object>(
    name: string,
    port: Port,
    counted: readonly (keyof Port & string)[],
    dead: readonly (keyof Port & string)[],
  ): Port {
    return new Proxy(port, {
      get: (target, key) => {
        const member = Reflect.get(target, key, target) as unknown;
        if (typeof member !== 'function' || typeof key !== 'string') return member;
        const call = (...given: unknown[]): unknown => Reflect.apply(member, target, given) as unknown;
        if ((counted as readonly string[]).includes(key)) {
          return (...given: unknown[]) => this.#call(`${name}.${key}`, () => call(...given));
        }
        if (!(dead as readonly string[]).includes(key)) return call;
        return (...given: unknown[]) => {
          if (this.#blown) throw new Crash();
          return call(...given);
        };
      },
    });
  }

  #call(label: string, work: () => unknown): unknown {
    if (this.#blown) throw new Crash();
    const isLast = this.calls.length === this.#at;
    this.calls.push(label);
    if (isLast && this.#moment === 'before') this.#blow();
    const result = work();
    if (!isLast) return result;
    if (!(result instanceof Promise)) this.#blow();
    return (result as Promise<unknown>).then(() => this.#blow());
  }

  #blow(): never {
    this.#blown = true;
    throw new Crash();
  }
}

/**
 * Programs that exist in this test only, and survive its crashes: `set x` and `unset x` change the world, `ask x`
 * asks whether x is set, `fail` fails, `print x` prints.
 */
export class SmallWorld implements Processes {
  readonly #set = new Map<string, number>();
  readonly #isSet = new Set<string>();
  /** How often something was unset. */
  unsetCount = 0;

  async run(command: ProcessCommand, signal: AbortSignal): Promise<ProcessResult> {
    signal.throwIfAborted();
    const [verb, what = ''] = command.argv;
    let exitCode = 0;
    if (verb === 'set') {
      this.#set.set(what, this.timesSet(what) + 1);
      this.#isSet.add(what);
    } else if (verb === 'unset') {
      this.unsetCount += 1;
      this.#isSet.delete(what);
    }
    if (verb === 'ask') exitCode = this.#isSet.has(what) ? 0 : 1;
    else if (verb === 'fail') exitCode = 1;
    const stdout = verb === 'print' ? `${what}\n` : '';
    return { exitCode, signal: null, timedOut: false, stdout, stderr: '', droppedBytes: 0, elapsedMs: 1 };
  }

  /** Names that are set now. */
  get set(): readonly string[] {
    return [...this.#isSet].toSorted();
  }

  timesSet(what: string): number {
    return this.#set.get(what) ?? 0;
  }
}
