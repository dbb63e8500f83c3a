import { entryOf } from '@sallyport/core/domain/sites/roster';
import { messageOf } from '@sallyport/core/shared/errors';
import { productId, type SiteCode } from '@sallyport/core/shared/ids';
import { hours, minutes } from '@sallyport/core/shared/units';
import type { SiteAssembly } from '@sallyport/engine/site/site-ports';
import { Watch } from '../properties/watch.ts';
import type { DiskImage } from '../disk/site-disk.ts';
import { OuterWorld } from '../site/programs.ts';
import { type Hosting, SimSite } from '../site/sim-site.ts';
import { SimVendor, type SimVendorOptions } from '../vendor/sim-vendor.ts';
import { Chance } from '../world/chance.ts';
import { Life } from '../world/life.ts';
import { MachineClock } from '../world/machine-clock.ts';
import { Network } from '../world/network.ts';
import { Story } from '../world/story.ts';
import { type Struck, Tally } from '../world/tally.ts';
import { Timeline } from '../world/timeline.ts';
import { Administrator } from './administrator.ts';
import { DiskFaults } from './disk-faults.ts';
import { comeToTheEnd } from './coming-to-the-end.ts';
import { endProblems, endStateOf, type SiteEndState } from './end-of-run.ts';
import { FaultMaker } from './fault-maker.ts';
import type { Plan } from './plan.ts';
import { plannedPrograms } from './planned-programs.ts';
import { SetUps } from './set-ups.ts';
import { VendorWork } from './vendor-work.ts';

/** How a run went. */
export interface RunResult {
  readonly seed: number;
  /** What must never be, and was; undefined when all went well. */
  readonly failure: string | undefined;
  readonly story: Story;
  readonly events: number;
  readonly crashes: number;
  readonly installs: number;
  readonly calls: number;
  readonly simulatedMs: number;
  /** What went wrong in it, by its effects. */
  readonly struck: Struck;
  /** Links whose two histories contradicted each other, and that had stopped. */
  readonly forks: number;
  /** Empty after a failure. */
  readonly endState: readonly SiteEndState[];
}

const product = productId('compiler');

const defaultTimes: NonNullable<SiteAssembly['times']> = {
  pullWaitMs: hours(12),
  greetEveryMs: hours(1),
  retryMaxMs: minutes(10),
  refreshEveryMs: hours(8),
  statusEveryMs: hours(4),
  // Runs last some days: what a week would bring is seen in them, too.
  collectEveryMs: hours(18),
};

export interface SimulationOptions {
  /** The newest lines of the story that are kept. */
  readonly linesMax?: number;
  readonly times?: SiteAssembly['times'];
  /** How long the vendor's signatures count, where that is not as usual. */
  readonly lifetimesMs?: SimVendorOptions['lifetimesMs'];
}

/** One whole history of a vendor and a hierarchy, from a plan. */
export class Simulation {
  readonly #plan: Plan;
  readonly #timeline: Timeline;
  readonly #story: Story;
  readonly #network: Network;
  readonly #chance: Chance;
  readonly #sites = new Map<SiteCode, SimSite>();
  readonly #times: NonNullable<SiteAssembly['times']>;
  readonly #lifetimesMs: SimVendorOptions['lifetimesMs'];
  readonly #outerWorld = new OuterWorld();
  readonly #tally = new Tally();
  #disks: DiskFaults | undefined;
  /** Every machine, copies included. */
  readonly #machines: SimSite[] = [];
  #endState: readonly SiteEndState[] = [];
  #failure: string | undefined;
  /** Nobody asks for anything any more. */
  #isAtEnd = false;

  constructor(plan: Plan, options: SimulationOptions = {}) {
    this.#plan = plan;
    this.#timeline = new Timeline(plan.startsAt);
    this.#story = new Story(() => this.#timeline.now(), options.linesMax);
    this.#chance = new Chance(plan.seed);
    this.#network = new Network(this.#timeline, this.#chance.stream('network'), this.#tally.count);
    this.#times = options.times ?? defaultTimes;
    this.#lifetimesMs = options.lifetimesMs;
  }

  async run(): Promise<RunResult> {
    const { seed } = this.#plan;
    const begun = this.#timeline.now();
    let watch: Watch | undefined;
    try {
      watch = await this.#history();
    } catch (error) {
      this.#fail(
        `the simulation itself failed: ${error instanceof Error ? (error.stack ?? '') : messageOf(error)}`,
      );
    }
    const sites = [...this.#sites.values()];
    const sum = (of: (site: SimSite) => number): number => sites.reduce((total, site) => total + of(site), 0);
    // Nothing of this run may go on beside the next one.
    for (const machine of this.#machines) machine.life.end();
    return {
      seed,
      failure: this.#failure,
      story: this.#story,
      events: this.#timeline.events,
      crashes: sum(({ crashes }) => crashes),
      calls: sum(({ calls }) => calls),
      installs: watch?.installs ?? 0,
      forks: this.#disks?.found ?? 0,
      endState: this.#endState,
      struck: this.#tally.struck,
      simulatedMs: this.#timeline.now() - begun,
    };
  }

  async #history(): Promise<Watch> {
    const plan = this.#plan;
    const vendorWork = new VendorWork({
      plan,
      timeline: this.#timeline,
      story: this.#story,
      count: this.#tally.count,
      fail: (problem) => this.#fail(problem),
    });
    const vendor = await SimVendor.create({
      clock: new MachineClock(this.#timeline).of(new Life()),
      random: this.#chance.stream('vendor'),
      products: [product],
      wrap: vendorWork.crashPoints.wrap,
      ...(this.#lifetimesMs === undefined ? {} : { lifetimesMs: this.#lifetimesMs }),
    });
    const watch = new Watch({
      product,
      packages: vendor.packages,
      siteOf: (code) => this.#sites.get(code),
      parentOf: (code) => plan.sites.find((site) => site.code === code)?.parent,
      windowsOf: (code) => plan.sites.find((site) => site.code === code)?.windows ?? [],
      count: this.#tally.count,
      fail: (problem) => this.#fail(problem),
    });
    const disks = new DiskFaults({
      plan,
      timeline: this.#timeline,
      sites: this.#sites,
      watch,
      isMember: (code) => this.#isMember(code),
      twinOf: (site, image) => this.#twinOf(site, image, hosting),
      count: this.#tally.count,
      fail: (problem) => this.#fail(problem),
    });
    this.#disks = disks;
    const hosting: Hosting = {
      timeline: this.#timeline,
      network: this.#network,
      story: this.#story,
      vendor,
      programs: plannedPrograms(plan, this.#chance.stream('programs'), this.#tally.count),
      outerWorld: this.#outerWorld,
      times: this.#times,
      serverOf: (code) => this.#sites.get(code)?.server(),
      count: this.#tally.count,
      fail: (problem) => this.#fail(problem),
      observe: (site, port, method, given) => {
        watch.observe(site, port, method, given);
        if (port === 'database') disks.observe(site);
      },
    };
    for (const { code, clockOffMs } of plan.sites) {
      const site = new SimSite(code, this.#chance.stream(`site ${code}`), hosting);
      site.clock.set(clockOffMs);
      this.#sites.set(code, site);
      this.#machines.push(site);
    }
    await vendorWork.begin(vendor);
    new SetUps({
      plan,
      product,
      timeline: this.#timeline,
      sites: this.#sites,
      fail: (problem) => this.#fail(problem),
    }).begin(vendor);
    const top = this.#siteAt(plan.sites[0]?.code);
    const administrator = new Administrator({
      top,
      story: this.#story,
      chance: this.#chance.stream('administrator'),
      revokes: () => this.#revokes(),
      count: this.#tally.count,
      fail: (problem) => this.#fail(problem),
    });
    const looking = (): void => {
      if (!this.#isAtEnd) administrator.look();
      this.#timeline.after(plan.looksEveryMs, looking);
    };
    this.#timeline.after(hours(1), looking);
    const faults = new FaultMaker({
      plan,
      timeline: this.#timeline,
      network: this.#network,
      story: this.#story,
      vendorWork,
      sites: this.#sites,
      disks,
      count: this.#tally.count,
    });
    faults.plan();
    await this.#timeline.run(plan.startsAt + plan.troubledMs, () => this.#failure !== undefined);
    administrator.isCalm = true;
    faults.heal();
    await disks.settle(() => this.#failure !== undefined);
    await comeToTheEnd({
      plan,
      target: { product, guid: plan.train.at(-1)?.guid ?? '' },
      timeline: this.#timeline,
      story: this.#story,
      top,
      members: () => this.#members(),
      onEnd: () => (this.#isAtEnd = true),
      isOver: () => this.#failure !== undefined,
      fail: (problem) => this.#fail(problem),
    });
    if (this.#failure === undefined) {
      const problems = endProblems({
        plan,
        product,
        sites: this.#sites,
        isMember: (code) => this.#isMember(code),
        acknowledged: administrator.orders,
        hierarchies: await vendor.hierarchies(),
        outerWorld: this.#outerWorld,
      });
      if (problems.length > 0) this.#fail(problems.slice(0, 5).join('; '));
      else this.#endState = this.#members().map((site) => endStateOf(site, product, plan.train.at(-1)?.guid));
    }
    return watch;
  }

  /** Children reach the first machine; what the copy's hooks do, they do elsewhere. */
  #twinOf(site: SimSite, image: DiskImage, hosting: Hosting): SimSite {
    const chance = this.#chance.stream(`twin ${site.code} ${this.#machines.length}`);
    const twin = new SimSite(
      site.code,
      chance,
      {
        ...hosting,
        outerWorld: new OuterWorld(),
        observe: (machine, port) => {
          if (port === 'database') this.#disks?.observe(machine);
        },
      },
      image,
    );
    this.#machines.push(twin);
    return twin;
  }

  /** The site that is to be shut out by now, once it is there. */
  #revokes(): SiteCode | undefined {
    const { revocation, startsAt } = this.#plan;
    if (revocation === undefined || this.#timeline.now() < startsAt + revocation.at) return undefined;
    return this.#siteAt(revocation.site).settings === undefined ? undefined : revocation.site;
  }

  #isMember(code: SiteCode): boolean {
    const top = this.#siteAt(this.#plan.sites[0]?.code);
    const roster = top.process?.parts.view.current().roster;
    return roster === undefined || entryOf(roster, code)?.revoked === undefined;
  }

  #members(): readonly SimSite[] {
    return [...this.#sites.values()].filter(({ code }) => this.#isMember(code));
  }

  #siteAt(code: SiteCode | undefined): SimSite {
    const site = code === undefined ? undefined : this.#sites.get(code);
    if (site === undefined) throw new RangeError(`there is no site ${code ?? ''}`);
    return site;
  }

  #fail(problem: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = problem;
    this.#story.tell('world', `MUST NOT BE: ${problem}`);
  }
}
