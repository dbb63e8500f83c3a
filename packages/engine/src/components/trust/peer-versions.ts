import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { TrustStore } from '../../ports/trust-store.ts';
import type { KnownMetadata } from './known-metadata.ts';

const roles = ['root', 'timestamp', 'snapshot', 'targets'] as const;

/** A peer's word is not signed: it may make this site look, and no more often than this. */
const lookEveryMs = 600_000;

/**
 * What neighbouring sites say of the vendor's metadata they trust, at each handshake. A neighbour that is ahead means
 * that there is something newer to fetch: a child hears of a publication at once, and a site that was restored from an
 * old backup does not go on from its old view.
 */
export class PeerVersions {
  readonly #options: PeerVersionsOptions;
  #lookedAt: EpochMs = Number.NEGATIVE_INFINITY;

  constructor(options: PeerVersionsOptions) {
    this.#options = options;
  }

  /** Versions of the top-level roles that this site trusts; roles it has none of, or only damaged bytes, are missing. */
  async own(): Promise<Readonly<Record<string, number>>> {
    const versions: Record<string, number> = {};
    const { trust, metadata } = this.#options;
    for (const role of roles) {
      const bytes = await trust.load(role);
      const version = bytes && versionOf(() => metadata.parse(role, bytes).signed.version);
      if (version !== undefined) versions[role] = version;
    }
    return versions;
  }

  /** A neighbour's versions. Looks for newer metadata when it is ahead of this site. */
  async heard(peer: Readonly<Record<string, number>>, signal: AbortSignal): Promise<void> {
    const { clock, log, refresh } = this.#options;
    const own = await this.own();
    const ahead = roles.find((role) => (peer[role] ?? 0) > (own[role] ?? 0));
    const now = clock.now();
    if (ahead === undefined || (now >= this.#lookedAt && now - this.#lookedAt < lookEveryMs)) return;
    this.#lookedAt = now;
    log.info('A neighbouring site trusts {role} {theirs}, this site {ours}: looks for newer metadata', {
      role: ahead,
      theirs: peer[ahead],
      ours: own[ahead] ?? 0,
    });
    try {
      await refresh(signal);
    } catch (error) {
      signal.throwIfAborted();
      log.info('Newer metadata could not be taken: {error}', { error: messageOf(error) });
    }
  }
}

/** Whoever needs damaged metadata says what is wrong with them; the link goes on without. */
function versionOf(read: () => number): number | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TrustError) return undefined;
    throw error;
  }
}

export interface PeerVersionsOptions {
  readonly trust: Pick<TrustStore, 'load'>;
  readonly metadata: Pick<KnownMetadata, 'parse'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Takes newer metadata from where this site takes them. */
  readonly refresh: (signal: AbortSignal) => Promise<unknown>;
}
