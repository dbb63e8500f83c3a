import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { targetRepositoryPath } from '@sallyport/core/domain/trust/metadata-name';
import type { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import { type Fetcher, Updater } from 'tuf-js';
import { nodeDigests } from '../../../compute/digest.ts';
import { checkSignature } from '../../../compute/signature-check.ts';
import { MemoryTrustStore } from '../../../storage/memory/trust-store.ts';
import { TrustRefresher } from '../refresher.ts';

// tuf-js is CommonJS and leaves its errors out of its exports.
const { DownloadHTTPError } = createRequire(import.meta.url)('tuf-js/dist/error.js') as {
  DownloadHTTPError: new (message: string, status: number) => Error;
};

const { signal } = new AbortController();

/** What a client made of a refresh, of a look for each path, and which bytes it trusts now. */
export interface Verdict {
  readonly refreshed: boolean;
  /** By path: `unknown`, `refused`, or the digest of the bytes that were accepted. */
  readonly found: Readonly<Record<string, string>>;
  readonly trusted: Readonly<Record<string, string | undefined>>;
}

/** Our client and tuf-js, which both began with the first root of one repository, and keep what they trust. */
export class TwoClients {
  readonly #repo: TufRepository;
  readonly store = new MemoryTrustStore();
  /** What tuf-js keeps. */
  readonly folder: string;

  private constructor(repo: TufRepository, folder: string) {
    this.#repo = repo;
    this.folder = folder;
  }

  static async open(repo: TufRepository): Promise<TwoClients> {
    const clients = new TwoClients(repo, await mkdtemp(join(tmpdir(), 'sallyport-oracle-')));
    const first = repo.metadataFiles.get('1.root.json') ?? new Uint8Array();
    await clients.store.saveRoot(1, first);
    await writeFile(join(clients.folder, 'root.json'), first);
    return clients;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  /** Our verdict on the repository as it is now. */
  async ours(nowMs: number, roles: readonly string[], paths: readonly string[]): Promise<Verdict> {
    const { store } = this;
    const client = new TrustRefresher({
      store,
      source: this.#repo,
      check: checkSignature,
      digests: nodeDigests,
    });
    const refreshed = await succeeds(() => client.refresh(nowMs, signal), mustBeVerdict);
    const found: Record<string, string> = {};
    for (const path of refreshed ? paths : []) {
      found[path] = await lookUp(
        async () =>
          (await client.targetInfo(path, signal)) === undefined
            ? undefined
            : client.fetchTarget(path, signal),
        mustBeVerdict,
      );
    }
    const trusted = await Promise.all(
      roles.map(async (name) => [name, summary(await store.load(name))] as const),
    );
    return { refreshed, found, trusted: Object.fromEntries(trusted) };
  }

  /** The verdict of tuf-js; it reads the time from `Date`, which the test must have mocked. */
  async oracle(roles: readonly string[], paths: readonly string[]): Promise<Verdict> {
    const { folder } = this;
    let client: Updater | undefined;
    const refreshed = await succeeds(async () => {
      client = new Updater({
        metadataDir: folder,
        metadataBaseUrl: 'https://oracle',
        fetcher: this.#fetcher(),
        config: { maxRootRotations: 256 },
      });
      await client.refresh();
    }, whatever);
    const found: Record<string, string> = {};
    for (const path of refreshed ? paths : []) {
      found[path] = await lookUp(async () => {
        const info = await client?.getTargetInfo(path);
        if (info === undefined) return undefined;
        const [digest] = Object.values(info.hashes);
        const chunks = await this.#repo.target(
          targetRepositoryPath(path, this.#repo.root.consistent_snapshot ? digest : undefined),
        );
        const bytes = chunks === undefined ? undefined : await buffer(chunks);
        if (bytes === undefined) throw new Error('not there');
        await info.verify(Readable.from([bytes]));
        return bytes;
      }, whatever);
    }
    const trusted = await Promise.all(
      roles.map(async (name) => {
        const file = join(folder, `${encodeURIComponent(name)}.json`);
        return [name, summary(await readFile(file).catch(() => undefined))] as const;
      }),
    );
    return { refreshed, found, trusted: Object.fromEntries(trusted) };
  }

  #fetcher(): Fetcher {
    return {
      downloadBytes: async (url, maxBytes) => {
        const bytes = await this.#repo.metadata(url.replace('https://oracle/', ''), { maxBytes });
        if (bytes === undefined) {
          throw new DownloadHTTPError('not there', 404);
        }
        return Buffer.from(bytes);
      },
      downloadFile: () => Promise.reject(new Error('not used')),
    };
  }
}

/** How another program says no is its own affair. */
function whatever(): void {}

/** Whether it went through. */
async function succeeds(work: () => Promise<unknown>, judge: (error: unknown) => void): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    judge(error);
    return false;
  }
}

/** What our client throws must be a verdict on the repository, never a fault of its own. */
function mustBeVerdict(error: unknown): void {
  assert.ok(
    (error instanceof TrustError && error.code !== 'OUT_OF_ORDER') ||
      String(error).includes('is longer than'),
    error instanceof Error ? String(error.stack) : String(error),
  );
}

async function lookUp(
  work: () => Promise<Uint8Array | undefined>,
  judge: (error: unknown) => void,
): Promise<string> {
  let bytes: Uint8Array | undefined;
  const went = await succeeds(async () => {
    bytes = await work().catch((error: unknown) => {
      // Both end the search there (TUF 5.6.7.1); we say so, tuf-js says that nobody knows the path.
      if (error instanceof TrustError && error.code === 'TOO_MANY_ROLES') return undefined;
      throw error;
    });
  }, judge);
  if (!went) return 'refused';
  return bytes === undefined ? 'unknown' : nodeDigests.of('sha256', bytes).slice(0, 16);
}

/** A version to read, and a digest to compare. */
function summary(bytes: Uint8Array | undefined): string | undefined {
  return (
    bytes &&
    `${/"version": (\d+)/.exec(Buffer.from(bytes).toString())?.[1]} ${nodeDigests.of('sha256', bytes).slice(0, 8)}`
  );
}
