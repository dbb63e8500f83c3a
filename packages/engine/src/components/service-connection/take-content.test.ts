import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { digest } from '@sallyport/core/shared/ids';
import { LibrarySource } from '../../../test-support/library-source.ts';
import { collected, flipped, never, noise } from '../../../test-support/bytes.ts';
import { publish } from '../../../test-support/published-package.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import type { TrustedView } from '../hierarchy-manager/trusted-view.ts';
import { isWhole, takeContent } from './take-content.ts';

/** A view whose catalogue names one package of that content. */
function viewOf(content: PackageContent): TrustedView {
  const guid = 'one';
  return {
    products: new Map([
      ['hello', { catalogue: { packages: [{ guid }] }, descriptors: new Map([[guid, { content }]]) }],
    ]),
  } as unknown as TrustedView;
}

async function scene() {
  const medium = new MemoryBlobs();
  const { content, segments } = await publish(medium, { a: noise(4000, 1), b: noise(4000, 2) });
  const listed = await collectedRefs(medium);
  const blobs = new MemoryBlobs();
  const ports = { blobs, freeBytes: async () => 1e9 };
  const source = new LibrarySource(medium);
  return { medium, content, segments, listed, blobs, ports, source, view: viewOf(content) };
}

async function collectedRefs(blobs: MemoryBlobs) {
  const refs = [];
  for await (const ref of blobs.list()) refs.push(ref);
  return refs;
}

describe('content from a medium', () => {
  test('is taken when the catalogue names it, and makes a package whole', async () => {
    const { content, listed, blobs, ports, source, view } = await scene();
    assert.equal(await isWhole(content, blobs), false);
    const taken = await takeContent(ports, listed, source, view, never());
    assert.equal(taken.blobs, listed.length);
    assert.deepEqual([taken.absentBlobs, taken.strangeBlobs, taken.damaged], [0, 0, []]);
    assert.equal(await isWhole(content, blobs), true);
    const again = await takeContent(ports, listed, source, view, never());
    assert.deepEqual([again.blobs, again.knownBlobs], [0, listed.length]);
  });

  test('that nobody trusted names is left where it is', async () => {
    const { medium, listed, blobs, ports, source, view } = await scene();
    const stranger = await medium.putBytes(noise(100, 9));
    const taken = await takeContent(ports, [...listed, stranger], source, view, never());
    assert.equal(taken.strangeBlobs, 1);
    assert.equal(await blobs.has(stranger.sha256), false);
  });

  test('that is not on it is counted, and does not keep the rest from coming', async () => {
    const { segments, listed, blobs, ports, source, view } = await scene();
    const { a } = segments;
    assert.ok(a !== undefined);
    source.withheld.add(a.segment.sha256);
    const taken = await takeContent(ports, listed, source, view, never());
    assert.equal(taken.absentBlobs, 1);
    assert.equal(taken.blobs, listed.length - 1);
    assert.equal(await blobs.has(a.segment.sha256), false);
  });

  test('whose bytes were altered is never visible', async () => {
    const { segments, listed, blobs, ports, source, view } = await scene();
    const { a } = segments;
    assert.ok(a !== undefined);
    source.onTheWay = (blob, _, chunks) => (blob.sha256 === a.segment.sha256 ? altered(chunks) : chunks);
    const taken = await takeContent(ports, listed, source, view, never());
    assert.deepEqual(taken.damaged, [a.segment.sha256]);
    assert.equal(await blobs.has(a.segment.sha256), false);
  });

  test('of a medium that is pulled out in the middle is told, and what came before stays', async () => {
    const { segments, listed, blobs, ports, source, view } = await scene();
    const { a } = segments;
    assert.ok(a !== undefined);
    source.onTheWay = (blob, _, chunks) => (blob.sha256 === a.segment.sha256 ? pulledOut() : chunks);
    await assert.rejects(
      takeContent(ports, listed, source, view, never()),
      (error) => error instanceof MediumError && error.code === 'GONE',
    );
    assert.ok((await collectedRefs(blobs)).length > 0);
    source.onTheWay = (_, __, chunks) => chunks;
    assert.equal((await takeContent(ports, listed, source, view, never())).absentBlobs, 0);
  });

  test('that the disk has no room for is refused before anything is taken', async () => {
    const { listed, blobs, ports, source, view } = await scene();
    await assert.rejects(
      takeContent({ ...ports, freeBytes: async () => 100 }, listed, source, view, never()),
      (error) => error instanceof MediumError && error.code === 'FULL',
    );
    assert.deepEqual(await collectedRefs(blobs), []);
  });

  test('under a size that is not its own is not taken', async () => {
    const { listed, blobs, ports, source, view } = await scene();
    const lying = listed.map(({ sha256, sizeBytes }) => ({ sha256, sizeBytes: sizeBytes + 1 }));
    const taken = await takeContent(ports, lying, source, view, never());
    assert.equal(taken.blobs, 0);
    assert.ok(taken.damaged.length > 0);
    assert.equal(await blobs.has(digest(listed[0]?.sha256 ?? '')), false);
  });
});

async function* altered(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield flipped(await collected(chunks), 0);
}

// oxlint-disable-next-line require-yield -- a read that fails at its first byte
async function* pulledOut(): AsyncGenerator<Uint8Array> {
  throw Object.assign(new Error('i/o error'), { code: 'EIO' });
}
