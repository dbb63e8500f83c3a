import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import type { Tree } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { treeFormat } from '@sallyport/core/wire/tree';
import { Agent } from 'undici';
import { flipped, never, noise } from '../../../test-support/bytes.ts';
import { contentError } from '../../../test-support/content-errors.ts';
import { KeptLog } from '../../../test-support/kept-log.ts';
import {
  type Answer,
  loopbackServer,
  type LoopbackServer,
  ranged,
} from '../../../test-support/loopback-server.ts';
import { SeededRandom } from '../../../test-support/seeded-random.ts';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { buildEncodings } from '../../cloud/trees/build-encodings.ts';
import { storeFile } from '../../cloud/trees/store-file.ts';
import { systemClock } from '../../compute/clock.ts';
import { WorkerPool } from '../../compute/worker-pool.ts';
import type { Blobs } from '../../ports/blobs.ts';
import { FileBlobs } from '../../storage/files/blobs.ts';
import { HttpContentSource } from '../../transport/content-http/content-source.ts';
import { PackageFetcher } from './package-fetcher.ts';

const large = noise(600_000);
const text = (line: string): Uint8Array => new TextEncoder().encode(`${line}\n`.repeat(5000));
const older = { 'bin/tool': large, doc: text('as it was') };
const newer = {
  'bin/tool': Uint8Array.from([...large.subarray(0, 300_000), 1, 2, 3, ...large.subarray(300_000)]),
  doc: text('as it is'),
  more: noise(500_000, 2),
};

interface Vendor {
  readonly blobs: FileBlobs;
  readonly content: PackageContent;
  readonly server: LoopbackServer;
}

async function treeOf(blobs: Blobs, files: Readonly<Record<string, Uint8Array>>): Promise<Tree> {
  const listed = [];
  for (const [path, bytes] of Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    listed.push({ path, mode: 0o644 as const, ...(await storeFile(chunks(), bytes.length, blobs)) });
  }
  return { schema: 1, files: listed };
}

/** A vendor whose releases are published for real, on a server that `answering` may make faulty. */
async function vendorOf(
  t: TestContext,
  compute: WorkerPool,
  answering: (bytes: Uint8Array, path: string) => Answer,
): Promise<Vendor> {
  const blobs = await FileBlobs.open({ folder: await temporaryFolder(t) });
  const before = await treeOf(blobs, older);
  const tree = await treeOf(blobs, newer);
  const { ref } = await buildEncodings({ tree, previous: [{ tree: before }] }, { blobs, compute }, never());
  const totalBytes = tree.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const content = {
    tree: await blobs.putBytes(treeFormat.print(tree)),
    encodings: ref,
    fileCount: tree.files.length,
    totalBytes,
  };
  const held = new Map<string, Uint8Array>();
  for await (const blob of blobs.list()) {
    held.set(`/blobs/sha256/${blob.sha256}`, await blobs.readBytes(blob.sha256, blob.sizeBytes));
  }
  const server = await loopbackServer(t, (request: IncomingMessage, response: ServerResponse) => {
    const bytes = held.get(request.url ?? '');
    if (bytes === undefined) {
      response.writeHead(404).end();
    } else {
      answering(bytes, request.url ?? '')(request, response);
    }
  });
  return { blobs, content, server };
}

interface Site {
  readonly blobs: FileBlobs;
  readonly fetcher: PackageFetcher;
  readonly source: HttpContentSource;
}

async function siteOf(
  t: TestContext,
  compute: WorkerPool,
  server: LoopbackServer,
  folder?: string,
): Promise<Site> {
  const blobs = await FileBlobs.open({ folder: folder ?? (await temporaryFolder(t)) });
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());
  const source = new HttpContentSource({
    baseUrl: server.url,
    dispatcher,
    clock: systemClock,
    idleTimeoutMs: 200,
  });
  const retry = { attemptsMax: 5, delayFirstMs: 1, delayMaxMs: 10 };
  const fetcher = new PackageFetcher({
    blobs,
    compute,
    clock: systemClock,
    random: new SeededRandom(),
    log: new KeptLog(),
    retry,
  });
  return { blobs, fetcher, source };
}

function pool(t: TestContext): WorkerPool {
  const compute = new WorkerPool({ workers: 1 });
  t.after(() => compute.close());
  return compute;
}

async function assertHeld(blobs: FileBlobs, vendor: Vendor): Promise<void> {
  for (const bytes of Object.values(newer)) {
    const { sha256, sizeBytes } = await vendor.blobs.putBytes(bytes);
    assert.deepEqual(await blobs.readBytes(sha256, sizeBytes), bytes);
  }
}

test('a site on the release before is brought up to date over HTTP by patches and compressed segments', async (t) => {
  const compute = pool(t);
  const vendor = await vendorOf(t, compute, (bytes) => ranged(bytes));
  const { blobs, fetcher, source } = await siteOf(t, compute, vendor.server);
  await treeOf(blobs, older);
  const fetched = await fetcher.fetch(vendor.content, source, { signal: never() });
  await assertHeld(blobs, vendor);
  assert.equal(fetched.routes.patch, 1);
  assert.ok(fetched.receivedBytes < 510_000, `${String(fetched.receivedBytes)} bytes`);
});

/** Answers as `ranged` does, and hangs up after `count` bytes of the body. */
function cutting(bytes: Uint8Array, count: number): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': bytes.length - start,
      ...(start > 0
        ? { 'content-range': `bytes ${String(start)}-${String(bytes.length - 1)}/${String(bytes.length)}` }
        : {}),
    });
    response.write(bytes.subarray(start, start + count), () => {
      if (start + count < bytes.length) {
        response.destroy();
      } else {
        response.end();
      }
    });
  };
}

/** The first answer for each address is spoilt by `how`; the next ones are right. */
function spoiltOnce(how: (bytes: Uint8Array) => Answer): (bytes: Uint8Array, path: string) => Answer {
  const spoilt = new Set<string>();
  return (bytes, path) => {
    if (spoilt.has(path)) {
      return ranged(bytes);
    }
    spoilt.add(path);
    return how(bytes);
  };
}

const faults: Readonly<Record<string, (bytes: Uint8Array, path: string) => Answer>> = {
  'hangs up after every 120,000 bytes': (bytes) => cutting(bytes, 120_000),
  'stalls at first': spoiltOnce((bytes) => (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 100));
  }),
  'flips a byte at first': spoiltOnce((bytes) => ranged(flipped(bytes, bytes.length >> 1))),
  'sends too much at first': spoiltOnce((bytes) => (_, response) => {
    response.write(bytes);
    response.end('more');
  }),
  'sends too little at first': spoiltOnce((bytes) => (_, response) => {
    response.write(bytes.subarray(0, bytes.length >> 1));
    response.end();
  }),
  'is overloaded at first': spoiltOnce(
    () => (_, response) => response.writeHead(503, { 'retry-after': '0' }).end(),
  ),
  'has no ranges and hangs up at first': spoiltOnce((bytes) => (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  }),
  'lies about ranges, after hanging up at first': (() => {
    const hangUp = spoiltOnce((bytes) => cutting(bytes, bytes.length >> 1));
    return (bytes: Uint8Array, path: string): Answer =>
      (request, response) => {
        if (request.headers.range === undefined) {
          hangUp(bytes, path)(request, response);
        } else {
          response
            .writeHead(206, { 'content-range': `bytes 0-9/${String(bytes.length)}` })
            .end(bytes.subarray(0, 10));
        }
      };
  })(),
};

for (const [fault, answering] of Object.entries(faults)) {
  test(`a fetch succeeds from a server that ${fault}`, async (t) => {
    const compute = pool(t);
    const vendor = await vendorOf(t, compute, answering);
    const { blobs, fetcher, source } = await siteOf(t, compute, vendor.server);
    await treeOf(blobs, older);
    await fetcher.fetch(vendor.content, source, { signal: never() });
    await assertHeld(blobs, vendor);
  });
}

test('a server that sends everybody elsewhere is refused, and nothing is kept of it', async (t) => {
  const compute = pool(t);
  const vendor = await vendorOf(
    t,
    compute,
    () => (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
  );
  const { blobs, fetcher, source } = await siteOf(t, compute, vendor.server);
  await assert.rejects(
    fetcher.fetch(vendor.content, source, { signal: never() }),
    contentError('REDIRECTED'),
  );
  assert.deepEqual(await Array.fromAsync(blobs.list()), []);
});

test('a site server that is killed in the middle of a download goes on at the byte where it was', async (t) => {
  const compute = pool(t);
  const dripping = Promise.withResolvers<string>();
  const vendor = await vendorOf(t, compute, (bytes, path) => (request, response) => {
    if (bytes.length < 400_000) {
      ranged(bytes)(request, response);
      return;
    }
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 300_000));
    dripping.resolve(path);
  });
  const folder = await temporaryFolder(t);
  const script = `
    import { PackageFetcher } from ${here('./package-fetcher.ts')};
    import { FileBlobs } from ${here('../../storage/files/blobs.ts')};
    import { WorkerPool } from ${here('../../compute/worker-pool.ts')};
    import { systemClock } from ${here('../../compute/clock.ts')};
    import { systemRandom } from ${here('../../compute/random.ts')};
    import { HttpContentSource } from ${here('../../transport/content-http/content-source.ts')};
    import { KeptLog } from ${here('../../../test-support/kept-log.ts')};
    import { Agent } from ${JSON.stringify(import.meta.resolve('undici'))};
    const [folder, url, content] = process.argv.slice(1);
    const blobs = await FileBlobs.open({ folder });
    const clock = systemClock;
    const fetcher = new PackageFetcher({ blobs, compute: new WorkerPool(), clock, random: systemRandom, log: new KeptLog() });
    const source = new HttpContentSource({ baseUrl: url, dispatcher: new Agent(), clock });
    await fetcher.fetch(JSON.parse(content), source, { signal: new AbortController().signal });`;
  const child = spawn(
    process.execPath,
    [
      '--input-type=module-typescript',
      '-e',
      script,
      folder,
      vendor.server.url,
      JSON.stringify(vendor.content),
    ],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  const path = await dripping.promise;
  const partial = `${folder}/partial/${path.slice(path.lastIndexOf('/') + 1)}`;
  await untilLarger(partial, 200_000);
  child.kill('SIGKILL');
  await once(child, 'exit');

  vendor.server.answer = served(vendor);
  const { blobs, fetcher, source } = await siteOf(t, compute, vendor.server, folder);
  await fetcher.fetch(vendor.content, source, { signal: never() });
  await assertHeld(blobs, vendor);
  const resumed = vendor.server.requests.filter((request) => request.path === path).at(-1);
  const [, offset = '0'] = /^bytes=(\d+)-$/.exec(resumed?.headers.range ?? '') ?? [];
  assert.ok(Number(offset) >= 200_000, `went on at ${offset}`);
});

const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** Serves the vendor's library as a good server does. */
function served({ blobs }: Vendor): Answer {
  return (request, response) => {
    const sha256 = (request.url ?? '').slice('/blobs/sha256/'.length) as PackageContent['tree']['sha256'];
    blobs.readBytes(sha256, 10_000_000).then(
      (bytes) => ranged(bytes)(request, response),
      () => response.writeHead(404).end(),
    );
  };
}

/** Watches a file until it has grown beyond `sizeBytes`. */
async function untilLarger(path: string, sizeBytes: number): Promise<void> {
  for (;;) {
    const found = await stat(path).catch(() => undefined);
    if ((found?.size ?? 0) > sizeBytes) {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
