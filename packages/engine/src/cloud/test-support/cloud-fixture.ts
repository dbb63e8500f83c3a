import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import type { TestContext } from 'node:test';
import { type ProductId, productId } from '@sallyport/core/shared/ids';
import { nodeKeys } from '../../compute/ed25519.ts';
import { HpkeSealing } from '../../compute/hpke-sealing.ts';
import { systemRandom } from '../../compute/random.ts';
import type { Clock } from '../../ports/clock.ts';
import { FileBlobs } from '../../storage/files/blobs.ts';
import { FileKeyRing } from '../../storage/files/file-key-ring.ts';
import { PublishedFolder } from '../../storage/files/published-folder.ts';
import { SqliteRepositoryLock } from '../../storage/sqlite/cloud/repository-lock.ts';
import { holdCeremony } from '../ceremony.ts';
import type { CloudTools } from '../cloud-tools.ts';
import { defaultLifetimesMs } from '../repository/lifetimes.ts';

export const never = new AbortController().signal;
export const product: ProductId = productId('hello');

/** A clock that tests move. It begins now, because tuf-js knows no other time. */
export class MovableClock implements Clock {
  offsetMs = 0;

  now(): number {
    return Date.now() + this.offsetMs;
  }

  async sleep(_ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }

  until(_at: number | undefined, signal: AbortSignal): Promise<void> {
    return this.sleep(0, signal);
  }
}

export interface CloudFixture {
  readonly folder: string;
  readonly repositoryFolder: string;
  readonly clock: MovableClock;
  readonly tools: CloudTools;
  /** The same data folder as another process would open it. */
  reopen(options?: {
    readonly passphrase?: string;
    readonly offline?: readonly string[];
  }): Promise<CloudTools>;
}

/** The tools on a data folder, as one process has them. */
export async function toolsFor(
  folder: string,
  options: {
    readonly passphrase?: string;
    readonly offline?: readonly string[];
    readonly clock?: Clock;
  } = {},
): Promise<CloudTools> {
  const clock = options.clock ?? new MovableClock();
  const repositoryFolder = join(folder, 'repository');
  return {
    repository: new PublishedFolder(repositoryFolder),
    lock: new SqliteRepositoryLock(join(folder, 'lock'), clock),
    keys: new FileKeyRing({
      onlineFolder: join(folder, 'keys', 'online'),
      offlineFolders: options.offline ?? [join(folder, 'keys', 'offline')],
      passphrase: async () => options.passphrase ?? 'correct horse',
      keys: nodeKeys,
      sealing: new HpkeSealing(),
      clock,
      cost: { memoryKib: 64, passes: 1 },
    }),
    blobs: await FileBlobs.open({ folder: repositoryFolder, partialFolder: join(folder, 'partial') }),
    clock,
    random: systemRandom,
    lifetimesMs: defaultLifetimesMs,
  };
}

/** An empty data folder of a vendor's cloud, removed after the test. */
export async function emptyCloud(context: TestContext): Promise<CloudFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-cloud-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const clock = new MovableClock();
  const reopen: CloudFixture['reopen'] = (options = {}) => toolsFor(folder, { ...options, clock });
  return { folder, repositoryFolder: join(folder, 'repository'), clock, tools: await reopen(), reopen };
}

/** A cloud after its key ceremony, with one product. */
export async function newCloud(context: TestContext): Promise<CloudFixture> {
  const cloud = await emptyCloud(context);
  await holdCeremony(
    cloud.tools,
    {
      vendor: 'Example',
      products: [{ id: product, name: 'Hello' }],
      requiresUsageData: true,
      offline: {
        root: { keys: 3, threshold: 2 },
        targets: { keys: 2, threshold: 2 },
        catalog: { keys: 2, threshold: 2 },
      },
    },
    never,
  );
  return cloud;
}

/** A web server that knows nothing of what it serves. */
export async function serveStatically(context: TestContext, folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    readFile(join(folder, path)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new TypeError('no port');
  }
  return `http://127.0.0.1:${address.port}`;
}
