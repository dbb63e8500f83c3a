import assert from 'node:assert/strict';
import { test } from 'node:test';
import { days, hours, minutes, seconds } from '@sallyport/core/shared/units';
import type { Digest } from '@sallyport/core/shared/ids';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { noise, refOf } from '../../../test-support/bytes.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';
import { cared } from './test-support/cared-library.ts';

test('what nothing needs is removed a day later; what is needed or being fetched stays', async (t) => {
  const { clock, top, log, busy, untilIdle, content, segment } = await cared(t);
  const garbage = await top.blobs.putBytes(noise(700, 1));
  const arriving = await top.blobs.putBytes(noise(800, 2));
  busy.add(arriving.sha256);
  const first = await untilIdle();
  assert.ok(await top.blobs.has(garbage.sha256));
  assert.equal(first.nextAt, clock.now() + days(1));
  await clock.advance(days(1));
  await untilIdle();
  const held = (sha256: Digest): Promise<boolean> => top.blobs.has(sha256);
  assert.deepEqual(
    [
      await held(garbage.sha256),
      await held(arriving.sha256),
      await held(segment.sha256),
      await held(content.tree.sha256),
    ],
    [false, true, true, true],
  );
  assert.match(log.lines.join('\n'), /needs \d+ blobs .* kB are free again/);
});

test('an install that has ended is tidied up after within minutes', async (t) => {
  const { hierarchy, clock, top, untilIdle } = await cared(t);
  await top.operations.install({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  await hierarchy.installs('CAS', guids.update);
  const garbage = await top.blobs.putBytes(noise(700, 1));
  await untilIdle();
  assert.ok(await top.blobs.has(garbage.sha256), 'the install tidies up first');
  await clock.advance(minutes(10));
  await untilIdle();
  assert.equal(await top.blobs.has(garbage.sha256), false);
});

test('all of the library is read in seven days, in parts, and a restart goes on where it was', async (t) => {
  const { clock, top, log, pass, untilIdle, restart } = await cared(t);
  await clock.advance(days(7));
  const begun = await pass();
  assert.equal(begun.nextAt, clock.now() + seconds(10), 'a part at a time');
  const count = (await Array.fromAsync(top.blobs.list())).length;
  // Woken before its time, it does no more.
  assert.equal((await pass()).nextAt, begun.nextAt);
  restart();
  const { reason } = await untilIdle();
  assert.match(reason, new RegExp(`checked at 2026-01-17T.*: ${count} blobs, .* all as they should be`));
  assert.match(log.lines.join('\n'), /is checked: \d+ blobs/);
  const { nextAt } = await untilIdle();
  assert.ok((nextAt ?? 0) <= clock.now() + days(1));
});

test('a flipped bit is found within seven days and fetched again', async (t) => {
  const { clock, top, log, untilIdle, segment, damage } = await cared(t);
  await damage(segment.sha256);
  await clock.advance(days(7));
  await untilIdle();
  assert.deepEqual(refOf(await top.blobs.readBytes(segment.sha256, segment.sizeBytes)), segment);
  const said = log.lines.join('\n');
  assert.match(said, new RegExp(`error The disk has damaged the blob ${segment.sha256}`));
  assert.match(said, /whole again/);
});

test('a loss that cannot be made good stays visible, and is tried again', async (t) => {
  const { clock, top, pass, untilIdle, segment, damage } = await cared(t);
  const garbage = await top.blobs.putBytes(noise(700, 1));
  await damage(segment.sha256);
  top.content.onOffers = () => {
    throw new ContentError('UNREACHABLE', 'the vendor does not answer');
  };
  await clock.advance(days(7));
  let outcome = await pass();
  while (outcome.state !== 'failing') {
    await clock.advance(seconds(10));
    outcome = await pass();
  }
  assert.match(outcome.reason, /could not be fetched again: the vendor does not answer/);
  assert.equal(await top.blobs.has(garbage.sha256), false);
  const later = await top.blobs.putBytes(noise(701, 1));
  await clock.advance(days(2));
  assert.equal((await pass()).state, 'failing');
  // What has to stay is known: what nothing needs goes all the same.
  assert.equal(await top.blobs.has(later.sha256), false);
  top.content.onOffers = () => undefined;
  await clock.advance(hours(1));
  await untilIdle();
  assert.ok(await top.blobs.has(segment.sha256));
  assert.equal((await pass()).state, 'waiting');
});

test('a damaged document of a package costs nothing of what it names', async (t) => {
  const { clock, top, untilIdle, content, segment, damage } = await cared(t);
  await damage(content.tree.sha256);
  await clock.advance(days(1));
  await untilIdle();
  const { sha256, sizeBytes } = content.tree;
  assert.deepEqual(refOf(await top.blobs.readBytes(sha256, sizeBytes)), { sha256, sizeBytes });
  assert.ok(await top.blobs.has(segment.sha256));
});

test('a clock that was set back puts nothing off', async (t) => {
  const { clock, top, untilIdle } = await cared(t);
  await clock.advance(days(30));
  await untilIdle();
  const garbage = await top.blobs.putBytes(noise(700, 1));
  clock.set(clock.now() - days(20));
  await untilIdle();
  assert.equal(await top.blobs.has(garbage.sha256), false);
});
