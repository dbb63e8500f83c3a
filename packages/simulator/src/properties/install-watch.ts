import type { UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { SimSite } from '../site/sim-site.ts';
import type { Truth } from './watch.ts';
import { wasOpen } from './window-oracle.ts';
import type { WithdrawalWatch } from './withdrawal-watch.ts';

/** Sees how installs begin and end at every site. */
export class InstallWatch {
  readonly #truth: Pick<Truth, 'count' | 'fail' | 'product' | 'windowsOf'>;
  readonly #withdrawals: WithdrawalWatch;
  /** By site, package and attempt: the release that was in force when it began. */
  readonly #before = new Map<string, PackageGuid | undefined>();
  readonly #started = new Set<string>();
  /** Installs that began, of all sites. */
  begun = 0;

  constructor(truth: Pick<Truth, 'count' | 'fail' | 'product' | 'windowsOf'>, withdrawals: WithdrawalWatch) {
    this.#truth = truth;
    this.#withdrawals = withdrawals;
  }

  /** A site goes on from an older copy of its disk: what was in force then is not what was noted. */
  forget(site: SiteCode): void {
    for (const key of this.#before.keys()) if (key.startsWith(`${site} `)) this.#before.delete(key);
  }

  /** After each change of a site's own state; answers whether an install has begun with it. */
  observe(site: SimSite, { guid, attempt, state }: UpdateProjection): boolean {
    const key = `${site.code} ${guid} ${attempt}`;
    if (state === 'INSTALL_FAILED') this.#failed(site, guid, key);
    if (state === 'APPLICABILITY_HIDE' && attempt > 0 && this.#withdrawals.hasHeard(site.code, guid)) {
      this.#truth.count('orders ended by a withdrawal');
    }
    if (state !== 'INSTALL_IN_PROGRESS' || this.#started.has(key)) return false;
    this.#started.add(key);
    this.begun += 1;
    this.#before.set(key, site.disk.currentRelease(this.#truth.product)?.guid);
    this.#mayBegin(site, guid);
    return true;
  }

  /** Never outside of the site's windows, and never what it knows to be withdrawn. */
  #mayBegin(site: SimSite, guid: PackageGuid): void {
    const { windowsOf, fail } = this.#truth;
    const windows = windowsOf(site.code);
    const now = site.clock.now();
    if (!wasOpen(windows, now)) {
      fail(
        `${site.code} began to install ${guid} at ${new Date(now).toISOString()} by its clock, outside its window ${JSON.stringify(windows)}`,
      );
    }
    if (this.#withdrawals.hasHeard(site.code, guid)) {
      fail(`${site.code} began to install ${guid}, which its own catalogue says is withdrawn`);
    }
  }

  /** An install that failed leaves in force what was in force before it. */
  #failed(site: SimSite, guid: PackageGuid, key: string): void {
    if (!this.#before.has(key)) return;
    const before = this.#before.get(key);
    this.#before.delete(key);
    const { count, fail, product } = this.#truth;
    count('installs taken back');
    const current = site.disk.currentRelease(product)?.guid;
    if (current !== before) {
      fail(
        `the install of ${guid} failed at ${site.code} and left ${String(current)} in force, which ran ${String(before)} before it`,
      );
    }
  }
}
