import { messageOf } from '@sallyport/core/shared/errors';
import { productId, type SiteCode } from '@sallyport/core/shared/ids';
import { days, hours, minutes, seconds } from '@sallyport/core/shared/units';
import type { HierarchySummary } from '@sallyport/engine/ports/cloud-database';
import { windowsSetting } from '@sallyport/engine/site/service-windows';
import type { SiteAssembly } from '@sallyport/engine/site/site-ports';
import { DeadProcess } from '../disk/mortal.ts';
import { factsProblems, hookProblems, orderProblems } from '../properties/accepted.ts';
import { foldProblems, notYet, recordProblems } from '../properties/end-state.ts';
import { Watch } from '../properties/watch.ts';
import { OuterWorld, type ProgramPlan } from '../site/programs.ts';
import { setUpChild, setUpTopTier } from '../site/set-up.ts';
import { type Hosting, SimSite } from '../site/sim-site.ts';
import type { SiteSettings, Surroundings } from '../site/site-process.ts';
import { SimVendor } from '../vendor/sim-vendor.ts';
import { Chance } from '../world/chance.ts';
import { Life } from '../world/life.ts';
import { MachineClock } from '../world/machine-clock.ts';
import { Network } from '../world/network.ts';
import { Story } from '../world/story.ts';
import { Timeline } from '../world/timeline.ts';
import { Administrator } from './administrator.ts';
import { FaultMaker } from './fault-maker.ts';
import type { Plan, PlannedSite } from './plan.ts';

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
}

const product = productId('compiler');

const defaultTimes: NonNullable<SiteAssembly['times']> = {
  pullWaitMs: hours(12),
  greetEveryMs: hours(1),
  retryMaxMs: minutes(10),
  refreshEveryMs: hours(8),
  statusEveryMs: hours(4),
};

/** One whole history of a vendor and a hierarchy, from a plan. */
export class Simulation {
  readonly #plan: Plan;
  readonly #timeline: Timeline;
  readonly #story: Story;
  readonly #network: Network;
  readonly #chance: Chance;
  readonly #sites = new Map<SiteCode, SimSite>();
  readonly #failed = new Map<string, number>();
  readonly #times: NonNullable<SiteAssembly['times']>;
  readonly #outerWorld = new OuterWorld();
  #failure: string | undefined;
  /** Nobody asks for anything any more. */
  #isAtEnd = false;

  constructor(
    plan: Plan,
    options: { readonly linesMax?: number; readonly times?: SiteAssembly['times'] } = {},
  ) {
    this.#plan = plan;
    this.#timeline = new Timeline(plan.startsAt);
    this.#story = new Story(() => this.#timeline.now(), options.linesMax);
    this.#chance = new Chance(plan.seed);
    this.#network = new Network(this.#timeline, this.#chance.stream('network'));
    this.#times = options.times ?? defaultTimes;
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
    for (const site of sites) site.life.end();
    return {
      seed,
      failure: this.#failure,
      story: this.#story,
      events: this.#timeline.events,
      crashes: sum(({ crashes }) => crashes),
      calls: sum(({ calls }) => calls),
      installs: watch?.installs ?? 0,
      simulatedMs: this.#timeline.now() - begun,
    };
  }

  async #history(): Promise<Watch> {
    const plan = this.#plan;
    const vendor = await SimVendor.create({
      clock: new MachineClock(this.#timeline).of(new Life()),
      random: this.#chance.stream('vendor'),
      products: [product],
    });
    const watch = new Watch({
      product,
      packages: vendor.packages,
      siteOf: (code) => this.#sites.get(code),
      parentOf: (code) => plan.sites.find((site) => site.code === code)?.parent,
      windowsOf: (code) => plan.sites.find((site) => site.code === code)?.windows ?? [],
      fail: (problem) => this.#fail(problem),
    });
    const hosting: Hosting = {
      timeline: this.#timeline,
      network: this.#network,
      story: this.#story,
      vendor,
      programs: this.#programs(),
      outerWorld: this.#outerWorld,
      times: this.#times,
      serverOf: (code) => this.#sites.get(code)?.server(),
      fail: (problem) => this.#fail(problem),
      observe: (site, port, method, given) => watch.observe(site, port, method, given),
    };
    for (const { code, clockOffMs } of plan.sites) {
      const site = new SimSite(code, this.#chance.stream(`site ${code}`), hosting);
      site.clock.set(clockOffMs);
      this.#sites.set(code, site);
    }
    await this.#publishing(vendor);
    this.#setUp(vendor);
    const top = this.#siteAt(plan.sites[0]?.code);
    const administrator = new Administrator({
      top,
      story: this.#story,
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
      vendor,
      sites: this.#sites,
      watch,
    });
    faults.plan();
    await this.#timeline.run(plan.startsAt + plan.troubledMs, () => this.#failure !== undefined);
    faults.heal();
    await this.#comeToTheEnd();
    if (this.#failure === undefined) this.#judgeEnd(administrator, await vendor.hierarchies());
    return watch;
  }

  async #comeToTheEnd(): Promise<void> {
    const { startsAt, patienceMs, train } = this.#plan;
    const target = { product, guid: train.at(-1)?.guid ?? '' };
    const sites = [...this.#sites.values()];
    const end = startsAt + patienceMs;
    let open = notYet(sites, target);
    while (open.length > 0 && this.#failure === undefined && this.#timeline.now() < end) {
      await this.#timeline.run(this.#timeline.now() + hours(1), () => this.#failure !== undefined);
      open = notYet(sites, target);
    }
    if (open.length > 0) {
      this.#fail(
        `${Math.round((this.#timeline.now() - startsAt) / days(1))} days after the beginning: ${open.join('; ')}`,
      );
      return;
    }
    this.#story.tell('world', 'every site runs the newest package');
    this.#isAtEnd = true;
    // What was written last has to get around, to the vendor too.
    await this.#timeline.run(this.#timeline.now() + hours(1), () => this.#failure !== undefined);
    const asked = this.#siteAt(this.#plan.sites[0]?.code).process?.operations.check();
    void asked?.catch((error: unknown) => this.#fail(`the last check failed: ${messageOf(error)}`));
    await this.#timeline.run(this.#timeline.now() + hours(1), () => this.#failure !== undefined);
  }

  #judgeEnd(administrator: Administrator, hierarchies: readonly HierarchySummary[]): void {
    const { sites, train, faults, without } = this.#plan;
    const top = this.#siteAt(sites[0]?.code);
    // A disk that was put back has forgotten what it had accepted since, and does it again.
    const forgetful = new Set(
      faults.flatMap((fault, index) =>
        fault.kind === 'old-disk' && !without.has(index) ? [fault.site] : [],
      ),
    );
    const problems = [
      ...(forgetful.has(top.code) ? [] : orderProblems(top, administrator.orders)),
      ...factsProblems(hierarchies, [...this.#sites.values()], product),
      ...[...this.#sites.values()].flatMap((site) =>
        forgetful.has(site.code) ? [] : hookProblems(site, train, this.#outerWorld),
      ),
    ];
    if (problems.length > 0) this.#fail(problems.slice(0, 5).join('; '));
    const roster = top.process?.parts.view.current().roster;
    for (const { code, parent } of sites) {
      const site = this.#siteAt(code);
      const above = parent === undefined ? undefined : this.#sites.get(parent);
      const differences = [
        ...foldProblems(site),
        ...(above === undefined || roster === undefined ? [] : recordProblems(roster, above, site)),
      ];
      if (differences.length > 0) this.#fail(differences.slice(0, 5).join('; '));
    }
  }

  async #publishing(vendor: SimVendor): Promise<void> {
    const [baseline, ...others] = this.#plan.train;
    if (baseline === undefined) throw new RangeError('a run needs a baseline');
    await vendor.publish(baseline);
    others.forEach((item, index) => {
      const publish = (): void => {
        if (!vendor.isRunning) {
          this.#timeline.after(minutes(5), publish);
          return;
        }
        void this.#vendorDoes(`publishes ${item.kind} ${item.version}`, () => vendor.publish(item));
      };
      this.#timeline.after(this.#plan.publishedAfterMs[index + 1] ?? 0, publish);
    });
    const renew = (): void => {
      if (vendor.isRunning) void this.#vendorDoes(undefined, () => vendor.renew());
      this.#timeline.after(hours(12), renew);
    };
    this.#timeline.after(hours(12), renew);
  }

  async #vendorDoes(what: string | undefined, work: () => Promise<unknown>): Promise<void> {
    try {
      if (what !== undefined) this.#story.tell('vendor', what);
      await work();
    } catch (error) {
      this.#fail(`the vendor met a fault: ${messageOf(error)}`);
    }
  }

  #setUp(vendor: SimVendor): void {
    const { sites, train } = this.#plan;
    const firstRoot = vendor.firstRoot;
    for (const planned of sites) {
      let token: string | undefined;
      this.#timeline.after(planned.joinsAfterMs, () => {
        this.#setUpSite(planned, async (around) => {
          const { code, type, parent } = planned;
          if (parent === undefined || type === 'central') {
            const enrolmentCode = await vendor.enrolmentCode();
            const baseline = train[0]?.version ?? '';
            return setUpTopTier(
              { code, type: 'central', product, baseline, firstRoot, enrolmentCode },
              around,
            );
          }
          const desk = this.#siteAt(sites[0]?.code).process?.parts.topTier?.desk;
          if (desk === undefined || this.#sites.get(parent)?.settings === undefined) return undefined;
          // A set-up that was cut off is repeated with the same token.
          token ??= desk.issue({
            code,
            type,
            parent,
            address: `${parent}:1`,
            expiresAt: this.#siteAt(sites[0]?.code).clock.now() + days(90),
          });
          const parentServer = () => this.#sites.get(parent)?.server();
          return setUpChild({ code, type, token, firstRoot, parentServer }, around);
        });
      });
    }
  }

  /** Sets a site up, as often as it takes, and starts its server. */
  #setUpSite(planned: PlannedSite, work: (around: Surroundings) => Promise<SiteSettings | undefined>): void {
    const site = this.#siteAt(planned.code);
    const again = (): void => {
      this.#timeline.after(minutes(10), () => this.#setUpSite(planned, work));
    };
    if (site.isShelved) {
      again();
      return;
    }
    const around = site.begin();
    const { life } = around.victim;
    const forget = life.onEnd(again);
    const over = (then: () => void): void => {
      if (life.isOver) return;
      forget();
      site.endSetUp();
      then();
    };
    work(around).then(
      (settings) =>
        over(() => {
          if (settings === undefined) {
            again();
            return;
          }
          site.settings = settings;
          site.tell('is set up');
          if (planned.windows.length > 0) site.setting(windowsSetting, planned.windows);
          site.start();
        }),
      (error: unknown) =>
        over(() => {
          if (!(error instanceof DeadProcess) && !site.disk.full) {
            this.#fail(`${planned.code} cannot be set up: ${messageOf(error)}`);
          }
          again();
        }),
    );
  }

  #programs(): ProgramPlan {
    const chance = this.#chance.stream('programs');
    return {
      fails: (site, { kind, guid, id = '' }) => {
        const key = `${site} ${kind} ${guid} ${id}`;
        const failed = this.#failed.get(key) ?? 0;
        if (failed >= (this.#plan.failures.get(key) ?? 0)) return false;
        this.#failed.set(key, failed + 1);
        return true;
      },
      tookMs: () => chance.anyMagnitude(100, seconds(90)),
    };
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
