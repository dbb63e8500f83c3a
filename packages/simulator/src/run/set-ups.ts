import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import type { ProductId, SiteCode } from '@sallyport/core/shared/ids';
import { days, minutes } from '@sallyport/core/shared/units';
import { windowsSetting } from '@sallyport/engine/components/update-installer/service-windows';
import { DeadProcess } from '../disk/mortal.ts';
import { setUpChild, setUpTopTier } from '../site/set-up.ts';
import type { SimSite } from '../site/sim-site.ts';
import type { SiteSettings, Surroundings } from '../site/site-process.ts';
import type { SimVendor } from '../vendor/sim-vendor.ts';
import type { Timeline } from '../world/timeline.ts';
import type { Plan, PlannedSite } from './plan.ts';

/**
 * What a set-up may meet, and somebody tries again: programs of a release that fail as at an install, and bytes that
 * were damaged at the parent, which finds that out and has them fetched again.
 */
const passing: ReadonlySet<string> = new Set(['HASH_MISMATCH', 'HEALTH_CHECK_FAILED', 'HOOK_FAILED']);

/** Somebody who sets every site up, as often as it takes, and starts its server. */
export class SetUps {
  readonly #options: {
    readonly plan: Plan;
    readonly product: ProductId;
    readonly timeline: Timeline;
    readonly sites: ReadonlyMap<SiteCode, SimSite>;
    readonly fail: (problem: string) => void;
  };

  constructor(options: {
    readonly plan: Plan;
    readonly product: ProductId;
    readonly timeline: Timeline;
    readonly sites: ReadonlyMap<SiteCode, SimSite>;
    readonly fail: (problem: string) => void;
  }) {
    this.#options = options;
  }

  /** Has each come at its time. */
  begin(vendor: SimVendor): void {
    const { plan, product, timeline } = this.#options;
    const { sites, train } = plan;
    const firstRoot = vendor.firstRoot;
    for (const planned of sites) {
      let token: string | undefined;
      timeline.after(planned.joinsAfterMs, () => {
        this.#setUp(planned, async (around) => {
          const { code, type, parent } = planned;
          if (parent === undefined || type === 'central') {
            const enrolmentCode = await vendor.enrolmentCode();
            const baseline = train[0]?.version ?? '';
            return setUpTopTier(
              { code, type: 'central', product, baseline, firstRoot, enrolmentCode },
              around,
            );
          }
          const top = this.#siteAt(sites[0]?.code);
          const desk = top.process?.parts.topTier?.desk;
          const above = this.#siteAt(parent);
          if (desk === undefined || above.settings === undefined) return undefined;
          // A set-up that was cut off is repeated with the same token.
          token ??= desk.issue({
            code,
            type,
            parent,
            address: `${parent}:1`,
            expiresAt: top.clock.now() + days(90),
          });
          return setUpChild({ code, type, token, firstRoot, parentServer: () => above.server() }, around);
        });
      });
    }
  }

  #setUp(planned: PlannedSite, work: (around: Surroundings) => Promise<SiteSettings | undefined>): void {
    const site = this.#siteAt(planned.code);
    const again = (): void => {
      this.#options.timeline.after(minutes(10), () => this.#setUp(planned, work));
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
          site.tell(`is not set up: ${messageOf(error)}`);
          const passes =
            error instanceof DeadProcess ||
            // Its own, or that of a site which takes part.
            [...this.#options.sites.values()].some(({ disk }) => disk.full) ||
            (error instanceof SallyportError && passing.has(error.code));
          if (!passes) this.#options.fail(`${planned.code} cannot be set up: ${messageOf(error)}`);
          again();
        }),
    );
  }

  #siteAt(code: SiteCode | undefined): SimSite {
    const site = code === undefined ? undefined : this.#options.sites.get(code);
    if (site === undefined) throw new RangeError(`there is no site ${code ?? ''}`);
    return site;
  }
}
