import type { UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import type { ProductId, SiteCode } from '@sallyport/core/shared/ids';
import type { CurrentRelease } from '@sallyport/engine/ports/releases';
import type { SimSite } from '../site/sim-site.ts';
import type { SimPublished } from '../vendor/sim-package.ts';
import { wasOpen } from './window-oracle.ts';

/** What a watch judges by: the truth, not any site's word. */
export interface Truth {
  readonly product: ProductId;
  readonly packages: ReadonlyMap<string, SimPublished>;
  readonly siteOf: (code: SiteCode) => SimSite | undefined;
  readonly parentOf: (code: SiteCode) => SiteCode | undefined;
  readonly windowsOf: (code: SiteCode) => readonly ServiceWindow[];
  /** Tells of something that must never be. */
  readonly fail: (problem: string) => void;
}

/** Looks at every site's disk after everything that may have changed it. */
export class Watch {
  readonly #truth: Truth;
  readonly #pointers = new Map<SiteCode, CurrentRelease>();
  /** Everything that a site has run, on a disk that was put back since as well. */
  readonly #ever = new Map<SiteCode, Set<string>>();
  readonly #started = new Set<string>();
  readonly #heads = new Map<SiteCode, number>();
  readonly #sequences = new Map<string, number>();
  readonly #trusted = new Map<string, number>();
  /** Installs that began, of all sites. */
  installs = 0;

  constructor(truth: Truth) {
    this.#truth = truth;
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
    // Every event of its own becomes a record, and gives it the next number: what has none has changed no state.
    const own = disk.read(({ records, updates }) => {
      const head = records.head();
      if (this.#heads.get(code) === head) return [];
      this.#heads.set(code, head);
      return updates.projections({ site: code });
    });
    for (const projection of own) {
      const key = `${site.code} ${projection.guid}`;
      const { sequence } = projection;
      if (sequence < (this.#sequences.get(key) ?? 0)) {
        this.#truth.fail(`${site.code} has lost events of ${projection.guid}: ${sequence} are left`);
      }
      this.#sequences.set(key, sequence);
      this.#installStarted(site, projection);
    }
  }

  #installStarted(site: SimSite, { guid, attempt, state }: UpdateProjection): void {
    const key = `${site.code} ${guid} ${attempt}`;
    if (state !== 'INSTALL_IN_PROGRESS' || this.#started.has(key)) return;
    this.#started.add(key);
    this.installs += 1;
    this.#mayRun(site, guid, 'began to install');
    const windows = this.#truth.windowsOf(site.code);
    if (!wasOpen(windows, site.clock.now())) {
      this.#truth.fail(
        `${site.code} began to install ${guid} at ${new Date(site.clock.now()).toISOString()} by its clock, outside its window ${JSON.stringify(windows)}`,
      );
    }
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
