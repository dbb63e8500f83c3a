import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DocumentEncodings } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import type { Digest } from '@sallyport/core/shared/ids';
import { encodeDocuments } from '../../cloud/trees/document-encodings.ts';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { flipped, never, noise } from '../../../test-support/bytes.ts';
import { KeptLog } from '../../../test-support/kept-log.ts';
import { LibrarySource } from '../../../test-support/library-source.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { type Files, publish } from '../../../test-support/published-package.ts';
import { SeededRandom } from '../../../test-support/seeded-random.ts';
import { PackageFetcher } from './package-fetcher.ts';
import { reachableBlobs } from './reachable.ts';

/** Enough files for documents that are worth a patch; one of them changes. */
const filesOf = (version: number): Files =>
  Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [
      `file-${String(index).padStart(2, '0')}`,
      noise(300, index === 7 ? 1000 + version : index),
    ]),
  );

interface Site {
  readonly blobs: MemoryBlobs;
  readonly log: KeptLog;
  readonly fetch: (content: PackageContent, source: LibrarySource) => Promise<number>;
}

function newSite(): Site {
  const blobs = new MemoryBlobs();
  const log = new KeptLog();
  const fetcher = new PackageFetcher({
    blobs,
    compute: new MemoryCompute(blobs),
    clock: new ManualClock(),
    random: new SeededRandom(),
    log,
    retry: { attemptsMax: 1, delayFirstMs: 1, delayMaxMs: 1 },
  });
  return {
    blobs,
    log,
    fetch: async (content, source) =>
      (await fetcher.fetch(content, source, { signal: never() })).receivedBytes,
  };
}

/** A vendor with two releases that are much alike, and a site on the first. */
async function scene() {
  const vendor = new MemoryBlobs();
  const ports = { blobs: vendor, compute: new MemoryCompute(vendor) };
  const contentOf = async (version: number, previous: readonly PackageContent[]): Promise<PackageContent> => {
    const { content } = await publish(vendor, filesOf(version), version > 1 ? filesOf(version - 1) : {});
    return {
      ...content,
      documentEncodings: await encodeDocuments({ documents: content, previous }, ports, never()),
    };
  };
  const first = await contentOf(1, []);
  const second = await contentOf(2, [first]);
  const site = newSite();
  const source = new LibrarySource(vendor);
  await site.fetch(first, source);
  source.opened.length = 0;
  return { vendor, first, second, site, source };
}

const patchesOf = ({ documentEncodings }: PackageContent): readonly Digest[] =>
  Object.values(documentEncodings ?? {}).flatMap((ways: DocumentEncodings['tree']) =>
    ways.flatMap((way) => (way.kind === 'zstd-patch' ? [way.blob.sha256] : [])),
  );
const wholesOf = ({ documentEncodings }: PackageContent): readonly Digest[] =>
  Object.values(documentEncodings ?? {}).flatMap((ways: DocumentEncodings['tree']) =>
    ways.flatMap((way) => (way.kind === 'zstd' ? [way.blob.sha256] : [])),
  );

test('documents travel as patches against those of the release before', async () => {
  const { second, site, source } = await scene();
  const receivedBytes = await site.fetch(second, source);
  const opened = new Set(source.opened.map(({ sha256 }) => sha256));
  assert.ok(patchesOf(second).length === 2 && patchesOf(second).every((sha256) => opened.has(sha256)));
  assert.ok(!opened.has(second.tree.sha256) && !opened.has(second.encodings.sha256));
  assert.ok(receivedBytes < 1500, `${String(receivedBytes)} bytes`);
  assert.ok(second.tree.sizeBytes + second.encodings.sizeBytes > 10_000);
});

test('a site with nothing gets the documents compressed', async () => {
  const { second, source } = await scene();
  const site = newSite();
  await site.fetch(second, source);
  const opened = new Set(source.opened.map(({ sha256 }) => sha256));
  assert.ok(wholesOf(second).every((sha256) => opened.has(sha256)));
  assert.ok(await site.blobs.has(second.tree.sha256));
});

test('what a parent got as patches it passes on: as patches, or as they are to a site that cannot use them', async () => {
  const { first, second, site, source } = await scene();
  await site.fetch(second, source);
  const parent = new LibrarySource(site.blobs);
  const sameAsParent = newSite();
  await sameAsParent.fetch(first, parent);
  parent.opened.length = 0;
  const received = await sameAsParent.fetch(second, parent);
  assert.ok(received < 1500, `${String(received)} bytes`);

  const fresh = newSite();
  await fresh.fetch(second, parent);
  assert.ok(await fresh.blobs.has(second.encodings.sha256));
  assert.deepEqual(
    fresh.log.lines.filter((line) => line.startsWith('warn')),
    [],
    'it knew what the parent has',
  );
});

test('a patch of a document that is lost, damaged, or builds on a damaged one gives way to the next way', async () => {
  for (const obstacle of ['lost', 'damaged', 'base'] as const) {
    const { first, second, site, source } = await scene();
    const spoilt = new Set(patchesOf(second));
    if (obstacle === 'lost') {
      for (const sha256 of spoilt) source.lost.add(sha256);
    } else if (obstacle === 'damaged') {
      source.onTheWay = (blob, _, chunks) => (spoilt.has(blob.sha256) ? flippedOnce(chunks) : chunks);
    } else {
      const path = site.blobs.pathOf(first.tree.sha256);
      site.blobs.files.set(path, flipped(site.blobs.files.get(path) as Uint8Array, 5));
    }
    await site.fetch(second, source);
    assert.ok(await site.blobs.has(second.tree.sha256), obstacle);
    assert.ok(
      source.opened.some(({ sha256 }) => wholesOf(second).includes(sha256)),
      obstacle,
    );
  }
});

async function* flippedOnce(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield flipped(chunk, chunk.length >> 1);
}

test('a package reaches the encodings of its documents, so that collection keeps them for child sites', async () => {
  const { second, site, source } = await scene();
  await site.fetch(second, source);
  const reachable = await reachableBlobs(second, site.blobs);
  for (const sha256 of [...patchesOf(second), ...wholesOf(second)]) assert.ok(reachable.has(sha256));
});

test('without such encodings documents come as they are', async () => {
  const { second, site, source } = await scene();
  const { documentEncodings: _, ...plain } = second;
  await site.fetch(plain, source);
  const opened = new Set(source.opened.map(({ sha256 }) => sha256));
  assert.ok(opened.has(second.tree.sha256) && opened.has(second.encodings.sha256));
});
