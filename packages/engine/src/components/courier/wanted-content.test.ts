import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LibrarySource } from '../../../test-support/library-source.ts';
import { never, noise } from '../../../test-support/bytes.ts';
import { publish } from '../../../test-support/published-package.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { HaveSet, haveSetOf } from '../service-connection/have-set.ts';
import { wantedContent } from './wanted-content.ts';

const old = { a: noise(4000, 1), b: noise(4000, 2) };
const next = { a: new Uint8Array([...old.a, 1, 2, 3]), b: old.b, c: noise(3000, 3) };

async function scene() {
  const library = new MemoryBlobs();
  const before = await publish(library, old);
  const update = await publish(library, next, old);
  const source = new LibrarySource(library);
  const ports = { documents: library, source };
  const wanted = async (have: HaveSet) => {
    const { blobs, unobtainable } = await wantedContent(update.content, have, ports, never());
    return { names: new Set(blobs.map(({ sha256 }) => sha256)), unobtainable };
  };
  return { library, before, update, source, wanted };
}

test('a hierarchy that has what a patch builds on is brought the patch, and nothing that it holds', async () => {
  const { before, update, wanted } = await scene();
  const site = new MemoryBlobs();
  await site.putBytes(old.a);
  await site.putBytes(old.b);
  const { names } = await wanted(new HaveSet(await haveSetOf(site)));
  const { a, b, c } = update.segments;
  assert.ok(a?.patch !== undefined && b !== undefined && c !== undefined && before.content !== undefined);
  assert.deepEqual(
    names,
    new Set(
      [update.content.tree.sha256, update.content.encodings.sha256, a.patch.sha256, c.zstd.sha256].map(
        (sha256) =>
          // Noise does not compress: as it is, it is the shorter one.
          sha256 === c.zstd.sha256 && c.segment.sizeBytes <= c.zstd.sizeBytes ? c.segment.sha256 : sha256,
      ),
    ),
  );
});

test('one that has nothing is brought everything, and nothing that builds on what it lacks', async () => {
  const { update, wanted } = await scene();
  const { names } = await wanted(new HaveSet(new Uint8Array()));
  assert.equal(names.has(update.segments['a']?.patch?.sha256 ?? ('' as never)), false);
  assert.equal(names.size, 5);
});

test('what the vendor has no way to is told', async () => {
  const { update, source, wanted } = await scene();
  const { c } = update.segments;
  assert.ok(c !== undefined);
  source.withheld.add(c.segment.sha256);
  source.withheld.add(c.zstd.sha256);
  const { unobtainable } = await wanted(new HaveSet(new Uint8Array()));
  assert.deepEqual(unobtainable, [c.segment]);
});
