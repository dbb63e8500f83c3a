import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentSizeMaxBytes } from '@sallyport/core/domain/content/tree';
import { decompressBytes } from '../../compute/zstd.ts';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { never, noise, refOf } from '../../../test-support/bytes.ts';
import { documentBytes, encodeDocuments } from './document-encodings.ts';

const lines = (version: number): Uint8Array =>
  new TextEncoder().encode(
    Array.from({ length: 300 }, (_, line) => refOf(noise(9, line === 150 ? version : line)).sha256).join(
      '\n',
    ),
  );

async function published(blobs: MemoryBlobs, version: number) {
  return {
    tree: await blobs.putBytes(lines(version)),
    encodings: await blobs.putBytes(lines(version + 100)),
  };
}

test('documents are compressed and patched against those of earlier releases, and every way leads to them', async () => {
  const blobs = new MemoryBlobs();
  const ports = { blobs, compute: new MemoryCompute(blobs) };
  const older = await published(blobs, 1000);
  const documents = await published(blobs, 2000);
  const ways = await encodeDocuments({ documents, previous: [older] }, ports, never());
  assert.deepEqual(
    [ways.tree, ways.encodings].map((list) => list.map(({ kind }) => kind)),
    [
      ['zstd', 'zstd-patch'],
      ['zstd', 'zstd-patch'],
    ],
  );
  for (const kind of ['tree', 'encodings'] as const) {
    for (const way of ways[kind]) {
      const dictionary =
        way.kind === 'zstd-patch' ? { dictionary: await blobs.readBytes(way.base.sha256, 1e6) } : {};
      const packed = await blobs.readBytes(way.blob.sha256, 1e6);
      const bytes = decompressBytes(packed, { sizeMaxBytes: 1e6, ...dictionary });
      assert.equal(refOf(bytes).sha256, documents[kind].sha256);
    }
  }
  const content = { ...documents, documentEncodings: ways };
  const whole = documents.tree.sizeBytes + documents.encodings.sizeBytes;
  assert.ok(documentBytes(content, older) < 600);
  assert.ok(documentBytes(content, undefined) < whole * 0.7);
  assert.equal(documentBytes(documents, older), whole);
  assert.deepEqual(await encodeDocuments({ documents, previous: [older] }, ports, never()), ways, 'again');
});

test('a document is not patched against itself, and one larger than a segment travels as it is', async () => {
  const blobs = new MemoryBlobs();
  const ports = { blobs, compute: new MemoryCompute(blobs) };
  const documents = await published(blobs, 1000);
  const same = await encodeDocuments({ documents, previous: [documents] }, ports, never());
  assert.ok([...same.tree, ...same.encodings].every(({ kind }) => kind === 'zstd'));
  const large = { ...documents, tree: { ...documents.tree, sizeBytes: segmentSizeMaxBytes + 1 } };
  assert.deepEqual((await encodeDocuments({ documents: large, previous: [] }, ports, never())).tree, []);
});
