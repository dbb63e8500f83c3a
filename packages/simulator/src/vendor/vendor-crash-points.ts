import type { CrashPhase } from '../site/crash-points.ts';
import type { Wrap } from './vendor-process.ts';

/** A crash of the vendor's process that waits for its call. */
export interface ArmedVendorCrash {
  /** Calls of any port that go on before it. */
  left: number;
  readonly phase: CrashPhase;
}

/** Has the vendor's process end before or after a call of one of its ports. */
export class VendorCrashPoints {
  readonly #cut: () => void;
  readonly #armed: ArmedVendorCrash[] = [];

  /** @param cut ends the process; what it calls from then on has no effect, and what it waits for never settles */
  constructor(cut: () => void) {
    this.#cut = cut;
  }

  arm(crash: ArmedVendorCrash): void {
    this.#armed.push(crash);
  }

  disarm(): void {
    this.#armed.length = 0;
  }

  readonly wrap: Wrap = (port, real) =>
    new Proxy(real, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function' || (port === 'blobs' && name === 'pathOf')) return member;
        return (...given: unknown[]): unknown => {
          const phase = this.#judge();
          if (phase === 'before') this.#cut();
          const answer: unknown = Reflect.apply(member, target, given);
          return phase === 'after' ? this.#afterwards(answer) : answer;
        };
      },
    });

  #judge(): CrashPhase | undefined {
    const due = this.#armed.find((crash) => {
      crash.left -= 1;
      return crash.left < 0;
    });
    if (due === undefined) return undefined;
    this.#armed.splice(this.#armed.indexOf(due), 1);
    return due.phase;
  }

  /** The effect has happened, and whoever asked dies before the answer. */
  #afterwards(answer: unknown): unknown {
    if (!(answer instanceof Promise)) {
      this.#cut();
      return answer;
    }
    return answer.then(() => {
      this.#cut();
      return new Promise<never>(() => undefined);
    });
  }
}
