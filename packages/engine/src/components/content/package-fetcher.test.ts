import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import { flipped, never, noise, refOf } from '../../../test-support/bytes.ts';
import { contentError } from '../../../test-support/content-errors.ts';
import { KeptLog } from '../../../test-support/kept-log.ts';
import { LibrarySource } from '../../../test-support/library-source.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { type Files, publish, type PublishedPackage } from '../../../test-support/published-package.ts';
import { SeededRandom } from '../../../test-support/seeded-random.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import type { FetchProgress } from './fetch-progress.ts';
import { type FetchedPackage, type FetchWatch, PackageFetcher } from './package-fetcher.ts';

const text = (line: string, count: number): Uint8Array => new TextEncoder().encode(`${line}\n`.repeat(count));
const large = noise(400_000);
const older: Files = {
  'bin/tool': large,
  'doc.txt': text('as it was', 3000),
  'same.txt': text('unchanged', 100),
};
const newer: Files = {
  'bin/tool': Uint8Array.from([...large.subarray(0, 200_000), 1, 2, 3, ...large.subarray(200_000)]),
  'doc.txt': text('as it is', 3000),
  empty: new Uint8Array(),
  'new.txt': text('altogether new', 2000),
  'same.txt': text('unchanged', 100),
};

interface Scene {
  readonly published: PublishedPackage;
  readonly source: LibrarySource;
  readonly blobs: MemoryBlobs;
  readonly clock: ManualClock;
  readonly log: KeptLog;
  readonly fetcher: PackageFetcher;
  readonly fetch: (watch?: Partial<FetchWatch>) => Promise<FetchedPackage>;
  readonly fileOf: (path: string) => Promise<Uint8Array>;
}

/** A vendor's library with the newer release, and a site's with `held` files. */
async function scene(held: Files = {}): Promise<Scene> {
  const vendor = new MemoryBlobs();
  const published = await publish(vendor, newer, older);
  const blobs = new MemoryBlobs();
  for (const bytes of Object.values(held)) {
    await blobs.putBytes(bytes);
  }
  const clock = new ManualClock();
  const source = new LibrarySource(vendor);
  const log = new KeptLog();
  const retry = { attemptsMax: 4, delayFirstMs: 1000, delayMaxMs: 4000 };
  const fetcher = new PackageFetcher({
    blobs,
    compute: new MemoryCompute(blobs),
    clock,
    random: new SeededRandom(),
    log,
    retry,
  });
  return {
    published,
    source,
    blobs,
    clock,
    log,
    fetcher,
    fetch: (watch = {}) => fetcher.fetch(published.content, source, { signal: never(), ...watch }),
    fileOf: (path) => blobs.readBytes(segmentOf(published, path).sha256, 1_000_000),
  };
}

function segmentOf(published: PublishedPackage, path: string): BlobRef {
  const found = published.segments[path];
  assert.ok(found !== undefined);
  return found.segment;
}

function patchOf(published: PublishedPackage, path: string): BlobRef {
  const found = published.segments[path]?.patch;
  assert.ok(found !== undefined);
  return found;
}

async function assertComplete({ fileOf }: Scene): Promise<void> {
  for (const [path, bytes] of Object.entries(newer)) {
    if (bytes.length > 0) {
      assert.deepEqual(await fileOf(path), bytes, path);
    }
  }
}

/** Lets time pass until `work` has ended. */
async function passingTime<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const state = { ended: false };
  const settled = work.finally(() => {
    state.ended = true;
  });
  settled.catch(() => undefined);
  while (!state.ended) {
    await clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return settled;
}

test('a site on the release before gets patches; what is unchanged does not travel', async () => {
  const site = await scene(older);
  const fetched = await site.fetch();
  await assertComplete(site);
  assert.deepEqual(fetched.routes, { held: 1, patch: 2, zstd: 1, raw: 0 });
  assert.equal(
    fetched.totalBytes,
    Object.values(newer).reduce((sum, bytes) => sum + bytes.length, 0),
  );
  const { tree, encodings } = site.published.content;
  const blobs = [
    tree,
    encodings,
    patchOf(site.published, 'bin/tool'),
    patchOf(site.published, 'doc.txt'),
    site.published.segments['new.txt']?.zstd as BlobRef,
  ];
  assert.equal(
    fetched.receivedBytes,
    blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0),
  );
  assert.deepEqual(
    new Set(site.source.opened.map(({ sha256 }) => sha256)),
    new Set(blobs.map(({ sha256 }) => sha256)),
  );
});

test('the encoded blobs stay in the library, so that child sites can have them', async () => {
  const site = await scene(older);
  await site.fetch();
  assert.ok(await site.blobs.has(patchOf(site.published, 'bin/tool').sha256));
});

test('a site with nothing gets everything compressed, or as it is where that is smaller', async () => {
  const site = await scene();
  const fetched = await site.fetch();
  await assertComplete(site);
  assert.deepEqual(fetched.routes, { held: 0, patch: 0, zstd: 3, raw: 1 });
});

test('fetching again brings nothing, and asks for nothing', async () => {
  const site = await scene(older);
  await site.fetch();
  site.source.opened.length = 0;
  const again = await site.fetch();
  assert.deepEqual([again.receivedBytes, again.routes.held], [0, 4]);
  assert.deepEqual(site.source.opened, []);
});

test('without encodings everything comes as it is', async () => {
  for (const obstacle of ['withheld', 'lost'] as const) {
    const site = await scene(older);
    site.source[obstacle].add(site.published.content.encodings.sha256);
    const fetched = await site.fetch();
    await assertComplete(site);
    assert.deepEqual(fetched.routes, { held: 1, patch: 0, zstd: 0, raw: 3 });
  }
});

test('encodings that are no encodings cost bytes, not the package', async () => {
  const site = await scene(older);
  const nonsense = await publish(new MemoryBlobs(), { other: text('x', 5) });
  for (const document of [text('nonsense', 1), await encodingsOf(nonsense)]) {
    const vendor = new MemoryBlobs();
    const published = await publish(vendor, newer, older);
    const encodings = await vendor.putBytes(document);
    const fetched = await site.fetcher.fetch({ ...published.content, encodings }, new LibrarySource(vendor), {
      signal: never(),
    });
    assert.equal(fetched.routes.patch, 0);
  }
  assert.equal(site.log.lines.filter((line) => line.startsWith('warn The encodings of tree')).length, 2);
});

async function encodingsOf(published: PublishedPackage): Promise<Uint8Array> {
  const library = new MemoryBlobs();
  await publish(library, { other: text('x', 5) });
  return library.readBytes(published.content.encodings.sha256, 1_000_000);
}

test('a patch that is lost, damaged or wrong gives way to the compressed segment, and that to the segment itself', async () => {
  const lost = await scene(older);
  lost.source.lost.add(patchOf(lost.published, 'doc.txt').sha256);
  assert.deepEqual((await lost.fetch()).routes, { held: 1, patch: 1, zstd: 2, raw: 0 });

  const damaged = await scene(older);
  const patch = patchOf(damaged.published, 'bin/tool').sha256;
  const zstd = damaged.published.segments['bin/tool']?.zstd.sha256;
  damaged.source.onTheWay = (blob, _, chunks) =>
    blob.sha256 === patch || blob.sha256 === zstd ? spoilt(chunks) : chunks;
  const fetched = await passingTime(damaged.clock, damaged.fetch());
  assert.deepEqual(fetched.routes, { held: 1, patch: 1, zstd: 1, raw: 1 });
  await assertComplete(damaged);
  assert.ok(!(await damaged.blobs.has(patch)));
});

async function* spoilt(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield flipped(chunk, chunk.length >> 1);
  }
}

test('a base that was damaged on disk is found out and removed, and the segment comes whole', async () => {
  const site = await scene(older);
  const base = refOf(older['bin/tool'] as Uint8Array);
  site.blobs.files.set(site.blobs.pathOf(base.sha256), flipped(large, 5));
  const fetched = await site.fetch();
  await assertComplete(site);
  assert.equal(fetched.routes.patch, 1);
  assert.equal(await site.blobs.has(base.sha256), false);
  assert.ok(
    site.log.lines.some((line) => line.startsWith(`error Content ${base.sha256} was damaged on disk`)),
  );
});

test('a document that was damaged on disk is fetched anew', async () => {
  const site = await scene(older);
  await site.fetch();
  const { tree } = site.published.content;
  const path = site.blobs.pathOf(tree.sha256);
  site.blobs.files.set(path, flipped(site.blobs.files.get(path) as Uint8Array, 5));
  assert.equal((await site.fetch()).receivedBytes, tree.sizeBytes);
});

test('wrong bytes for a segment are asked for twice and then reported; nothing wrong becomes visible', async () => {
  const site = await scene();
  const segment = segmentOf(site.published, 'new.txt').sha256;
  site.source.withheld.add(site.published.content.encodings.sha256);
  site.source.onTheWay = (blob, _, chunks) => (blob.sha256 === segment ? spoilt(chunks) : chunks);
  await assert.rejects(passingTime(site.clock, site.fetch()), contentError('HASH_MISMATCH'));
  assert.equal(site.source.opened.filter(({ sha256 }) => sha256 === segment).length, 2);
  assert.equal(await site.blobs.has(segment), false);
});

test('a line that is cut again and again goes on at the byte where it was, after growing pauses', async () => {
  const site = await scene();
  const segment = segmentOf(site.published, 'bin/tool').sha256;
  site.source.withheld.add(site.published.content.encodings.sha256);
  site.source.onTheWay = (blob, _, chunks) => (blob.sha256 === segment ? cutAfter(chunks, 100_000) : chunks);
  const notices: number[] = [];
  const fetched = await passingTime(
    site.clock,
    site.fetch({ onRetry: (notice) => notices.push(notice.failures) }),
  );
  await assertComplete(site);
  assert.deepEqual(
    site.source.opened.filter(({ sha256 }) => sha256 === segment).map(({ offset }) => offset),
    [0, 100_000, 200_000, 300_000, 400_000],
  );
  // Each attempt brought bytes, so none counts as the second failure in a row.
  assert.deepEqual(notices, [1, 1, 1, 1]);
  assert.equal(fetched.receivedBytes, site.published.content.tree.sizeBytes + fetched.totalBytes);
});

async function* cutAfter(chunks: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of chunks) {
    if (chunk.length > left) {
      yield chunk.subarray(0, left);
      throw new ContentError('UNREACHABLE', 'the line was cut');
    }
    left -= chunk.length;
    yield chunk;
  }
}

test('a source that stays dead is given up after its attempts, each later than the one before', async () => {
  const site = await scene();
  site.source.onTheWay = () => {
    throw new ContentError('STALLED', 'nothing comes');
  };
  const delays: number[] = [];
  const begun = site.clock.now();
  await assert.rejects(
    passingTime(
      site.clock,
      site.fetch({
        onRetry: ({ delayMs, retryAt, failures }) => {
          assert.equal(retryAt - site.clock.now(), delayMs);
          assert.equal(failures, delays.length + 1);
          delays.push(delayMs);
        },
      }),
    ),
    contentError('STALLED'),
  );
  assert.equal(delays.length, 3);
  for (const [index, delay] of delays.entries()) {
    assert.ok(delay <= 1000 * 2 ** index, `${String(delay)} ms before attempt ${String(index + 2)}`);
  }
  assert.ok(site.clock.now() - begun >= delays.reduce((sum, delay) => sum + delay, 0));
});

test('a source that gives a byte an attempt is given up like a dead one', async () => {
  const site = await scene();
  site.source.onTheWay = (_, __, chunks) => cutAfter(chunks, 1);
  const failures: number[] = [];
  await assert.rejects(
    passingTime(site.clock, site.fetch({ onRetry: (notice) => failures.push(notice.failures) })),
    contentError('UNREACHABLE'),
  );
  assert.deepEqual(failures, [1, 2, 3]);
});

test('the source may be away while it is asked what it has', async () => {
  const site = await scene(older);
  let asked = 0;
  site.source.onOffers = () => {
    asked += 1;
    if (asked < 3) {
      throw new ContentError('BAD_STATUS', 'busy', { retryAfterMs: 3000 });
    }
  };
  const begun = site.clock.now();
  await passingTime(site.clock, site.fetch());
  assert.ok(site.clock.now() - begun >= 6000);
  await assertComplete(site);
});

test('a source without ranges gives everything again, and only the rest is written', async () => {
  const site = await scene();
  const segment = segmentOf(site.published, 'bin/tool');
  site.source.withheld.add(site.published.content.encodings.sha256);
  const writer = await site.blobs.resume(segment);
  await writer.write((newer['bin/tool'] as Uint8Array).subarray(0, 300_000));
  await writer.suspend();
  site.source.onTheWay = (blob, _, chunks) => ({
    startsAt: 0,
    chunks: blob.sha256 === segment.sha256 ? wholeOf(newer['bin/tool'] as Uint8Array) : chunks,
  });
  await site.fetch();
  await assertComplete(site);
});

async function* wholeOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 70_000) {
    yield bytes.subarray(at, at + 70_000);
  }
}

test('a source that gives other ranges than asked for is asked for the whole', async () => {
  const site = await scene();
  const segment = segmentOf(site.published, 'bin/tool');
  site.source.withheld.add(site.published.content.encodings.sha256);
  const writer = await site.blobs.resume(segment);
  await writer.write((newer['bin/tool'] as Uint8Array).subarray(0, 300_000));
  await writer.suspend();
  site.source.onTheWay = (_, offset, chunks) => (offset > 0 ? { startsAt: offset + 1, chunks } : chunks);
  await passingTime(site.clock, site.fetch());
  assert.deepEqual(
    site.source.opened.filter(({ sha256 }) => sha256 === segment.sha256).map(({ offset }) => offset),
    [300_000, 0],
  );
  await assertComplete(site);
});

test('an endless source is cut off at the size of the blob', async () => {
  const site = await scene();
  let given = 0;
  site.source.onTheWay = async function* () {
    for (;;) {
      given += 1000;
      yield new Uint8Array(1000);
    }
  };
  await assert.rejects(passingTime(site.clock, site.fetch()), contentError('TOO_LARGE'));
  assert.ok(given < 2 * (site.published.content.tree.sizeBytes + 2000));
});

test('cancelling rejects with the reason, keeps what came, and the next fetch goes on from there', async () => {
  const site = await scene();
  const segment = segmentOf(site.published, 'bin/tool').sha256;
  site.source.withheld.add(site.published.content.encodings.sha256);
  const controller = new AbortController();
  const reason = new Error('enough');
  site.source.onTheWay = (blob, _, chunks) =>
    blob.sha256 === segment ? abortingAfter(chunks, 250_000, () => controller.abort(reason)) : chunks;
  await assert.rejects(site.fetch({ signal: controller.signal }), reason);
  site.source.onTheWay = (_, __, chunks) => chunks;
  site.source.opened.length = 0;
  await site.fetch();
  const { offset } = site.source.opened.find(({ sha256 }) => sha256 === segment) ?? { offset: 0 };
  assert.ok(offset > 200_000, `went on at ${String(offset)}`);
  await assertComplete(site);
});

async function* abortingAfter(
  chunks: AsyncIterable<Uint8Array>,
  count: number,
  abort: () => void,
): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of chunks) {
    yield chunk;
    left -= chunk.length;
    if (left <= 0) {
      abort();
    }
  }
}

test('cancelling during a pause ends it at once', async () => {
  const site = await scene();
  site.source.onTheWay = () => {
    throw new ContentError('UNREACHABLE', 'no line');
  };
  const controller = new AbortController();
  const reason = new Error('enough');
  const fetched = assert.rejects(site.fetch({ signal: controller.signal }), reason);
  await site.clock.sleeping();
  controller.abort(reason);
  await fetched;
  assert.equal(site.clock.sleeperCount, 0);
});

test('what nobody offers is named, and nothing is fetched in vain', async () => {
  const site = await scene();
  const { segment, zstd } = site.published.segments['new.txt'] ?? assert.fail();
  site.source.withheld.add(segment.sha256).add(zstd.sha256);
  await assert.rejects(
    site.fetch(),
    (thrown: Error) => contentError('UNOBTAINABLE')(thrown) && thrown.message.includes(segment.sha256),
  );
  assert.equal(site.source.opened.length, 2);
});

test('a descriptor that contradicts its tree is refused', async () => {
  const site = await scene();
  const content = { ...site.published.content, totalBytes: 5 };
  await assert.rejects(
    site.fetcher.fetch(content, site.source, { signal: never() }),
    contentError('CORRUPT'),
  );
});

test('what fails is the first failure, and the others end with it', async () => {
  const site = await scene();
  site.source.withheld.add(site.published.content.encodings.sha256);
  const failing = segmentOf(site.published, 'new.txt').sha256;
  const documents = new Set<Digest>([site.published.content.tree.sha256]);
  site.source.onTheWay = (blob, _, chunks) => {
    if (blob.sha256 === failing) {
      throw new ContentError('DISK_FULL', 'no room');
    }
    return documents.has(blob.sha256) ? chunks : pausing(chunks);
  };
  await assert.rejects(site.fetch(), contentError('DISK_FULL'));
  assert.equal(site.fetcher.isInUse(failing), false);
});

async function* pausing(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    await new Promise((resolve) => setImmediate(resolve));
    yield chunk;
  }
}

test('no more than four segments are under way at a time', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [`f${String(index)}`, noise(2000, index)]),
  );
  const vendor = new MemoryBlobs();
  const published = await publish(vendor, files);
  const site = await scene();
  const source = new LibrarySource(vendor);
  let running = 0;
  let most = 0;
  source.onTheWay = async function* (_, __, chunks) {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    yield* chunks;
    running -= 1;
  };
  await site.fetcher.fetch(published.content, source, { signal: never() });
  assert.equal(most, 4);
});

test('progress never falls, ends complete, and tells rate and remaining time', async () => {
  const site = await scene(older);
  const told: FetchProgress[] = [];
  site.source.onTheWay = async function* (_, __, chunks) {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += 500) {
        await site.clock.advance(50);
        yield chunk.subarray(at, at + 500);
      }
    }
  };
  const fetched = await site.fetch({ onProgress: (progress) => told.push(progress) });
  for (const [index, progress] of told.entries()) {
    const before = told[index - 1];
    assert.ok(before === undefined || progress.doneBytes >= before.doneBytes);
    assert.ok(before === undefined || progress.receivedBytes >= before.receivedBytes);
    assert.ok(progress.doneBytes <= progress.totalBytes && progress.totalBytes === fetched.totalBytes);
  }
  const last = told.at(-1);
  assert.deepEqual(
    [
      last?.doneBytes,
      last?.receivedBytes,
      last?.segmentsDone,
      last?.segments,
      last?.remainingMs,
      last?.routes,
    ],
    [fetched.totalBytes, fetched.receivedBytes, 4, 4, 0, fetched.routes],
  );
  assert.ok(
    told.some(({ rateBytesPerSecond, remainingMs }) => rateBytesPerSecond > 0 && (remainingMs ?? 0) > 0),
  );
});

test('tells by the clock what has come when nothing comes any more', async () => {
  const site = await scene();
  const told: FetchProgress[] = [];
  const stalled = Promise.withResolvers<void>();
  const goesOn = Promise.withResolvers<void>();
  site.source.onTheWay = async function* (blob, _, chunks) {
    for await (const chunk of chunks) {
      yield chunk.subarray(0, -1);
      if (blob.sizeBytes > 100_000) {
        stalled.resolve();
        await goesOn.promise;
      }
      yield chunk.subarray(-1);
    }
  };
  const fetching = site.fetch({ onProgress: (progress) => told.push(progress) });
  await stalled.promise;
  await site.clock.advance(1_000);
  const receivedBytes = told.at(-1)?.receivedBytes ?? 0;
  assert.ok(receivedBytes > 50_000, `the chunk before the stall is told: ${receivedBytes}`);
  await site.clock.advance(20_000);
  assert.deepEqual([told.at(-1)?.rateBytesPerSecond, told.at(-1)?.remainingMs], [0, undefined]);
  const count = told.length;
  await site.clock.advance(20_000);
  assert.equal(told.length, count, 'the same is not told again and again');
  goesOn.resolve();
  await fetching;
  await assertComplete(site);
});
