import type { SiteReleases } from '@sallyport/core/domain/exchange/exchange';
import { siteReleasesFormat } from '@sallyport/core/wire/facts';
import { siteCode, type SiteCode } from '@sallyport/core/shared/ids';
import { entryOf } from '@sallyport/core/domain/sites/roster';
import { adoptHierarchy } from '@sallyport/engine/components/hierarchy-identity/hierarchy-setting';
import {
  HierarchyView,
  type Hierarchy,
} from '@sallyport/engine/components/hierarchy-identity/hierarchy-view';
import { joinHierarchy } from '@sallyport/engine/components/hierarchy-identity/join-hierarchy';
import { releasesRecordKey } from '@sallyport/engine/components/hierarchy-manager/own-records';
import { ReplicationManager } from '@sallyport/engine/components/replication-manager/replication-manager';
import { LinkError } from '@sallyport/engine/ports/link-error';
import type { SiteDatabase } from '@sallyport/engine/ports/site-database';
import type { FirstRelease, FirstReleaseSource } from '@sallyport/engine/site/first-releases';
import { PeerTlsJoin } from '@sallyport/engine/transport/peer-tls/peer-tls-join';
import { PeerTlsLink } from '@sallyport/engine/transport/peer-tls/peer-tls-link';
import { tlsIdentity } from '@sallyport/engine/transport/peer-tls/tls-identity';
import type { SiteAdapters } from './adapters.ts';
import type { ChildAnswers } from './setup-answers.ts';
import { SetupError } from './setup-error.ts';

/** A parent that has taken the new site in. */
export interface JoinedParent {
  readonly hierarchy: Hierarchy['documents'];
  readonly source: FirstReleaseSource;
  /** What the parent runs, once it has said so. */
  releases(signal: AbortSignal): Promise<readonly FirstRelease[]>;
  close(): Promise<void>;
}

/** The vendor's root that the new site was given. */
export interface PinnedRoot {
  /** Where it came from, for people. */
  readonly file: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** After a question that did not get through. */
const retryMs = 2_000;

/**
 * Joins the hierarchy that the token names and opens the link to the parent. The token counts once, so the parent is
 * first asked which root it believes: a site with another one could not take anything from it.
 *
 * @throws {SetupError} JOIN_REFUSED, BAD_TRUST_ROOT
 * @throws {HierarchyError} {LinkError} see `joinHierarchy`
 */
export async function joinParent(
  work: {
    readonly adapters: SiteAdapters;
    readonly database: SiteDatabase;
    readonly say: (text: string) => void;
  },
  { code, type, token }: Pick<ChildAnswers, 'code' | 'token' | 'type'>,
  own: {
    readonly link: { readonly secret: Uint8Array; readonly signer: { readonly publicKey: string } };
    readonly root: PinnedRoot;
  },
  signal: AbortSignal,
): Promise<JoinedParent> {
  const { adapters, database, say } = work;
  const { link, root } = own;
  const identity = await tlsIdentity(link.secret, code);
  const tools = { check: adapters.check, digestOf: adapters.digests.of };
  const hierarchy = await ask();
  adoptHierarchy(database, hierarchy);
  const parentCode = siteCode(token.parent);
  const view = new HierarchyView({ database, ...tools });
  const parentLink = new PeerTlsLink({
    parent: parentCode,
    address: token.address,
    parentKey: () => entryOf(view.current().roster, parentCode)?.key ?? token.parentKey,
    identity,
    clock: adapters.clock,
  });
  const replication = new ReplicationManager({
    ...adapters,
    site: code,
    database,
    view,
    log: adapters.logs.of('SMS_REPLICATION_MANAGER'),
    parent: { site: parentCode, link: parentLink },
  });
  return {
    hierarchy,
    source: { repository: parentLink.repository, content: parentLink.content },
    releases: async (waiting) => {
      await replication.start();
      say(`asks ${token.parent} which release to begin with`);
      const { releases } = await firstRecord(database, parentCode, waiting);
      if (releases.length === 0)
        throw new SetupError(
          'BASELINE_UNKNOWN',
          `parent site ${parentCode} runs no product yet: install one there first, or give --media and --baseline`,
        );
      return releases;
    },
    close: async () => {
      await replication.stop();
      await parentLink.close();
    },
  };

  /** A parent that began with a newer root does not hold this one; what it passes on is verified in any case. */
  async function compareRoots(channel: PeerTlsJoin, onProgress: (reason: string) => void): Promise<void> {
    const { file, version, bytes } = root;
    const theirs = await patiently(() => channel.trustRoot(version, signal), onProgress);
    if (theirs === undefined || sameBytes(theirs, bytes)) return;
    throw new SetupError(
      'BAD_TRUST_ROOT',
      `${file} is not the trust root of this hierarchy: as version ${version}, site ${token.parent} believes another one (SHA-256 ${adapters.digests.of('sha256', theirs)}). Give the file that the top-tier site was set up with; the join token has not been used`,
    );
  }

  /** A parent that cannot be reached now is asked again, as long as the administrator waits. */
  async function patiently<T>(question: () => Promise<T>, onProgress: (reason: string) => void): Promise<T> {
    for (;;) {
      try {
        return await question();
      } catch (error) {
        if (!(error instanceof LinkError && (error.code === 'UNREACHABLE' || error.code === 'STALLED')))
          throw error;
        onProgress(error.message);
      }
      await adapters.clock.sleep(retryMs, signal);
    }
  }

  async function ask(): Promise<Hierarchy['documents']> {
    const channel = new PeerTlsJoin(token, identity);
    try {
      let said = '';
      const onProgress = (reason: string): void => {
        if (reason !== said) say(reason);
        said = reason;
      };
      say(`asks ${token.parent} at ${token.address} to take site ${code} in`);
      await compareRoots(channel, onProgress);
      const outcome = await joinHierarchy(
        { ...adapters, token, code, type, linkKey: link.signer.publicKey, channel, tools, onProgress },
        signal,
      );
      if (outcome.state === 'refused')
        throw new SetupError('JOIN_REFUSED', `site ${code} may not join: ${outcome.reason}`, {
          code: outcome.code,
        });
      say(`site ${code} is in the roster of hierarchy ${outcome.hierarchy.hierarchyId}`);
      return outcome.hierarchy.documents;
    } finally {
      await channel.close();
    }
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

async function firstRecord(
  database: SiteDatabase,
  parent: SiteCode,
  signal: AbortSignal,
): Promise<SiteReleases> {
  const found = Promise.withResolvers<SiteReleases>();
  const look = (): void => {
    const record = database.read(({ records }) => records.get(parent, 'site-releases', releasesRecordKey));
    if (record === undefined) return;
    try {
      found.resolve(siteReleasesFormat.check(record.body));
    } catch (error) {
      found.reject(error);
    }
  };
  const stopListening = database.onCommit(look);
  const giveUp = (): void => found.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    look();
    return await found.promise;
  } finally {
    stopListening();
    signal.removeEventListener('abort', giveUp);
  }
}
