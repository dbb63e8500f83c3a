import { EventEmitter, once } from 'node:events';
import type { TestContext } from 'node:test';
import { type SiteCode, siteCode } from '@sallyport/core/shared/ids';
import { parseJoinToken } from '@sallyport/core/wire/join';
import { systemClock } from '../src/compute/clock.ts';
import { nodeDigests } from '../src/compute/digest.ts';
import { nodeKeys } from '../src/compute/ed25519.ts';
import { systemRandom } from '../src/compute/random.ts';
import { checkSignature } from '../src/compute/signature-check.ts';
import {
  createHierarchy,
  linkKeyName,
  loadOrCreateKey,
  operatingKeyName,
} from '../src/components/hierarchy-identity/create-hierarchy.ts';
import { HierarchyAuthority } from '../src/components/hierarchy-identity/hierarchy-authority.ts';
import { adoptHierarchy } from '../src/components/hierarchy-identity/hierarchy-setting.ts';
import { HierarchyView } from '../src/components/hierarchy-identity/hierarchy-view.ts';
import { JoinDesk } from '../src/components/hierarchy-identity/join-desk.ts';
import { joinHierarchy, type JoinOutcome } from '../src/components/hierarchy-identity/join-hierarchy.ts';
import type { ChildQuota } from '../src/components/replication-manager/admission.ts';
import { ReplicationManager } from '../src/components/replication-manager/replication-manager.ts';
import { StoreRepository } from '../src/components/trust/store-repository.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Log, LogFields } from '../src/ports/log.ts';
import type { ReadTables, SiteDatabase } from '../src/ports/site-database.ts';
import { MemoryBlobs } from '../src/storage/memory/blobs.ts';
import { MemoryTrustStore } from '../src/storage/memory/trust-store.ts';
import { memoryDatabase } from '../src/storage/sqlite/test-support/databases.ts';
import { blobTargets } from '../src/components/trust/blob-targets.ts';
import { PeerTlsJoin } from '../src/transport/peer-tls/peer-tls-join.ts';
import { PeerTlsLink } from '../src/transport/peer-tls/peer-tls-link.ts';
import { PeerTlsServer } from '../src/transport/peer-tls/peer-tls-server.ts';
import { tlsIdentity, type TlsIdentity } from '../src/transport/peer-tls/tls-identity.ts';
import { MemoryVault } from '../src/storage/memory/vault.ts';

/** How long a test waits for something that should take milliseconds. */
const patienceMs = 20_000;

/** A log that tests can wait on. */
export class WatchedLog implements Log {
  readonly lines: string[] = [];
  readonly #written = new EventEmitter();

  debug(message: string, fields?: LogFields): void {
    this.#write(message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#write(message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#write(message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#write(message, fields);
  }

  /** The first line, of the past or to come, that fits. */
  async line(pattern: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(patienceMs);
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) {
        return found;
      }
      await once(this.#written, 'line', { signal }).catch(() => {
        throw new Error(`no line ${String(pattern)} came; these did:\n${this.lines.join('\n')}`);
      });
    }
  }

  #write(message: string, fields: LogFields = {}): void {
    this.lines.push(message.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(fields[name])));
    this.#written.emit('line');
  }
}

/** A site server's replication, complete and real: database in memory, TLS on loopback. */
export interface TestSite {
  readonly code: SiteCode;
  readonly database: SiteDatabase;
  readonly vault: MemoryVault;
  readonly view: HierarchyView;
  readonly log: WatchedLog;
  readonly identity: TlsIdentity;
  readonly manager: ReplicationManager;
  readonly blobs: MemoryBlobs;
  readonly trust: MemoryTrustStore;
  readonly link?: PeerTlsLink;
  readonly address: string;
  /** Ends the site server; the database stays. */
  stop(): Promise<void>;
  /** Resolves once `ready` holds in the database. */
  until(ready: (tables: ReadTables) => boolean): Promise<void>;
  /** The same for what is not read from the tables; asked after each commit. */
  when(ready: () => boolean): Promise<void>;
}

export interface TopTierSite extends TestSite {
  readonly authority: HierarchyAuthority;
  readonly desk: JoinDesk;
  readonly recoveryKeyPem: string;
}

export const passphrase = 'kept in a safe';

export interface SiteOptions {
  readonly clock?: Clock;
  readonly quota?: ChildQuota;
  readonly database?: SiteDatabase;
  readonly vault?: MemoryVault;
  /** Where it listens; a free port when not given. */
  readonly port?: number;
}

export async function topTierSite(
  t: TestContext,
  code = 'CAS',
  options: SiteOptions & { readonly type?: 'central' | 'primary' } = {},
): Promise<TopTierSite> {
  const site = siteCode(code);
  const vault = options.vault ?? new MemoryVault();
  const database = options.database ?? memoryDatabase(code);
  const made = await createHierarchy({
    vault,
    keys: nodeKeys,
    digests: nodeDigests,
    code: site,
    type: options.type ?? 'central',
    passphrase,
  });
  const { recoveryKeyPem, ...hierarchy } = made;
  adoptHierarchy(database, hierarchy);
  return { ...(await startTopTier(t, site, vault, database, options)), recoveryKeyPem };
}

/** Starts the site server of a top-tier site that has its hierarchy already. */
export async function startTopTier(
  t: TestContext,
  site: SiteCode,
  vault: MemoryVault,
  database: SiteDatabase,
  options: SiteOptions = {},
) {
  const clock = options.clock ?? systemClock;
  const view = viewOf(database);
  const log = new WatchedLog();
  const { signer } = await loadOrCreateKey(
    vault,
    nodeKeys,
    operatingKeyName(view.current().statement.sequence),
  );
  const authority = new HierarchyAuthority({ database, view, site, signer, clock, log });
  const desk = new JoinDesk({
    database,
    view,
    authority,
    keys: nodeKeys,
    digests: nodeDigests,
    clock,
    random: systemRandom,
    log,
  });
  const started = await start(t, {
    code: site,
    vault,
    database,
    view,
    log,
    options,
    topTier: { authority, desk },
  });
  return { ...started, authority, desk };
}

/** Issues a token at the top-tier site and joins with it. */
export async function joinedSite(
  t: TestContext,
  top: TopTierSite,
  parent: TestSite,
  code: string,
  type: 'primary' | 'secondary',
  options: SiteOptions = {},
): Promise<TestSite> {
  const token = tokenFor(top, parent, code, type);
  const { outcome, vault } = await tryJoin(token, code, type);
  if (outcome.state !== 'joined') {
    throw new Error(`${code} was refused: ${outcome.reason}`);
  }
  const database = options.database ?? memoryDatabase(code);
  adoptHierarchy(database, outcome.hierarchy.documents);
  return startChild(t, siteCode(code), vault, database, parent, options);
}

/** Starts the site server of a site that has joined already. */
export async function startChild(
  t: TestContext,
  site: SiteCode,
  vault: MemoryVault,
  database: SiteDatabase,
  parent: { readonly code: SiteCode; readonly address: string },
  options: SiteOptions = {},
): Promise<TestSite> {
  return start(t, {
    code: site,
    vault,
    database,
    view: viewOf(database),
    log: new WatchedLog(),
    options,
    parent,
  });
}

export function tokenFor(
  top: TopTierSite,
  parent: Pick<TestSite, 'address' | 'code'>,
  code: string,
  type: 'primary' | 'secondary',
  expiresAt = Date.now() + 3_600_000,
): string {
  return top.desk.issue({
    code: siteCode(code),
    type,
    parent: parent.code,
    address: parent.address,
    expiresAt,
  });
}

/** Joins with a token, as a site of its own that nothing is left of when it is refused. */
export async function tryJoin(
  token: string,
  code: string,
  type: 'primary' | 'secondary',
  vault = new MemoryVault(),
): Promise<{ readonly outcome: JoinOutcome; readonly vault: MemoryVault }> {
  const link = await loadOrCreateKey(vault, nodeKeys, linkKeyName);
  const parsed = parseJoinToken(token);
  const channel = new PeerTlsJoin(parsed, await tlsIdentity(link.secret, code));
  try {
    const outcome = await joinHierarchy(
      {
        token: parsed,
        code: siteCode(code),
        type,
        linkKey: link.signer.publicKey,
        channel,
        keys: nodeKeys,
        tools: { check: checkSignature, digestOf: nodeDigests.of },
        clock: systemClock,
      },
      AbortSignal.timeout(patienceMs),
    );
    return { outcome, vault };
  } finally {
    await channel.close();
  }
}

function viewOf(database: SiteDatabase): HierarchyView {
  return new HierarchyView({ database, check: checkSignature, digestOf: nodeDigests.of });
}

async function start(
  t: TestContext,
  site: {
    readonly code: SiteCode;
    readonly vault: MemoryVault;
    readonly database: SiteDatabase;
    readonly view: HierarchyView;
    readonly log: WatchedLog;
    readonly options: SiteOptions;
    readonly parent?: { readonly code: SiteCode; readonly address: string };
    readonly topTier?: { readonly authority: HierarchyAuthority; readonly desk: JoinDesk };
  },
): Promise<TestSite> {
  const { code, vault, database, view, log, options, parent, topTier } = site;
  const clock = options.clock ?? systemClock;
  const { secret } = await loadOrCreateKey(vault, nodeKeys, linkKeyName);
  const identity = await tlsIdentity(secret, code);
  const link =
    parent &&
    new PeerTlsLink({
      parent: parent.code,
      address: parent.address,
      parentKey: () => view.current().roster.sites.find((entry) => entry.code === parent.code)?.key ?? '',
      identity,
      clock,
    });
  const manager = new ReplicationManager({
    site: code,
    database,
    view,
    digests: nodeDigests,
    clock,
    random: systemRandom,
    log,
    ...(topTier === undefined ? {} : { topTier }),
    ...(parent === undefined || link === undefined ? {} : { parent: { site: parent.code, link } }),
    ...(options.quota === undefined ? {} : { quota: options.quota }),
  });
  const blobs = new MemoryBlobs();
  const trust = new MemoryTrustStore();
  const repository = new StoreRepository(`site ${code}`, trust, blobTargets(blobs));
  const server = new PeerTlsServer({ identity, handler: manager.children, blobs, repository, log });
  const { port } = await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  await manager.start();
  const stop = async (): Promise<void> => {
    await manager.stop();
    await link?.close();
    await server.close();
  };
  t.after(async () => {
    await stop();
    database.close();
  });
  return {
    code,
    database,
    vault,
    view,
    log,
    identity,
    manager,
    blobs,
    trust,
    ...(link === undefined ? {} : { link }),
    address: `127.0.0.1:${port}`,
    stop,
    until: (ready) => when(database, () => database.read(ready), log),
    when: (ready) => when(database, ready, log),
  };
}

async function when(database: SiteDatabase, ready: () => boolean, log: WatchedLog): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  for (;;) {
    const committed = Promise.withResolvers<void>();
    const stopListening = database.onCommit(() => committed.resolve());
    const giveUp = (): void =>
      committed.reject(
        new Error(`what the test waits for did not come: ${ready.toString()}\n${log.lines.join('\n')}`),
      );
    signal.addEventListener('abort', giveUp);
    try {
      if (ready()) {
        return;
      }
      await committed.promise;
    } finally {
      stopListening();
      signal.removeEventListener('abort', giveUp);
    }
  }
}
