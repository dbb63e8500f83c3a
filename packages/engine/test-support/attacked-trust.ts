import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { Agent } from 'undici';
import { TrustRefresher, type TrustRefresherOptions } from '../src/components/trust/refresher.ts';
import { nodeDigests } from '../src/compute/digest.ts';
import { checkSignature } from '../src/compute/signature-check.ts';
import { RepositorySourceError } from '../src/ports/repository.ts';
import { FileTrustStore } from '../src/storage/files/trust-store.ts';
import { HttpRepository } from '../src/transport/content-http/http-repository.ts';
import { type Answer, loopbackServer, type LoopbackServer } from './loopback-server.ts';
import { memoryFolder } from './temporary-folder.ts';

export const nowMs = Date.UTC(2026, 10, 24);
export const dayMs = 86_400_000;

/** The target that sites under attack look up, and the delegated role that knows it. */
export const catalogue = 'catalog/typescript.json';

/** A repository with a delegated role, as a vendor publishes one. */
export function vendorRepository(options: { readonly withHashes?: boolean } = {}): TufRepository {
  const repo = new TufRepository({ nowMs, ...options });
  repo.delegate('targets', 'catalog', { paths: ['catalog/*'], terminating: true });
  repo.addTarget(catalogue, Buffer.from('the catalogue'), 'catalog');
  repo.publishTargets();
  return repo;
}

/** A site with files for a trust store, and a vendor's server that may do to it whatever it likes. */
export interface AttackedSite {
  readonly repo: TufRepository;
  readonly server: LoopbackServer;
  /** The folder of the trust store. */
  readonly folder: string;
  readonly store: FileTrustStore;
  /** Answers that replace the honest ones, by path (`metadata/timestamp.json`, `targets/…`). */
  readonly twists: Map<string, Answer>;
  refresher(options?: Partial<TrustRefresherOptions>): TrustRefresher;
  /** All top-level roles, and the catalogue's bytes: what a site does with a vendor. */
  exchange(atMs?: number, options?: Partial<TrustRefresherOptions>): Promise<string>;
  /** Every file of the trust store with its bytes, by relative path; locks left out. */
  files(): Promise<Readonly<Record<string, string>>>;
  /** The vendor is himself again: everything as it was published before `attackedSite` ended, then a new version of it. */
  repair(): Promise<void>;
}

/** A site that has taken what `repo` publishes now, and trusts it. */
export async function attackedSite(
  t: TestContext,
  options: { readonly repo?: TufRepository; readonly idleTimeoutMs?: number } = {},
): Promise<AttackedSite> {
  const repo = options.repo ?? vendorRepository();
  const twists = new Map<string, Answer>();
  const server = await loopbackServer(t, (request, response) => {
    const path = (request.url ?? '').slice(1);
    const twist = twists.get(path);
    if (twist !== undefined) {
      twist(request, response);
      return;
    }
    const bytes = path.startsWith('metadata/')
      ? repo.metadataFiles.get(path.slice('metadata/'.length))
      : repo.targetFiles.get(decodeURIComponent(path.slice('targets/'.length)));
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());
  const source = new HttpRepository({
    metadataUrl: `${server.url}metadata`,
    targetsUrl: `${server.url}targets`,
    dispatcher,
    idleTimeoutMs: options.idleTimeoutMs ?? 5000,
  });
  const folder = await memoryFolder(t);
  const store = new FileTrustStore(folder);
  await store.saveRoot(1, repo.metadataFiles.get('1.root.json') ?? new Uint8Array());
  const refresher: AttackedSite['refresher'] = (more) =>
    new TrustRefresher({ store, source, check: checkSignature, digests: nodeDigests, ...more });
  const exchange: AttackedSite['exchange'] = async (atMs = nowMs, more) => {
    const client = refresher(more);
    const { signal } = new AbortController();
    await client.refresh(atMs, signal);
    return Buffer.from(await client.fetchTarget(catalogue, signal)).toString();
  };
  await exchange();
  const repair = remembered(repo);
  return {
    repo,
    server,
    folder,
    store,
    twists,
    refresher,
    exchange,
    files: () => filesBelow(folder),
    repair: async () => {
      twists.clear();
      const root = await store.load('root');
      repair(root === undefined ? 1 : parseMetadata('root', root).signed.version);
    },
  };
}

/** Everything of a repository that a thief can change; the function given puts it back, and publishes the next version. */
function remembered(repo: TufRepository): (trustedRoot: number) => void {
  const roles = () => ['root', 'timestamp', 'snapshot', ...repo.targetsRoles.keys()];
  const kept = structuredClone(Object.fromEntries(roles().map((role) => [role, repo.json(role)])));
  const signers = new Map(repo.signers);
  const files = new Map(repo.metadataFiles);
  const targets = new Map(repo.targetFiles);
  const { withHashes } = repo;
  return (trustedRoot) => {
    for (const role of roles()) {
      const before = kept[role];
      if (before === undefined) {
        repo.targetsRoles.delete(role);
        continue;
      }
      // Versions go on: what was published under a number, wrongly signed or not, is never published again.
      const version = role === 'root' ? trustedRoot : Math.max(before.version, repo.json(role).version);
      const json = repo.json(role);
      for (const field of Object.keys(json)) {
        delete json[field];
      }
      Object.assign(json, structuredClone(before), { version });
    }
    replace(repo.signers, signers);
    replace(repo.metadataFiles, files);
    replace(repo.targetFiles, targets);
    repo.withHashes = withHashes;
    if (trustedRoot > (kept['root']?.version ?? 0)) {
      repo.publish('root');
    }
    repo.publishTargets();
  };
}

function replace<K, V>(map: Map<K, V>, by: ReadonlyMap<K, V>): void {
  map.clear();
  for (const [key, value] of by) {
    map.set(key, value);
  }
}

async function filesBelow(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('run'))
    .map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(
    files.map(async (path) => [path.slice(folder.length + 1), await readFile(path, 'latin1')] as const),
  );
  return Object.fromEntries(read.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** An attack, and what a site must make of it. */
export interface Attack {
  /** Done to the vendor's repository or server after the site trusts it. */
  readonly does: (site: AttackedSite) => Promise<void> | void;
  /** The code of the error. */
  readonly code: string;
  /** What the error must say: role and cause. */
  readonly says: RegExp;
  /** Files of the store that change all the same, for what is believed before the attack shows. */
  readonly advances?: readonly string[];
  /** When the site looks; the time at which it came to trust the vendor when not given. */
  readonly atMs?: number;
  readonly repo?: () => TufRepository;
  readonly idleTimeoutMs?: number;
}

/**
 * The site refuses what the attack serves with an error that says what, where and what to do; its store is byte for
 * byte what it was; and as soon as the vendor is himself again it goes on.
 */
export async function withstands(t: TestContext, attack: Attack): Promise<void> {
  const site = await attackedSite(t, {
    ...(attack.repo === undefined ? {} : { repo: attack.repo() }),
    ...(attack.idleTimeoutMs === undefined ? {} : { idleTimeoutMs: attack.idleTimeoutMs }),
  });
  const before = await site.files();
  await attack.does(site);
  await assert.rejects(site.exchange(attack.atMs), (error) => {
    assert.ok(error instanceof TrustError || error instanceof RepositorySourceError, String(error));
    assert.equal(error.code, attack.code, error.message);
    assert.match(error.message, attack.says);
    saysWhereAndWhatToDo(error.message);
    return true;
  });
  const after = await site.files();
  const changed = Object.keys({ ...before, ...after }).filter((path) => before[path] !== after[path]);
  assert.deepEqual(changed.toSorted(), [...(attack.advances ?? [])].toSorted());
  await site.repair();
  assert.equal(await site.exchange(), 'the catalogue');
  assert.notEqual((await site.files())['timestamp.json'], before['timestamp.json']);
}

const places = /http:\/\/127\.0\.0\.1:|catalog\/|is not delegated|expired at/;
const remedies =
  /try again|another source|publisher must|publisher signs|tell the publisher|check the|let the server|fetch it again|refresh again|every version in between is needed/;

function saysWhereAndWhatToDo(message: string): void {
  assert.match(message, places, 'names the place');
  assert.match(message, remedies, 'names a remedy');
  assert.ok(message.length < 1000, `${message.length} characters are no message`);
}
