import { messageOf } from '@sallyport/core/shared/errors';
import { hours, minutes } from '@sallyport/core/shared/units';
import type { SimVendor } from '../vendor/sim-vendor.ts';
import { VendorCrashPoints } from '../vendor/vendor-crash-points.ts';
import type { Story } from '../world/story.ts';
import type { Mishap } from '../world/tally.ts';
import type { Timeline } from '../world/timeline.ts';
import type { Plan } from './plan.ts';
import type { VendorAct } from './vendor-acts.ts';

interface Job {
  readonly what: string | undefined;
  readonly work: (vendor: SimVendor) => Promise<unknown>;
}

/** People at the vendor: they publish, roll out and renew, one thing after the other, and repeat what was cut short. */
export class VendorWork {
  readonly #options: {
    readonly plan: Plan;
    readonly timeline: Timeline;
    readonly story: Story;
    readonly count: (what: Mishap) => void;
    readonly fail: (problem: string) => void;
  };
  readonly #jobs: Job[] = [];
  readonly crashPoints = new VendorCrashPoints(() => this.#cut());
  #vendor: SimVendor | undefined;
  #isBusy = false;

  constructor(options: {
    readonly plan: Plan;
    readonly timeline: Timeline;
    readonly story: Story;
    readonly count: (what: Mishap) => void;
    readonly fail: (problem: string) => void;
  }) {
    this.#options = options;
  }

  /** Publishes the baseline, and has everything else come at its time. */
  async begin(vendor: SimVendor): Promise<void> {
    this.#vendor = vendor;
    const { timeline, plan } = this.#options;
    const [baseline, ...others] = plan.train;
    if (baseline === undefined) throw new RangeError('a run needs a baseline');
    await vendor.publish(baseline);
    others.forEach((item, index) => {
      const what = `publishes ${item.kind} ${item.version}${item.percentage === undefined ? '' : ` to ${item.percentage} %`}`;
      timeline.after(plan.publishedAfterMs[index + 1] ?? 0, () =>
        this.#do({ what, work: (running) => running.publish(item) }),
      );
    });
    for (const act of plan.acts) timeline.after(act.at, () => this.#act(act));
    const renew = (): void => {
      this.#do({ what: undefined, work: (running) => running.renew() });
      timeline.after(hours(12), renew);
    };
    timeline.after(hours(12), renew);
  }

  get isRunning(): boolean {
    return this.#vendor?.isRunning ?? false;
  }

  down(): void {
    this.#vendor?.crash();
    this.#isBusy = false;
  }

  up(): void {
    if (!this.isRunning) this.#vendor?.restart();
    this.#next();
  }

  /** Nothing is held back any more; what is withdrawn stays so. */
  heal(): void {
    this.crashPoints.disarm();
    this.up();
    const { plan } = this.#options;
    const held = plan.acts.filter(({ kind }) => kind !== 'withdraw').map(({ which }) => which);
    for (const which of new Set(held)) {
      this.#act({ at: 0, which, kind: 'release' });
      this.#act({ at: 0, which, kind: 'widen' });
    }
  }

  #act({ which, kind }: VendorAct): void {
    const item = this.#options.plan.train[which];
    if (item === undefined) return;
    const { guid, version } = item;
    const works: Readonly<Record<VendorAct['kind'], readonly [string, Job['work']]>> = {
      hold: [`holds ${version}`, (vendor) => vendor.rollout(guid, { hold: 'complaints' })],
      stop: [`stops ${version}`, (vendor) => vendor.rollout(guid, { stop: 'it does harm' })],
      release: [`lets ${version} go on`, (vendor) => vendor.rollout(guid, { release: true })],
      widen: [`rolls ${version} out to all`, (vendor) => vendor.rollout(guid, { percentage: 100 })],
      withdraw: [`withdraws ${version}`, (vendor) => vendor.withdraw(guid)],
    };
    const [what, work] = works[kind];
    this.#do({ what, work: async (vendor) => (vendor.withdrawn.has(guid) ? undefined : work(vendor)) });
  }

  #do(job: Job): void {
    this.#jobs.push(job);
    this.#next();
  }

  #next(): void {
    const vendor = this.#vendor;
    const job = this.#jobs[0];
    if (job === undefined || vendor === undefined || !vendor.isRunning || this.#isBusy) return;
    this.#isBusy = true;
    const { story, fail } = this.#options;
    if (job.what !== undefined) story.tell('vendor', job.what);
    // What dies with its process never settles, and is done again.
    job.work(vendor).then(
      () => {
        this.#jobs.shift();
        this.#isBusy = false;
        this.#next();
      },
      (error: unknown) => fail(`the vendor met a fault: ${messageOf(error)}`),
    );
  }

  #cut(): void {
    const { story, timeline } = this.#options;
    if (!this.isRunning) return;
    this.#options.count('vendor crashes inside a call');
    story.tell('vendor', 'ITS PROCESS ENDS inside a call of a port');
    this.down();
    timeline.after(minutes(1), () => this.up());
  }
}
