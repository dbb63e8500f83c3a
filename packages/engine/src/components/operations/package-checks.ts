import type { LicenceAcceptance, WarningConsent } from '@sallyport/core/domain/updates/order';
import { allowedEvents } from '@sallyport/core/domain/updates/state';
import { titleOf } from '@sallyport/core/domain/updates/title';
import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { ApiInput, ConsentInput } from '@sallyport/core/wire/api';
import { isOlder } from '../hierarchy-manager/order-judgement.ts';
import { isAtRest, isOnlyEvaluated, isRetryable } from '../hierarchy-manager/package-states.ts';
import { readSelection, resultOf } from '../hierarchy-manager/selection-setting.ts';
import type { TrustedPackage, TrustedView } from '../hierarchy-manager/trusted-view.ts';
import { consentFor, knownWarnings, notConsented } from './consent.ts';
import { OperationError } from './operation-error.ts';
import { isWorking, type SiteWork } from './order-book.ts';
import type { OrderBooks } from './order-books.ts';
import { licenceDigest } from './package-views.ts';
import type { OperationsPorts } from './site-ports.ts';
import { factsOf } from './site-view.ts';

/**
 * What must hold before an action: each answers what the action needs, or refuses with cause and remedy.
 *
 * All throw `OperationError`.
 */
export class PackageChecks {
  readonly #ports: OperationsPorts;
  readonly #books: OrderBooks;

  constructor(ports: OperationsPorts, books: OrderBooks) {
    this.#ports = ports;
    this.#books = books;
  }

  /** Answers what to warn of: a superseded package may be used, but somebody should know. */
  available(found: TrustedPackage): readonly string[] {
    const selected = this.#ports.database.read(({ settings }) =>
      resultOf(readSelection(settings), found.entry.guid),
    );
    const because =
      selected?.reasons.map(({ sentence }) => sentence).join(' ') ?? 'It has not been selected yet.';
    if (selected?.verdict === 'available') return [];
    if (selected?.verdict === 'superseded') return [because];
    if (selected?.verdict === 'installed') {
      throw new OperationError(
        'NOT_AVAILABLE',
        `${nameOf(found)} is installed already: there is nothing to do.`,
      );
    }
    const remedy = selected?.reasons.map(({ change }) => change).join(' ') ?? 'Check for updates.';
    throw new OperationError(
      'NOT_AVAILABLE',
      `${nameOf(found)} is not available: ${because} What would change that: ${remedy}`,
      {
        guid: found.entry.guid,
        verdict: selected?.verdict ?? 'unknown',
      },
    );
  }

  /** For sites that follow: the top-tier site has the package, so only the vendor's word counts now. */
  trusted(found: TrustedPackage, view: TrustedView): void {
    const { entry, product } = found;
    const problem = view.problem ?? product.problem;
    // Of a roll-out that has expired, too: expiry takes no stop back.
    const stopped = product.newestRollout?.packages.find(({ guid }) => guid === entry.guid)?.stopped;
    if (problem !== undefined) throw mustNotInstall(found, problem.message);
    this.notWithdrawn(found);
    if (stopped !== undefined)
      throw mustNotInstall(found, `the vendor stopped its roll-out: ${stopped.reason}`);
  }

  /** Nothing takes a withdrawal back, so that it is the answer whatever else stands against the package. */
  notWithdrawn(found: TrustedPackage): void {
    const { withdrawn } = found.entry;
    if (withdrawn === undefined) return;
    throw mustNotInstall(
      found,
      `the vendor withdrew it on ${withdrawn.at}: ${withdrawn.reason}; a withdrawn package is never installed again`,
    );
  }

  /** Its content is here, and nothing of it is under way. */
  orderable(found: TrustedPackage): void {
    const { guid } = found.entry;
    const work = this.#books
      .open()
      .workOf(guid)
      .find(({ site }) => site.code === this.#ports.site.code);
    const state = work?.projection?.state ?? 'UNKNOWN';
    if (state === 'DOWNLOAD_SUCCESS' && work?.pending !== true) return;
    if (isOnlyEvaluated(state) || state === 'DOWNLOAD_IN_PROGRESS' || state === 'DOWNLOAD_FAILED') {
      const remedy =
        state === 'DOWNLOAD_IN_PROGRESS'
          ? 'wait for the end of its download'
          : 'start its download with "download" first';
      throw new OperationError(
        'NOT_DOWNLOADED',
        `the content of ${nameOf(found)} is not here yet (${state}): ${remedy}`,
        { guid, state },
      );
    }
    if (work !== undefined && isWorking(work)) {
      throw new OperationError(
        'NOT_ALLOWED',
        `${nameOf(found)} is under way already (${state}): see its status, or cancel it first`,
        { guid, state },
      );
    }
    if (!allowedEvents(state).includes('ordered')) {
      throw new OperationError('NOT_ALLOWED', `${nameOf(found)} cannot be ordered in state ${state}`, {
        guid,
        state,
      });
    }
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
    throw new OperationError(
      'INSTALL_RUNNING',
      `${name} is being installed at ${running.sites.join(', ')}, and a hierarchy installs one package at a time: wait for the end, or cancel it`,
      { guid: running.guid, sites: running.sites.join(',') },
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

  licence(
    found: TrustedPackage,
    { acceptLicence, by }: ApiInput<'install'>,
  ): { readonly licence?: LicenceAcceptance } {
    const licence = found.descriptor?.licence;
    if (licence === undefined) return {};
    if (acceptLicence !== true) {
      throw new OperationError(
        'LICENCE_NOT_ACCEPTED',
        `${nameOf(found)} comes under "${licence.name}": read it with "sallyport update show ${found.entry.guid}", then accept it or leave the package`,
        { guid: found.entry.guid, licence: licence.name },
      );
    }
    const { clock, digests } = this.#ports;
    return {
      licence: {
        by,
        at: new Date(clock.now()).toISOString(),
        textSha256: licenceDigest(licence.text, digests),
      },
    };
  }

  features(found: TrustedPackage, chosen: readonly string[] = []): readonly string[] {
    const known = found.descriptor?.features.map(({ id }) => id) ?? [];
    const unknown = chosen.find((id) => !known.includes(id));
    if (unknown === undefined) return chosen;
    throw new OperationError(
      'NOT_FOUND',
      `${nameOf(found)} has no feature "${unknown}": it has ${known.join(', ') || 'none'}`,
      { feature: unknown },
    );
  }

  /** @param mode `required`: warnings that stand in the way need a consent now; `offered`: the check is made anew first */
  consent(
    found: TrustedPackage,
    given: ConsentInput | undefined,
    sites: readonly SiteCode[] | undefined,
    mode: 'offered' | 'required',
  ): { readonly given: { readonly consent?: WarningConsent }; readonly notes: readonly string[] } {
    const all = this.#ports.database.read((tables) => knownWarnings(tables, found.entry.guid));
    const known =
      sites === undefined ? all : all.filter((warning) => sites.some((site) => site === warning.site));
    if (given !== undefined) {
      const consent = consentFor(known, given, this.#ports.clock.now());
      if (consent !== undefined) return { given: { consent }, notes: [] };
      return {
        given: {},
        notes: [
          'No warnings are known, so there is nothing to ignore: a warning that turns up stops the install.',
        ],
      };
    }
    if (mode === 'required' && known.length > 0) throw notConsented(known);
    return { given: {}, notes: [] };
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

/** For people. */
export function nameOf({ product, entry, descriptor }: TrustedPackage): string {
  const name = descriptor?.name ?? product.catalogue.productName;
  return titleOf(name, entry.version);
}

function mustNotInstall(found: TrustedPackage, because: string): OperationError {
  return new OperationError('NOT_AVAILABLE', `${nameOf(found)} must not be installed now: ${because}`, {
    guid: found.entry.guid,
  });
}

/** Failed, stopped at a warning, refused or cancelled: nothing goes on there by itself. */
function isStopped({ projection, order, refusal }: SiteWork): boolean {
  if (projection !== undefined && isRetryable(projection.state)) return true;
  if (order?.action === 'cancel') return projection === undefined || isAtRest(projection.state);
  return refusal !== undefined && order !== undefined && (projection?.attempt ?? 0) < order.attempt;
}
