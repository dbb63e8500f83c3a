import type { ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import type { ProductId, SiteCode } from '@sallyport/core/shared/ids';
import { trustedSettingName } from '@sallyport/engine/components/hierarchy-manager/document-store';
import type { CurrentRelease } from '@sallyport/engine/ports/releases';
import type { SimSite } from '../site/sim-site.ts';
import type { SimPublished } from '../vendor/sim-package.ts';
import type { Mishap } from '../world/tally.ts';
import { foldProblem } from './end-state.ts';
import { InstallWatch } from './install-watch.ts';
import { WithdrawalWatch } from './withdrawal-watch.ts';

/** What a watch judges by: the truth, not any site's word. */
export interface Truth {
  readonly product: ProductId;
  readonly packages: ReadonlyMap<string, SimPublished>;
  readonly siteOf: (code: SiteCode) => SimSite | undefined;
  readonly parentOf: (code: SiteCode) => SiteCode | undefined;
  readonly windowsOf: (code: SiteCode) => readonly ServiceWindow[];
  /** Told of what goes wrong as it may. */
  readonly count: (what: Mishap) => void;
  /** Tells of something that must never be. */
  readonly fail: (problem: string) => void;
}

/** Looks at every site's disk after everything that may have changed it. */
export class Watch {
  readonly #truth: Truth;
  readonly #pointers = new Map<SiteCode, CurrentRelease>();
  /** Everything that a site has run, on a disk that was put back since as well. */
  readonly #ever = new Map<SiteCode, Set<string>>();
  readonly #heads = new Map<SiteCode, number>();
  readonly #sequences = new Map<string, number>();
  readonly #trusted = new Map<string, number>();
  readonly #withdrawals: WithdrawalWatch;
  readonly #installs: InstallWatch;

  constructor(truth: Truth) {
    this.#truth = truth;
    this.#withdrawals = new WithdrawalWatch(truth.count);
    this.#installs = new InstallWatch(truth, this.#withdrawals);
  }

  /** Installs that began, of all sites. */
  get installs(): number {
    return this.#installs.begun;
  }

  /** After a call of a site's port, or the end of its process. */
  observe(site: SimSite, port: string, _method: string, given: readonly unknown[]): void {
    if (port === 'database') this.#database(site);
    else if (port === 'trust') this.#trust(site, given);
    else this.#releases(site);
  }

  /** A site goes on from an older copy of its disk: what it knew since is gone. */
  forget(code: SiteCode): void {
    this.#pointers.delete(code);
    this.#heads.delete(code);
    this.#installs.forget(code);
    this.#withdrawals.forget(code);
    for (const key of this.#sequences.keys()) if (key.startsWith(`${code} `)) this.#sequences.delete(key);
    for (const key of this.#trusted.keys()) if (key.startsWith(`${code} `)) this.#trusted.delete(key);
  }

  /** `current` names a complete release that the vendor's offline keys signed, at every moment. */
  #releases(site: SimSite): void {
    const { product, packages, fail } = this.#truth;
    const current = site.disk.currentRelease(product);
    const before = this.#pointers.get(site.code);
    if (current === undefined) {
      if (before !== undefined) fail(`${site.code} has no current release any more`);
      return;
    }
    const signed = packages.get(current.guid);
    if (signed === undefined) {
      fail(`${site.code} runs ${current.guid}, which the offline keys never signed`);
      return;
    }
    const wrong = site.disk.releaseProblems(product, current.folder, signed.tree);
    if (wrong.length > 0) {
      fail(
        `current of ${site.code} names ${current.version}, which is not complete: ${wrong.slice(0, 3).join(', ')}`,
      );
    }
    this.#pointers.set(site.code, current);
    const ever = this.#ever.get(site.code) ?? new Set();
    this.#ever.set(site.code, ever.add(current.guid));
    if (before !== undefined && !before.installed.includes(current.guid))
      this.#mayRun(site, current.guid, 'switched to');
  }

  #database(site: SimSite): void {
    const { code, disk } = site;
    const { product, fail } = this.#truth;
    // Every event of its own becomes a record, and gives it the next number: what has none has changed no state.
    const { own, trusted } = disk.read(({ records, settings, updates }) => {
      const head = records.head();
      const isSame = this.#heads.get(code) === head;
      this.#heads.set(code, head);
      return {
        own: isSame ? [] : updates.projections({ site: code }),
        trusted: settings.get(trustedSettingName),
      };
    });
    for (const projection of own) {
      const { guid, sequence } = projection;
      const key = `${code} ${guid}`;
      const before = this.#sequences.get(key) ?? 0;
      if (sequence === before) continue;
      this.#sequences.set(key, sequence);
      if (sequence < before) fail(`${code} has lost events of ${guid}: ${sequence} are left`);
      const events = disk.read(({ updates }) => updates.events({ guid, site: code }));
      for (const problem of foldProblem(events, projection)) fail(`${code}: ${problem}`);
      if (this.#installs.observe(site, projection)) this.#mayRun(site, guid, 'began to install');
    }
    // Last: what a site hears now counts for what it begins from now on.
    this.#withdrawals.observe(site, product, trusted);
  }

  /** No site goes before its parent. */
  #mayRun(site: SimSite, guid: string, what: string): void {
    const { product, parentOf, siteOf, fail } = this.#truth;
    const parent = parentOf(site.code);
    const above = parent === undefined ? undefined : siteOf(parent)?.disk.currentRelease(product);
    if (parent === undefined || above === undefined || this.#ever.get(parent)?.has(guid) === true) return;
    if (!above.installed.some((held) => held === guid)) {
      fail(`${site.code} ${what} ${guid} before its parent ${parent}, which runs ${above.version}`);
    }
  }

  /** Trusted versions never fall. */
  #trust(site: SimSite, [role, bytes]: readonly unknown[]): void {
    if (typeof role !== 'string' || !(bytes instanceof Uint8Array)) return;
    const { signed } = JSON.parse(new TextDecoder().decode(bytes)) as {
      readonly signed: { readonly version: number };
    };
    const key = `${site.code} ${role}`;
    const before = this.#trusted.get(key) ?? 0;
    if (signed.version < before) {
      this.#truth.fail(`${site.code} trusts ${role} ${signed.version} after ${before}`);
    }
    this.#trusted.set(key, signed.version);
  }
}
