import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { ProcessCommand, Processes, ProcessResult } from '@sallyport/engine/ports/process';
import { parseCommand, type SimCommand } from '../vendor/commands.ts';
import type { Mishap } from '../world/tally.ts';

/** What the programs of packages do at the sites of one run, and what they have done. */
export interface ProgramPlan {
  /** Whether this run of a program fails; asked once for each run. */
  fails(site: SiteCode, command: SimCommand): boolean;
  /** How long it takes. */
  tookMs(site: SiteCode, command: SimCommand): number;
}

/** Work of a hook that was done once more while it stood. */
export interface RepeatedWork {
  readonly step: string;
  /** Its process has ended meanwhile, or could not write down that the work was done. */
  readonly isExcused: boolean;
}

/** What hooks have done to the world outside Sallyport, which no crash of a site takes back. */
export class OuterWorld {
  /** By hook and step: the upset (see `do`) in which the work was done last. */
  readonly #standing = new Map<string, Map<string, number>>();
  readonly #repeats = new Map<string, RepeatedWork[]>();

  /** Steps whose work stands, of one hook at one site. A hook that knows its step does it once, however often it runs. */
  standing(site: SiteCode, guid: PackageGuid, hook: string): ReadonlySet<string> {
    return new Set(this.#standing.get(`${site}/${guid}/${hook}`)?.keys());
  }

  /** Each time that a step of a hook did its work though it had been done and not undone. */
  repeats(site: SiteCode, guid: PackageGuid, hook: string): readonly RepeatedWork[] {
    return this.#repeats.get(`${site}/${guid}/${hook}`) ?? [];
  }

  /** @param upsets how often something has happened at the machine that may have a process forget what it has done */
  do(site: SiteCode, guid: PackageGuid, hook: string, step: string, upsets: number): void {
    const key = `${site}/${guid}/${hook}`;
    const steps = this.#standing.get(key) ?? new Map<string, number>();
    this.#standing.set(key, steps);
    const before = steps.get(step);
    if (before !== undefined) {
      const repeats = this.#repeats.get(key) ?? [];
      this.#repeats.set(key, [...repeats, { step, isExcused: upsets > before }]);
    }
    steps.set(step, upsets);
  }

  undo(site: SiteCode, guid: PackageGuid, hook: string, step: string): void {
    this.#standing.get(`${site}/${guid}/${hook}`)?.delete(step);
  }
}

/** The programs of generated packages, run at one machine. */
export class SimProcesses implements Processes {
  readonly #options: {
    readonly site: SiteCode;
    readonly plan: ProgramPlan;
    readonly world: OuterWorld;
    readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
    readonly onRun: (command: SimCommand) => void;
    /** How often its machine has begun a process or refused to write so far. */
    readonly upsets: () => number;
    readonly count: (what: Mishap) => void;
  };

  constructor(options: {
    readonly site: SiteCode;
    readonly plan: ProgramPlan;
    readonly world: OuterWorld;
    readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
    readonly onRun: (command: SimCommand) => void;
    /** How often its machine has begun a process or refused to write so far. */
    readonly upsets: () => number;
    readonly count: (what: Mishap) => void;
  }) {
    this.#options = options;
  }

  async run(command: ProcessCommand, signal: AbortSignal): Promise<ProcessResult> {
    const { site, plan, world, sleep, onRun, upsets, count } = this.#options;
    const parsed = parseCommand(command.argv);
    if (parsed === undefined) return ended(null, `no such program: ${command.argv[0] ?? ''}`, 0);
    onRun(parsed);
    const tookMs = plan.tookMs(site, parsed);
    await sleep(tookMs, signal);
    const { kind, guid, id = '' } = parsed;
    const step = command.env['SALLYPORT_STEP_ID'] ?? '';
    switch (kind) {
      case 'hook':
        if (plan.fails(site, parsed)) return ended(1, `the hook ${id} cannot do its work`, tookMs);
        world.do(site, guid, id, step, upsets());
        return ended(0, '', tookMs);
      case 'undo':
        world.undo(site, guid, id, step);
        return ended(0, '', tookMs);
      case 'probe':
        if (!world.standing(site, guid, id).has(step)) return ended(1, '', tookMs);
        count('hooks found done');
        return ended(0, '', tookMs);
      case 'health':
      case 'prerequisite':
        return plan.fails(site, parsed) ? ended(1, `${kind} says no`, tookMs) : ended(0, '', tookMs);
    }
  }
}

function ended(exitCode: number | null, stderr: string, elapsedMs: number): ProcessResult {
  return {
    exitCode,
    signal: null,
    timedOut: false,
    ...(exitCode === null ? { startError: stderr } : {}),
    stdout: '',
    stderr,
    droppedBytes: 0,
    elapsedMs,
  };
}
