import type { LicenceAcceptance, WarningConsent } from '@sallyport/core/domain/updates/order';
import { allowedEvents } from '@sallyport/core/domain/updates/state';
import { titleOf } from '@sallyport/core/domain/updates/title';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { ApiInput, ConsentInput } from '@sallyport/core/wire/api';
import { isOnlyEvaluated } from '../hierarchy-manager/package-states.ts';
import { readSelection, resultOf } from '../hierarchy-manager/selection-setting.ts';
import type { TrustedPackage, TrustedView } from '../hierarchy-manager/trusted-view.ts';
import { consentFor, knownWarnings, notConsented } from './consent.ts';
import { OperationError } from './operation-error.ts';
import { isWorking } from './order-book.ts';
import type { OrderBooks } from './order-books.ts';
import { licenceDigest } from './package-views.ts';
import type { OperationsPorts } from './site-ports.ts';

/**
 * What must hold of a package before an action: each answers what the action needs, or refuses with cause and remedy.
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
