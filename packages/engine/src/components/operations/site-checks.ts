import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import { titleOf } from '@sallyport/core/domain/updates/title';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import { isOlder } from '../hierarchy-manager/order-judgement.ts';
import { isAtRest, isRetryable } from '../hierarchy-manager/package-states.ts';
import { readSelection, resultOf } from '../hierarchy-manager/selection-setting.ts';
import type { TrustedPackage } from '../hierarchy-manager/trusted-view.ts';
import { OperationError } from './operation-error.ts';
import { isWorking, type SiteWork } from './order-book.ts';
import type { OrderBooks } from './order-books.ts';
import { nameOf } from './package-checks.ts';
import type { OperationsPorts } from './site-ports.ts';
import { factsOf } from './site-view.ts';

/**
 * What must hold of the hierarchy's sites before an action: which it is for, and what else goes on there.
 *
 * All throw `OperationError`, with cause and remedy.
 */
export class SiteChecks {
  readonly #ports: OperationsPorts;
  readonly #books: OrderBooks;

  constructor(ports: OperationsPorts, books: OrderBooks) {
    this.#ports = ports;
    this.#books = books;
  }

  /** @param except a package of which other sites may be installing while one tries again */
  noInstallRunning(except?: PackageGuid): void {
    const running = this.#books.open().runningInstall();
    if (running === undefined || running.guid === except) return;
    const selected = this.#ports.database.read(({ settings }) =>
      resultOf(readSelection(settings), running.guid),
    );
    const name =
      selected === undefined
        ? `package ${running.guid}`
        : `${titleOf(selected.name, selected.version)} (${running.guid})`;
    const sites = running.sites.join(', ');
    const stopped = running.stoppedAt.join(', ');
    throw new OperationError(
      'INSTALL_RUNNING',
      stopped === ''
        ? `${name} is being installed at ${sites}, and a hierarchy installs one package at a time: wait for the end, or cancel it`
        : `${name} has stopped at ${stopped}, and ${sites} ${running.sites.length === 1 ? 'waits' : 'wait'} for that: nothing goes on by itself, and a hierarchy installs one package at a time. Retry it there, or cancel it first`,
      { guid: running.guid, sites: running.sites.join(','), stoppedAt: running.stoppedAt.join(',') },
    );
  }

  nothingInstalled(found: TrustedPackage): void {
    const { guid } = found.entry;
    const works = this.#books.open().workOf(guid);
    const installed = this.#ports.database.read((tables) =>
      works.filter(({ site, projection }) => {
        const runsIt =
          factsOf(tables, site.code)?.products.some((product) => product.installed.includes(guid)) === true;
        return (
          runsIt || projection?.state === 'INSTALL_IN_PROGRESS' || projection?.state === 'INSTALL_SUCCESS'
        );
      }),
    );
    if (installed.length === 0) return;
    const codes = installed.map(({ site }) => site.code).join(', ');
    throw new OperationError(
      'NOT_ALLOWED',
      `${nameOf(found)} is installed, or being installed, at ${codes}: nothing can be reset any more; retry where it failed`,
      { guid, sites: codes },
    );
  }

  /** The sites named, for an install: the top-tier site and primaries. */
  primaries(codes: readonly SiteCode[]): readonly SiteCode[] {
    this.#primariesOnly(codes);
    if (!codes.includes(this.#ports.site.code)) {
      throw new OperationError(
        'NOT_ALLOWED',
        `the top-tier site ${this.#ports.site.code} installs first: name it too, or leave the sites out`,
      );
    }
    return codes;
  }

  /**
   * Where the top-tier site has installed the package: the primaries that lack it and that nobody has told yet, of
   * those named. They were left out, or were not there then. None while the top-tier site lacks it too.
   */
  followers({ entry, product }: TrustedPackage, named: readonly SiteCode[] | undefined): readonly SiteCode[] {
    const { database, site: here } = this.#ports;
    const heldAt = (code: SiteCode): SiteFacts['products'][number] | undefined =>
      database
        .read((tables) => factsOf(tables, code))
        ?.products.find((held) => held.product === product.product);
    if (heldAt(here.code)?.installed.includes(entry.guid) !== true) return [];
    if (named !== undefined) this.#primariesOnly(named);
    return this.#books
      .open()
      .workOf(entry.guid)
      .filter((work) => work.site.type !== 'secondary' && (named?.includes(work.site.code) ?? true))
      .filter((work) => !isWorking(work) && work.projection?.state !== 'INSTALL_IN_PROGRESS')
      .map(({ site }) => site.code)
      .filter((code) => {
        const held = heldAt(code);
        return (
          held !== undefined && !held.installed.includes(entry.guid) && !isOlder(entry.version, held.version)
        );
      });
  }

  #primariesOnly(codes: readonly SiteCode[]): void {
    const { roster } = this.#ports.hierarchy.current();
    for (const code of codes) {
      const entry = entryOf(roster, code);
      if (entry === undefined || entry.revoked !== undefined) {
        throw new OperationError(
          'NOT_FOUND',
          `there is no site ${code} in the hierarchy${entry === undefined ? '' : ': it was revoked'}`,
          { site: code },
        );
      }
      if (entry.type === 'secondary') {
        throw new OperationError(
          'NOT_ALLOWED',
          `${code} is a secondary site: bring it to what its parent has with "upgrade-secondary"`,
          { site: code },
        );
      }
    }
  }

  /** Sites install after their parents: each one's parent has the package, works on it, or is told too. */
  parentsFirst(found: TrustedPackage, sites: readonly SiteCode[]): void {
    const { guid } = found.entry;
    const works = this.#books.open().workOf(guid);
    for (const code of sites) {
      const parent = works.find(
        ({ site }) => site.code === works.find((w) => w.site.code === code)?.site.parent,
      );
      if (parent === undefined || sites.includes(parent.site.code) || isWorking(parent)) continue;
      const { products = [] } =
        this.#ports.database.read((tables) => factsOf(tables, parent.site.code)) ?? {};
      if (products.some(({ installed }) => installed.includes(guid))) continue;
      throw new OperationError(
        'NOT_ALLOWED',
        `${code} installs after its parent ${parent.site.code}, which has no attempt at ${nameOf(found)} under way (${parent.projection?.state ?? 'UNKNOWN'}): retry it there too, or order it anew with "install"`,
        { guid, site: code, parent: parent.site.code },
      );
    }
  }

  /** Where the last attempt has stopped: everywhere, or at the one site named. */
  stoppedSites(found: TrustedPackage, only: SiteCode | undefined): readonly SiteCode[] {
    const works = this.#books.open().workOf(found.entry.guid);
    const stopped = works.filter(isStopped).map(({ site }) => site.code);
    if (only === undefined && stopped.length > 0) return stopped;
    if (only !== undefined && stopped.includes(only)) return [only];
    const where = only === undefined ? 'at any site' : `at ${only}`;
    const states = works
      .filter(({ order }) => order !== undefined)
      .map(({ site, projection }) => `${site.code}: ${projection?.state ?? 'UNKNOWN'}`);
    throw new OperationError(
      'NOT_ALLOWED',
      `no attempt at ${nameOf(found)} has stopped ${where}, so there is nothing to retry (${states.join(', ') || 'it was never ordered'})`,
      { guid: found.entry.guid },
    );
  }
}

/** Failed, stopped at a warning, refused or cancelled: nothing goes on there by itself. */
function isStopped({ projection, order, refusal }: SiteWork): boolean {
  if (projection !== undefined && isRetryable(projection.state)) return true;
  if (order?.action === 'cancel') return projection === undefined || isAtRest(projection.state);
  return refusal !== undefined && order !== undefined && (projection?.attempt ?? 0) < order.attempt;
}
