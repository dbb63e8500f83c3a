import type { SiteCode } from '@sallyport/core/shared/ids';
import { hours } from '@sallyport/core/shared/units';
import { readLink } from '@sallyport/engine/components/replication-manager/link-state';
import type { DiskImage } from '../disk/site-disk.ts';
import { HaltWatch, judgeFork } from '../properties/forks.ts';
import type { Watch } from '../properties/watch.ts';
import type { SimSite } from '../site/sim-site.ts';
import type { Mishap } from '../world/tally.ts';
import type { Timeline } from '../world/timeline.ts';
import type { Plan } from './plan.ts';

/** Sites that nobody has told that they are old copies must have been found so long after everybody can reach everybody. */
const foundWithinMs = hours(30);
/** And not before a few greetings, for what contradicts itself may do so only with the next write. */
const waitedMs = hours(8);

/** What happens to whole disks: they are put back from images, and run twice; and what must come of it. */
export class DiskFaults {
  readonly #options: {
    readonly plan: Plan;
    readonly timeline: Timeline;
    readonly sites: ReadonlyMap<SiteCode, SimSite>;
    readonly watch: Watch;
    /** Whether a site belongs to the hierarchy, and was not shut out. */
    readonly isMember: (site: SiteCode) => boolean;
    /** A second machine for a site, on a copy of its disk. */
    readonly twinOf: (site: SimSite, image: DiskImage) => SimSite;
    readonly count: (what: Mishap) => void;
    readonly fail: (problem: string) => void;
  };
  readonly #images = new Map<SiteCode, DiskImage>();
  /** Sites that went on from an old disk without having been told. */
  readonly #forked = new Set<SimSite>();
  readonly #twins: SimSite[] = [];
  readonly #halts: HaltWatch;
  /** Links whose two histories contradicted each other, and that had stopped. */
  found = 0;
  /** Sites with a copy that were found so. */
  readonly #foundSites = new Set<SiteCode>();

  constructor(options: {
    readonly plan: Plan;
    readonly timeline: Timeline;
    readonly sites: ReadonlyMap<SiteCode, SimSite>;
    readonly watch: Watch;
    readonly isMember: (site: SiteCode) => boolean;
    readonly twinOf: (site: SimSite, image: DiskImage) => SimSite;
    readonly count: (what: Mishap) => void;
    readonly fail: (problem: string) => void;
  }) {
    this.#options = options;
    this.#halts = new HaltWatch(options.fail);
  }

  /** After a write of a site's database; only where a fork can be. */
  observe(site: SimSite): void {
    const { plan } = this.#options;
    if (this.#forked.size === 0 && this.#twins.length === 0) return;
    const around = plan.sites.flatMap(({ code, parent }) =>
      code === site.code && parent !== undefined ? [parent] : parent === site.code ? [code] : [],
    );
    this.#halts.observe(site, around);
  }

  keepImage(site: SimSite): void {
    if (site.settings === undefined) return;
    site.tell('an image of its disk is made');
    this.#images.set(site.code, site.disk.image());
  }

  putBack(site: SimSite, isTold: boolean): void {
    const image = this.#images.get(site.code);
    if (image === undefined || site.settings === undefined || site.isShelved) return;
    site.crash('power', 'its disk is put back from an image', undefined);
    site.disk.restore(image);
    this.#options.watch.forget(site.code);
    this.#halts.forget(site);
    this.#options.count(isTold ? 'disks restored' : 'old disks');
    if (isTold) {
      this.#raiseEpoch(site);
      this.#forked.delete(site);
    } else {
      this.#forked.add(site);
    }
    site.start();
  }

  /** A copy of a site's machine is switched on beside it. */
  runTwice(site: SimSite): void {
    if (site.settings === undefined || site.isShelved) return;
    const twin = this.#options.twinOf(site, site.disk.image());
    twin.settings = site.settings;
    twin.clock.set(site.clock.offsetMs);
    this.#twins.push(twin);
    this.#forked.add(site);
    twin.tell('a copy of its machine is switched on beside it');
    twin.start();
    if (twin.isUp) this.#options.count('twins');
  }

  /** Nothing hinders anybody any more: has copies run that are down. */
  heal(): void {
    for (const twin of this.#twins) {
      twin.armed.length = 0;
      twin.start();
    }
  }

  /** Sees that what contradicts itself stops and says so; then somebody does what it says. */
  async settle(isOver: () => boolean): Promise<void> {
    if (this.#forked.size === 0) return;
    const { timeline } = this.#options;
    const begun = timeline.now();
    let silent: readonly string[] = [];
    do {
      await timeline.run(timeline.now() + hours(1), isOver);
      silent = this.#silent();
    } while (
      !isOver() &&
      (timeline.now() < begun + waitedMs || (silent.length > 0 && timeline.now() < begun + foundWithinMs))
    );
    if (silent.length > 0) this.#options.fail(`a fork was not found: ${silent.join('; ')}`);
    this.#restore();
  }

  /** What nobody says though two histories contradict each other. */
  #silent(): readonly string[] {
    const { plan, sites, isMember } = this.#options;
    const judged = plan.sites.flatMap(({ code, parent: above }) => {
      const parent = above === undefined ? undefined : sites.get(above);
      const machines = [sites.get(code), ...this.#twins.filter((twin) => twin.code === code)];
      return machines.flatMap((child) =>
        parent?.process === undefined || child?.process === undefined || !isMember(code)
          ? []
          : [{ ...judgeFork(parent, child), ends: [parent.code, code] }],
      );
    });
    const contradicting = judged.filter(({ contradiction }) => contradiction !== undefined);
    this.found = Math.max(this.found, contradicting.length);
    for (const { code } of this.#forked) {
      if (this.#foundSites.has(code) || !contradicting.some(({ ends }) => ends.includes(code))) continue;
      this.#foundSites.add(code);
      const hasTwin = this.#twins.some((twin) => twin.code === code);
      this.#options.count(hasTwin ? 'twins found' : 'old disks found');
    }
    return judged.flatMap(({ contradiction, silent }) =>
      silent.map((who) => `${who} though ${contradiction ?? ''}`),
    );
  }

  /** Stops the copies that are wrong, and gives those that go on a higher epoch. */
  #restore(): void {
    for (const twin of this.#twins) {
      twin.isShelved = true;
      twin.crash('kill', 'the copy is taken out of service', undefined);
      twin.life.end();
    }
    this.#twins.length = 0;
    for (const site of this.#forked) {
      site.crash('kill', 'it is stopped to be restored', undefined);
      this.#raiseEpoch(site);
      this.#halts.forget(site);
      site.start();
    }
    this.#forked.clear();
  }

  /** What `sallyport site restore` does. */
  #raiseEpoch(site: SimSite): void {
    const known = [...this.#options.sites.values(), ...this.#twins].map((other) =>
      other.settings === undefined
        ? 1
        : other.disk.read(({ records, settings }) =>
            Math.max(other === site ? records.epoch() : 1, readLink(settings, site.code).epoch),
          ),
    );
    // Whoever restores a site makes room for it first.
    const { full } = site.disk;
    site.disk.full = false;
    const epoch = site.disk.restoreDatabase(undefined, 1 + Math.max(...known));
    site.disk.full = full;
    site.tell(`is taken for restored: it goes on in epoch ${epoch}`);
  }
}
