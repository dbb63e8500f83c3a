import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { ContentError, type ContentErrorCode } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { Agent } from 'undici';
import type { RetryNotice } from '../src/components/content/blob-download.ts';
import { type FetchedPackage, PackageFetcher } from '../src/components/content/package-fetcher.ts';
import { systemClock } from '../src/compute/clock.ts';
import type { WorkerPool } from '../src/compute/worker-pool.ts';
import { FileBlobs } from '../src/storage/files/blobs.ts';
import { MemoryBlobs } from '../src/storage/memory/blobs.ts';
import { HttpContentSource } from '../src/transport/content-http/content-source.ts';
import { never, refOf } from './bytes.ts';
import { KeptLog } from './kept-log.ts';
import { type Answer, loopbackServer, type LoopbackServer, ranged } from './loopback-server.ts';
import { type Files, publish, type PublishedPackage } from './published-package.ts';
import { SeededRandom } from './seeded-random.ts';
import { memoryFolder } from './temporary-folder.ts';

/** How a server answers for a blob, instead of as it should. */
export type Twist = (bytes: Uint8Array, blob: BlobRef) => Answer;

/** A site with an empty or an older library, and a server that has a package and may answer however it likes. */
export interface AttackedLibrary {
  readonly vendor: MemoryBlobs;
  readonly published: PublishedPackage;
  readonly blobs: FileBlobs;
  readonly server: LoopbackServer;
  readonly log: KeptLog;
  /** Why attempts were repeated, oldest first. */
  readonly retried: readonly ContentError[];
  /** By digest, what replaces the right answer. */
  readonly twists: Map<string, Twist>;
  fetch(content?: PackageContent): Promise<FetchedPackage>;
  /** Every file of the package is in the library with its right bytes. */
  assertComplete(): Promise<void>;
  /** Whatever is visible in the library has the bytes that its name promises. */
  assertNothingWrong(): Promise<void>;
}

/** How often each source is asked before it is given up. */
const attemptsMax = 4;

export async function attackedLibrary(
  t: TestContext,
  compute: WorkerPool,
  release: { readonly files: Files; readonly previous?: Files; readonly held?: Files },
): Promise<AttackedLibrary> {
  const vendor = new MemoryBlobs();
  const published = await publish(vendor, release.files, release.previous);
  const twists = new Map<string, Twist>();
  const server = await loopbackServer(t, (request, response) => {
    void serve(vendor, twists, request, response);
  });
  const blobs = await FileBlobs.open({ folder: await memoryFolder(t) });
  for (const bytes of Object.values(release.held ?? {})) await blobs.putBytes(bytes);
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());
  const source = new HttpContentSource({
    baseUrl: server.url,
    dispatcher,
    clock: systemClock,
    idleTimeoutMs: 150,
  });
  const log = new KeptLog();
  const retried: ContentError[] = [];
  const onRetry = ({ error }: RetryNotice): void => {
    assert.ok(error instanceof ContentError, String(error));
    retried.push(error);
  };
  const fetcher = new PackageFetcher({
    blobs,
    compute,
    clock: systemClock,
    random: new SeededRandom(),
    log,
    retry: { attemptsMax, delayFirstMs: 1, delayMaxMs: 4 },
  });
  return {
    vendor,
    published,
    blobs,
    server,
    log,
    retried,
    twists,
    fetch: (content = published.content) => fetcher.fetch(content, source, { signal: never(), onRetry }),
    assertComplete: async () => {
      for (const [path, bytes] of Object.entries(release.files)) {
        const { sha256, sizeBytes } = refOf(bytes);
        assert.deepEqual(Buffer.from(await blobs.readBytes(sha256, sizeBytes)), Buffer.from(bytes), path);
      }
    },
    assertNothingWrong: async () => {
      for await (const { sha256, sizeBytes } of blobs.list()) {
        // `readBytes` would throw: it looks at the digest, too.
        assert.deepEqual(refOf(await blobs.readBytes(sha256, sizeBytes)), { sha256, sizeBytes });
      }
    },
  };
}

async function serve(
  vendor: MemoryBlobs,
  twists: ReadonlyMap<string, Twist>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const sha256 = (request.url ?? '').split('/').at(-1) ?? '';
  const sizeBytes = /^[0-9a-f]{64}$/.test(sha256)
    ? await vendor.sizeOf(sha256 as BlobRef['sha256'])
    : undefined;
  if (sizeBytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  const blob: BlobRef = { sha256: sha256 as BlobRef['sha256'], sizeBytes };
  const bytes = await vendor.readBytes(blob.sha256, sizeBytes);
  (twists.get(sha256) ?? ((right) => ranged(right)))(bytes, blob)(request, response);
}

/** What people and programs must be told. */
export interface Cause {
  readonly codes: readonly ContentErrorCode[];
  /** The sentence that names it. */
  readonly sentence?: RegExp;
}

/** An error that has one of the cause's codes, says what the cause is, and where. */
export function assertTold(error: unknown, { codes, sentence }: Cause): void {
  assert.ok(error instanceof ContentError, String(error));
  assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
  if (sentence !== undefined) assert.match(error.message, sentence);
  assert.match(error.message, /127\.0\.0\.1|[0-9a-f]{64}/, 'names the place');
  assert.ok(error.message.length < 600, error.message);
}

/** The fetch fails, and says where and why; what is visible is right. */
export async function assertRefused(library: AttackedLibrary, cause: Cause): Promise<void> {
  await assert.rejects(library.fetch(), (error) => {
    assertTold(error, cause);
    return true;
  });
  await library.assertNothingWrong();
}
