import { messageOf } from '@sallyport/core/shared/errors';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { seconds } from '@sallyport/core/shared/units';
import type { Log, LogFields } from '@sallyport/engine/ports/log';
import type { ProcessCommand } from '@sallyport/engine/ports/process';
import type { SiteAssembly } from '@sallyport/engine/site/site-ports';
import type { CrashKind } from '@sallyport/engine/storage/memory/disk';
import { DeadProcess } from '../disk/mortal.ts';
import { type DiskImage, SiteDisk, type SiteStorage } from '../disk/site-disk.ts';
import { parseCommand } from '../vendor/commands.ts';
import type { Chance } from '../world/chance.ts';
import { Life } from '../world/life.ts';
import { MachineClock } from '../world/machine-clock.ts';
import type { Network } from '../world/network.ts';
import type { Story } from '../world/story.ts';
import type { Mishap } from '../world/tally.ts';
import type { Timeline } from '../world/timeline.ts';
import type { CrashPhase, Victim } from './crash-points.ts';
import type { LinkServer } from './link-line.ts';
import { type OuterWorld, type ProgramPlan, SimProcesses } from './programs.ts';
import { type SiteProcess, type SiteSettings, startSite, type Surroundings } from './site-process.ts';
import type { NearVendor } from './vendor-line.ts';

/** What all sites of a run share. */
export interface Hosting {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly story: Story;
  readonly vendor: NearVendor;
  readonly programs: ProgramPlan;
  readonly outerWorld: OuterWorld;
  readonly times: NonNullable<SiteAssembly['times']>;
  readonly serverOf: (site: SiteCode) => LinkServer | undefined;
  /** Told of everything that goes wrong, as it does. */
  readonly count: (what: Mishap) => void;
  /** Something that must never happen. */
  readonly fail: (problem: string) => void;
  /** Looks at a site's disk after each call that may have changed it. */
  readonly observe: (site: SimSite, port: string, method: string, given: readonly unknown[]) => void;
}

/** A crash that waits for its call. */
export interface ArmedCrash {
  /** Any when it is absent; `port`, `port.method`, or `processes.hook` and the like for a kind of program. */
  readonly port?: string;
  /** Calls of that port, or of any, that go on before it. */
  left: number;
  readonly phase: CrashPhase;
  readonly cut: CrashKind;
  readonly downMs: number;
}

/** Calls after which the disk may have changed. */
const changing: ReadonlySet<string> = new Set([
  'database.write',
  'releases.stage',
  'releases.switchTo',
  'releases.remove',
  'trust.save',
]);

/** A site's machine: a disk, a clock, and one process after the other. */
export class SimSite {
  readonly code: SiteCode;
  readonly clock: MachineClock;
  readonly chance: Chance;
  settings: SiteSettings | undefined;
  disk: SiteDisk;
  process: SiteProcess | undefined;
  readonly armed: ArmedCrash[] = [];
  /** Calls of ports so far. */
  calls = 0;
  crashes = 0;
  /** Set while nobody may start it: it lies in a drawer, or is gone for good. */
  isShelved = false;
  readonly #hosting: Hosting;
  #life = new Life();
  #isUp = false;
  /** Processes that began, and writes that were refused: after each, work that was done may be done again. */
  #upsets = 0;

  constructor(code: SiteCode, chance: Chance, hosting: Hosting, image?: DiskImage) {
    this.code = code;
    this.chance = chance;
    this.clock = new MachineClock(hosting.timeline);
    this.#hosting = hosting;
    this.disk = new SiteDisk(
      {
        site: code,
        random: chance.stream('disk'),
        onRefused: () => {
          this.#upsets += 1;
          hosting.count('writes refused by a full disk');
        },
      },
      image,
    );
    this.#life.end();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get life(): Life {
    return this.#life;
  }

  /** What children reach at this site's address now. */
  server(): LinkServer | undefined {
    return this.#isUp ? this.process?.server : undefined;
  }

  /** A process that is not the site server: set-up. Answers what it stands on. */
  begin(): Surroundings {
    this.#life.end();
    const life = new Life();
    this.#life = life;
    this.#isUp = true;
    this.#upsets += 1;
    return this.#surroundings(this.disk.open(), life);
  }

  /** Starts the site server, unless it runs, is shelved, or is not set up. */
  start(): void {
    const { settings } = this;
    if (this.#isUp || this.isShelved || settings === undefined) return;
    const around = this.begin();
    const { life } = around.victim;
    this.tell('the site server starts');
    startSite(settings, around).then(
      (process) => {
        if (!life.isOver) this.process = process;
      },
      (error: unknown) => {
        if (life.isOver || error instanceof DeadProcess) return;
        this.tell(`the site server cannot start: ${messageOf(error)}`);
        if (!this.disk.full) this.#hosting.fail(`${this.code} cannot start: ${messageOf(error)}`);
        this.crash('kill', 'it could not start', seconds(30));
      },
    );
  }

  /** Ends the process without asking it, and starts it again after a while. */
  crash(cut: CrashKind, why: string, downMs: number | undefined): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.process = undefined;
    this.crashes += 1;
    this.tell(`${cut === 'power' ? 'LOSES POWER' : 'IS KILLED'}: ${why}`);
    this.#life.end();
    this.disk.crash(cut);
    this.#hosting.observe(this, 'machine', 'crash', []);
    if (downMs !== undefined) this.#hosting.timeline.after(downMs, () => this.start());
  }

  /** Stops the site server in order, as far as it gets within a minute. */
  async stop(): Promise<void> {
    const { process } = this;
    if (process !== undefined) await process.parts.executive.stop();
    process?.parts.close();
    this.#isUp = false;
    this.process = undefined;
    this.#life.end();
    this.disk.end();
    this.tell('the site server has stopped');
  }

  /** Set-up has come to its end, one way or the other. */
  endSetUp(): void {
    this.#isUp = false;
    this.#life.end();
    this.disk.end();
  }

  /** Writes a setting while nobody runs, as a command would at the first start. */
  setting(name: string, value: unknown): void {
    const { database } = this.disk.open();
    database.write(({ settings }) => settings.put(name, value));
    this.disk.end();
  }

  tell(what: string): void {
    this.#hosting.story.tell(this.code, what);
  }

  #surroundings(storage: SiteStorage, life: Life): Surroundings {
    const { network, vendor, programs, outerWorld, times, serverOf, count } = this.#hosting;
    const clock = this.clock.of(life);
    const site = this.code;
    const parent = this.settings?.site.parent;
    return {
      storage,
      victim: this.#victim(life),
      clock,
      chance: this.chance,
      network,
      vendor,
      times,
      processes: new SimProcesses({
        site,
        plan: programs,
        world: outerWorld,
        sleep: (ms, signal) => clock.sleep(ms, signal),
        upsets: () => this.#upsets,
        count,
        onRun: ({ kind, guid, id }) => this.tell(`runs ${kind} ${id ?? ''} of ${guid.slice(0, 8)}`),
      }),
      logs: { of: (component) => this.#log(component, life) },
      parentServer: () => (parent === undefined ? undefined : serverOf(parent)),
    };
  }

  #victim(life: Life): Victim {
    let due: ArmedCrash | undefined;
    return {
      life,
      judge: (port, method, given) => {
        if (life.isOver) return undefined;
        this.calls += 1;
        const program = port === 'processes' ? programOf(given) : undefined;
        for (const crash of this.armed) {
          const at = crash.port ?? port;
          if (at !== port && at !== `${port}.${method}` && at !== program) continue;
          if (crash.left > 0) {
            crash.left -= 1;
            continue;
          }
          this.armed.splice(this.armed.indexOf(crash), 1);
          due = crash;
          return crash.phase;
        }
        return undefined;
      },
      die: (where) => {
        if (life.isOver || due === undefined) return;
        this.#hosting.count('site crashes inside a call');
        this.crash(due.cut, `${due.phase} ${where}`, due.downMs);
      },
      onEffect: (port, method, given) => {
        if (changing.has(`${port}.${method}`)) this.#hosting.observe(this, port, method, given);
      },
    };
  }

  #log(component: string, life: Life): Log {
    const keep = (level: string, message: string, fields: LogFields = {}): void => {
      if (life.isOver) return;
      const text = message.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
        name in fields ? String(fields[name]) : whole,
      );
      this.tell(`${component.replace('SMS_', '').toLowerCase()}: ${level}${text}`);
    };
    return {
      debug: () => undefined,
      info: (message, fields) => keep('', message, fields),
      warn: (message, fields) => keep('warning: ', message, fields),
      error: (message, fields) => keep('ERROR: ', message, fields),
    };
  }
}

/** The kind of the program that is to run, as `processes.<kind>`. */
function programOf([command]: readonly unknown[]): string | undefined {
  const parsed = parseCommand((command as ProcessCommand).argv);
  return parsed && `processes.${parsed.kind}`;
}
