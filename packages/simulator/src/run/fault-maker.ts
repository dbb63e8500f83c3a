import type { SiteCode } from '@sallyport/core/shared/ids';
import { formatDuration, seconds } from '@sallyport/core/shared/units';
import type { SimSite } from '../site/sim-site.ts';
import type { Network } from '../world/network.ts';
import type { Story } from '../world/story.ts';
import type { Mishap } from '../world/tally.ts';
import type { Timeline } from '../world/timeline.ts';
import type { DiskFaults } from './disk-faults.ts';
import type { Fault } from './faults.ts';
import type { Plan } from './plan.ts';
import type { VendorWork } from './vendor-work.ts';

/** Brings a plan's faults about, and ends them. */
export class FaultMaker {
  readonly #options: {
    readonly plan: Plan;
    readonly timeline: Timeline;
    readonly network: Network;
    readonly story: Story;
    readonly vendorWork: VendorWork;
    readonly sites: ReadonlyMap<SiteCode, SimSite>;
    readonly disks: DiskFaults;
    readonly count: (what: Mishap) => void;
  };
  /** What ends the faults that last. */
  readonly #ends = new Set<() => void>();

  constructor(options: {
    readonly plan: Plan;
    readonly timeline: Timeline;
    readonly network: Network;
    readonly story: Story;
    readonly vendorWork: VendorWork;
    readonly sites: ReadonlyMap<SiteCode, SimSite>;
    readonly disks: DiskFaults;
    readonly count: (what: Mishap) => void;
  }) {
    this.#options = options;
  }

  /** Has each come at its time. */
  plan(): void {
    const { plan, timeline, disks } = this.#options;
    plan.faults.forEach((fault, index) => {
      if (plan.without.has(index)) return;
      timeline.after(fault.at, () => this.#begin(fault));
      if (fault.kind === 'old-disk')
        timeline.after(fault.at - fault.ageMs, () => disks.keepImage(this.#site(fault.site)));
    });
  }

  /** Ends everything that goes wrong: from now on nothing hinders anybody. Copies that are wrong run on. */
  heal(): void {
    const { plan, sites, story, disks, vendorWork } = this.#options;
    story.tell('world', 'nothing goes wrong any more');
    for (const end of this.#ends) end();
    vendorWork.heal();
    for (const { code, clockOffMs } of plan.sites) {
      const site = sites.get(code);
      if (site === undefined) continue;
      site.armed.length = 0;
      site.clock.set(clockOffMs);
      site.start();
    }
    disks.heal();
  }

  #begin(fault: Fault): void {
    const { network, story, vendorWork, disks, count } = this.#options;
    switch (fault.kind) {
      case 'crash': {
        const { port, left, phase, cut, downMs } = fault;
        this.#site(fault.site).armed.push({
          ...(port === undefined ? {} : { port }),
          left,
          phase,
          cut,
          downMs,
        });
        return;
      }
      case 'line': {
        const { one, other, trouble, forMs } = fault;
        story.tell(
          'world',
          `the line ${one}–${other} is bad for ${formatDuration(forMs)}: ${JSON.stringify(trouble)}`,
        );
        this.#until(forMs, `the line ${one}–${other} is as before`, network.disturb(one, other, trouble));
        return;
      }
      case 'full-disk': {
        const site = this.#site(fault.site);
        site.tell(`its disk is full for ${formatDuration(fault.forMs)}`);
        site.disk.full = true;
        this.#until(fault.forMs, `the disk of ${site.code} has room again`, () => {
          site.disk.full = false;
        });
        return;
      }
      case 'clock': {
        const site = this.#site(fault.site);
        site.tell(
          `its clock is set ${fault.offsetMs < 0 ? 'back' : 'forward'} by ${formatDuration(Math.abs(fault.offsetMs))}`,
        );
        const before = site.clock.now();
        site.clock.set(site.clock.offsetMs + fault.offsetMs);
        if (site.clock.now() !== before) count('clocks set');
        return;
      }
      case 'old-disk':
        disks.putBack(this.#site(fault.site), fault.isTold);
        return;
      case 'vendor-crash':
        vendorWork.crashPoints.arm({ left: fault.left, phase: fault.phase });
        return;
      case 'twin':
        disks.runTwice(this.#site(fault.site));
        return;
      case 'drawer':
      case 'stop':
        this.#shelve(this.#site(fault.site), fault);
        return;
      case 'vendor-down':
        if (!vendorWork.isRunning) return;
        story.tell('vendor', `its service is down for ${formatDuration(fault.forMs)}`);
        vendorWork.down();
        if (!vendorWork.isRunning) count('vendor outages');
        this.#until(fault.forMs, 'the vendor’s service is back', () => vendorWork.up());
        return;
      case 'bit-rot': {
        const site = this.#site(fault.site);
        const held = [...site.disk.heldDigests()].toSorted();
        const sha256 = held[Math.floor(fault.which * held.length)];
        if (sha256 === undefined) return;
        site.tell(`a bit of blob ${sha256.slice(0, 12)} flips`);
        if (site.disk.corrupt(sha256)) count('bits flipped');
        return;
      }
    }
  }

  #shelve(site: SimSite, { kind, forMs }: Extract<Fault, { readonly kind: 'drawer' | 'stop' }>): void {
    if (site.isShelved || site.settings === undefined) return;
    site.isShelved = true;
    const back = (): void => {
      site.isShelved = false;
      site.start();
    };
    const { isUp } = site;
    if (kind === 'drawer') {
      site.tell(`lies in a drawer for ${formatDuration(forMs)}`);
      site.crash('power', 'it was unplugged', undefined);
      if (isUp && !site.isUp) this.#options.count('machines in a drawer');
    } else {
      site.tell(`is shut down for ${formatDuration(forMs)}`);
      void site.stop().then(() => {
        if (isUp && !site.isUp) this.#options.count('servers stopped');
      });
    }
    this.#until(forMs, `${site.code} is taken into service again`, back);
  }

  #until(forMs: number, told: string, end: () => void): void {
    const { timeline, story } = this.#options;
    const once = (): void => {
      if (!this.#ends.delete(once)) return;
      story.tell('world', told);
      end();
    };
    this.#ends.add(once);
    timeline.after(Math.max(seconds(1), forMs), once);
  }

  #site(code: SiteCode): SimSite {
    const site = this.#options.sites.get(code);
    if (site === undefined) throw new RangeError(`a fault is planned for ${code}, which is not there`);
    return site;
  }
}
