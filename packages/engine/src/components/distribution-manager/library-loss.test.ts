import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentsOf } from '@sallyport/core/domain/content/route';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { Digest } from '@sallyport/core/shared/ids';
import { days, hours, minutes, seconds } from '@sallyport/core/shared/units';
import { never, noise } from '../../../test-support/bytes.ts';
import { readTree } from '../content/package-documents.ts';
import { reachableBlobs } from '../content/reachable.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';
import { careFor, cared, withDownload } from './test-support/cared-library.ts';

test('a flipped bit at a child brings back that blob, and no package that nobody ordered there', async (t) => {
  const hierarchy = await withDownload(t);
  const { top, vendor } = hierarchy;
  const pr1 = hierarchy.site('PR1');
  await top.operations.checkPrerequisites({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATION_SUCCESS');
  await vendor.add(guids.other, '4.0.0.1');
  vendor.sign();
  await top.operations.check();
  await hierarchy.clock.advance(minutes(1));
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.other), 'DOWNLOAD_SUCCESS');
  await pr1.documents.refresh(never());
  const { clock, untilIdle, damage } = await careFor(hierarchy, pr1);
  const content = vendor.descriptors.get(guids.update)?.content ?? assert.fail();
  const [segment] = segmentsOf(await readTree(content, pr1.blobs));
  assert.ok(segment !== undefined);
  await damage(segment.sha256);
  const before = pr1.content.opened.length;
  await clock.advance(days(7));
  await untilIdle();
  assert.ok(await pr1.blobs.has(segment.sha256));
  // Neither what the site above has downloaded, nor what is installed here and came from a medium.
  const opened = new Set(pr1.content.opened.slice(before).map(({ sha256 }) => sha256));
  for (const guid of [guids.other, guids.base]) {
    const { tree } = vendor.descriptors.get(guid)?.content ?? assert.fail();
    assert.deepEqual([opened.has(tree.sha256), await pr1.blobs.has(tree.sha256)], [false, false]);
  }
});

for (const gone of [guids.update, guids.other]) {
  const [whole] = [guids.update, guids.other].filter((guid) => guid !== gone);
  test(`a package that cannot be had (${gone}) stops neither the others, nor scrub, nor collection`, async (t) => {
    assert.ok(whole !== undefined);
    const { hierarchy, top } = await cared(t);
    const { vendor } = hierarchy;
    await vendor.add(guids.other, '4.0.0.1');
    vendor.sign();
    await top.operations.check();
    await hierarchy.clock.advance(minutes(1));
    await hierarchy.settle();
    const { clock, log, pass, untilIdle, damage } = await careFor(hierarchy, top);
    const damaged = new Map<string, Digest>();
    for (const guid of [gone, whole]) {
      const content = vendor.descriptors.get(guid)?.content ?? assert.fail();
      const own = segmentsOf(await readTree(content, top.blobs)).find(({ sizeBytes }) => sizeBytes >= 5_000);
      assert.ok(own !== undefined);
      damaged.set(guid, own.sha256);
      await damage(own.sha256);
      if (guid === gone)
        for (const sha256 of await reachableBlobs(content, top.blobs)) vendor.content.withheld.add(sha256);
    }
    const held = (guid: string): Promise<boolean> => top.blobs.has(damaged.get(guid) ?? assert.fail());
    await clock.advance(days(7));
    const failing = await untilIdle();
    assert.deepEqual([await held(gone), await held(whole)], [false, true]);
    assert.equal(failing.state, 'failing');
    assert.match(failing.reason, /could not be fetched again: .* has no way to/);
    assert.match(log.lines.join('\n'), /The content library is checked/);
    const garbage = await top.blobs.putBytes(noise(700, 9));
    await clock.advance(days(1));
    assert.equal((await pass()).state, 'failing');
    assert.equal(await top.blobs.has(garbage.sha256), false);
    vendor.content.withheld.clear();
    await clock.advance(hours(1));
    assert.equal((await untilIdle()).state, 'waiting');
    assert.ok(await held(gone));
  });
}

test('while a damaged document of a package cannot be had nothing is collected, and nobody hurries in vain', async (t) => {
  const { clock, top, pass, untilIdle, content, segment, damage } = await cared(t);
  await damage(content.tree.sha256);
  top.content.onOffers = () => {
    throw new ContentError('UNREACHABLE', 'the vendor does not answer');
  };
  await clock.advance(days(1));
  await untilIdle();
  const garbage = await top.blobs.putBytes(noise(700, 1));
  await clock.advance(days(2));
  const outcome = await pass();
  assert.equal(outcome.state, 'failing');
  assert.ok((outcome.nextAt ?? 0) > clock.now());
  assert.ok((await top.blobs.has(segment.sha256)) && (await top.blobs.has(garbage.sha256)));
  top.content.onOffers = () => undefined;
  await clock.advance(hours(1));
  await untilIdle();
  assert.deepEqual(
    [await top.blobs.has(content.tree.sha256), await top.blobs.has(segment.sha256)],
    [true, true],
  );
  assert.equal(await top.blobs.has(garbage.sha256), false);
});

test('what was found damaged is known after a stop in the middle of it, and comes back', async (t) => {
  const { clock, top, pass, segment, damage, restart } = await cared(t);
  await damage(segment.sha256);
  await clock.advance(days(7));
  const stopping = new AbortController();
  const remove = top.blobs.remove.bind(top.blobs);
  t.after(() => {
    top.blobs.remove = remove;
  });
  top.blobs.remove = async (sha256) => {
    await remove(sha256);
    // The site server ends right after it has removed the blob.
    if (sha256 === segment.sha256) stopping.abort(new Error('the site server stops'));
    stopping.signal.throwIfAborted();
  };
  await assert.rejects(async () => {
    for (;;) {
      await pass(stopping.signal);
      await clock.advance(seconds(10));
    }
  }, /the site server stops/);
  top.blobs.remove = remove;
  assert.equal(await top.blobs.has(segment.sha256), false);
  restart();
  await pass();
  assert.ok(await top.blobs.has(segment.sha256));
});
