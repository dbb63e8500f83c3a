import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs, PackageGuid } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { GateAnswer, PackageGate } from '../update-installer/ports.ts';
import { isDocumentPath, rolloutPath } from './document-paths.ts';
import { isTopTierSite, type SiteIdentity } from './site-identity.ts';
import type { TrustedDocuments } from './trusted-documents.ts';
import { type DocumentProblem, packageOf } from './trusted-view.ts';

/** A child asks its parent again before it installs, but not for every question. */
const freshMs = 60_000;

/**
 * Whether an install may go on: not when the vendor withdrew the package or stopped its roll-out. Metadata that
 * have expired close nothing, and open nothing that they closed: expiry stops new orders, never what was ordered.
 * While a document cannot be read here nothing is decided: the hierarchy manager fetches it again.
 */
export class TrustedPackageGate implements PackageGate {
  readonly #site: SiteIdentity;
  readonly #documents: TrustedDocuments;
  readonly #clock: Clock;
  readonly #log: Log;
  #refreshedAt: EpochMs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    readonly site: SiteIdentity;
    readonly documents: TrustedDocuments;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#site = options.site;
    this.#documents = options.documents;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  async gate(guid: PackageGuid, signal: AbortSignal): Promise<GateAnswer> {
    await this.#refresh(signal);
    const view = await this.#documents.view();
    const known = packageOf(view, guid);
    if (known === undefined) {
      // A descriptor says nothing of packages other than its own, which the catalogue names.
      const damaged = view.damaged.find(({ what }) => isDocumentPath(what));
      return damaged === undefined
        ? { go: false, reason: 'This site’s trusted catalogue does not name the package.' }
        : undecided('whether the vendor still stands by the package', damaged);
    }
    const { withdrawn } = known.entry;
    if (withdrawn !== undefined) {
      return { go: false, reason: `The vendor withdrew the package on ${withdrawn.at}: ${withdrawn.reason}` };
    }
    // In date or not: expiry takes a stop back no more than it makes anything available.
    const { newestRollout, product } = known.product;
    const stopped = newestRollout?.packages.find((entry) => entry.guid === guid)?.stopped;
    if (stopped !== undefined) {
      return { go: false, reason: `The vendor stopped the roll-out of the package: ${stopped.reason}` };
    }
    const damaged = view.damaged.find(({ what }) => what === rolloutPath(product));
    return damaged === undefined
      ? { go: true }
      : undecided('whether the vendor stopped the roll-out of the package', damaged);
  }

  /** The top-tier site's metadata are the downloader's; a child takes its parent's, when it can be had. */
  async #refresh(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    if (isTopTierSite(this.#site) || Math.abs(now - this.#refreshedAt) < freshMs) return;
    this.#refreshedAt = now;
    try {
      await this.#documents.refresh(signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#log.info(
        'Metadata could not be fetched from the parent before the install, those held here count: {error}',
        { error: messageOf(error) },
      );
    }
  }
}

function undecided(what: string, { message }: DocumentProblem): GateAnswer {
  return { go: false, undecided: true, reason: `It is not known ${what}: ${message}` };
}
