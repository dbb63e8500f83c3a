import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { days, hours, minutes, seconds } from '@sallyport/core/shared/units';
import type { Digest } from '@sallyport/core/shared/ids';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { flipped, never, noise, refOf } from '../../../test-support/bytes.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { PackageFetcher } from '../content/package-fetcher.ts';
import { TestHierarchy } from '../hierarchy-manager/test-support/test-hierarchy.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';
import { fixedRandom, KeptLog } from '../work/test-support/fixed-ports.ts';
import type { PassOutcome } from '../work/work-loop.ts';
import { LibraryCare } from './library-care.ts';

/** The top-tier site of a hierarchy with an update downloaded, and somebody who looks after its library. */
async function cared(t: TestContext) {
  const hierarchy = await TestHierarchy.start(t, { children: { PR1: 'primary' } });
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.clock.advance(minutes(1));
  await hierarchy.settle();
  const { top } = hierarchy;
  // Of its own: a week goes by for the library alone.
  const clock = new ManualClock(hierarchy.clock.now());
  const log = new KeptLog();
  const busy = new Set<Digest>();
  const compute = new MemoryCompute(top.blobs);
  const fetcher = new PackageFetcher({
    blobs: top.blobs,
    compute,
    clock,
    random: fixedRandom(0),
    log,
    retry: { attemptsMax: 1, delayFirstMs: 1, delayMaxMs: 1 },
  });
  const newCare = (): LibraryCare =>
    new LibraryCare({
      ...top,
      site: top.identity,
      compute,
      fetcher: {
        fetch: (...given) => fetcher.fetch(...given),
        isInUse: (sha256) => busy.has(sha256),
      },
      clock,
      random: fixedRandom(0),
      log,
      pace: { bytes: 4_000, everyMs: seconds(10) },
    });
  let care = newCare();
  const pass = (): Promise<PassOutcome> => care.pass(never(), () => undefined);
  await pass();
  /** Passes as the loop makes them, until nothing is due any more. */
  const untilIdle = async (): Promise<PassOutcome> => {
    for (;;) {
      const outcome = await pass();
      const waitMs = (outcome.nextAt ?? Infinity) - clock.now();
      if (waitMs > minutes(1)) return outcome;
      await clock.advance(Math.max(0, waitMs));
    }
  };
  const content = hierarchy.vendor.descriptors.get(guids.update)?.content;
  assert.ok(content !== undefined);
  const segment = (await Array.fromAsync(top.blobs.list())).find(({ sizeBytes }) => sizeBytes >= 5_000);
  assert.ok(segment !== undefined);
  const damage = async (sha256: Digest): Promise<void> => {
    const bytes = top.blobs.files.get(top.blobs.pathOf(sha256));
    assert.ok(bytes !== undefined);
    top.blobs.files.set(top.blobs.pathOf(sha256), flipped(bytes, 3));
  };
  const restart = (): void => {
    care = newCare();
  };
  return { hierarchy, clock, top, log, busy, pass, untilIdle, content, segment, damage, restart };
}

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
  assert.match(said, new RegExp(`error The disk has damaged 1 blobs.*${segment.sha256}`));
  assert.match(said, /whole again/);
});

test('a loss that cannot be made good stays visible, keeps everything, and is tried again', async (t) => {
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
  // The one that began it all was collected before; what came since is not touched while something is lost.
  assert.equal(await top.blobs.has(garbage.sha256), false);
  const later = await top.blobs.putBytes(noise(701, 1));
  await clock.advance(days(2));
  assert.equal((await pass()).state, 'failing');
  assert.ok(await top.blobs.has(later.sha256));
  top.content.onOffers = () => undefined;
  await clock.advance(hours(1));
  await untilIdle();
  assert.ok(await top.blobs.has(segment.sha256));
  assert.equal(await top.blobs.has(later.sha256), false);
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
