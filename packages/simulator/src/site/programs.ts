import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { ProcessCommand, Processes, ProcessResult } from '@sallyport/engine/ports/process';
import { parseCommand, type SimCommand } from '../vendor/commands.ts';

/** What the programs of packages do at the sites of one run, and what they have done. */
export interface ProgramPlan {
  /** Whether this run of a program fails; asked once for each run. */
  fails(site: SiteCode, command: SimCommand): boolean;
  /** How long it takes. */
  tookMs(site: SiteCode, command: SimCommand): number;
}

/** What hooks have done to the world outside Sallyport, which no crash of a site takes back. */
export class OuterWorld {
  readonly #standing = new Map<string, Set<string>>();

  /** Steps whose work stands, of one hook at one site. A hook that knows its step does it once, however often it runs. */
  standing(site: SiteCode, guid: PackageGuid, hook: string): ReadonlySet<string> {
    return this.#standing.get(`${site}/${guid}/${hook}`) ?? new Set();
  }

  do(site: SiteCode, guid: PackageGuid, hook: string, step: string): void {
    const key = `${site}/${guid}/${hook}`;
    this.#standing.set(key, new Set([...(this.#standing.get(key) ?? []), step]));
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
  };

  constructor(options: {
    readonly site: SiteCode;
    readonly plan: ProgramPlan;
    readonly world: OuterWorld;
    readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
    readonly onRun: (command: SimCommand) => void;
  }) {
    this.#options = options;
  }

  async run(command: ProcessCommand, signal: AbortSignal): Promise<ProcessResult> {
    const { site, plan, world, sleep, onRun } = this.#options;
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
        world.do(site, guid, id, step);
        return ended(0, '', tookMs);
      case 'undo':
        world.undo(site, guid, id, step);
        return ended(0, '', tookMs);
      case 'probe':
        return ended(world.standing(site, guid, id).has(step) ? 0 : 1, '', tookMs);
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
