import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Roster } from '@sallyport/core/domain/sites/site';
import { minutes, seconds } from '@sallyport/core/shared/units';
import type { Digest } from '@sallyport/core/shared/ids';
import { flipped, never } from '../../../../test-support/bytes.ts';
import { ManualClock } from '../../../../test-support/manual-clock.ts';
import { MemoryCompute } from '../../../compute/memory-compute.ts';
import { PackageFetcher } from '../../content/package-fetcher.ts';
import { TestHierarchy, type TestSite } from '../../hierarchy-manager/test-support/test-hierarchy.ts';
import { guids } from '../../hierarchy-manager/test-support/test-vendor.ts';
import { fixedRandom, KeptLog } from '../../work/test-support/fixed-ports.ts';
import type { PassOutcome } from '../../work/work-loop.ts';
import type { RootPorts } from '../collection-roots.ts';
import { LibraryCare } from '../library-care.ts';

/** What roots are read from at a site of a test, with a roster of one's own. */
export function rootPorts(site: TestSite, roster: Roster): RootPorts {
  return { ...site, site: site.identity, hierarchy: { current: () => ({ roster }) } };
}

/** A hierarchy whose top-tier site has downloaded an update. */
export async function withDownload(t: TestContext): Promise<TestHierarchy> {
  const hierarchy = await TestHierarchy.start(t, { children: { PR1: 'primary' } });
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.clock.advance(minutes(1));
  await hierarchy.settle();
  return hierarchy;
}

/** Somebody who looks after the library of a site, with a clock of its own: a week goes by for the library alone. */
export async function careFor(hierarchy: TestHierarchy, site: TestSite) {
  const clock = new ManualClock(hierarchy.clock.now());
  const log = new KeptLog();
  const busy = new Set<Digest>();
  const compute = new MemoryCompute(site.blobs);
  const fetcher = new PackageFetcher({
    blobs: site.blobs,
    compute,
    clock,
    random: fixedRandom(0),
    log,
    retry: { attemptsMax: 1, delayFirstMs: 1, delayMaxMs: 1 },
  });
  const newCare = (): LibraryCare =>
    new LibraryCare({
      ...site,
      ...rootPorts(site, hierarchy.roster),
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
  const pass = (signal = never()): Promise<PassOutcome> => care.pass(signal, () => undefined);
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
  const damage = async (sha256: Digest): Promise<void> => {
    const bytes = site.blobs.files.get(site.blobs.pathOf(sha256));
    assert.ok(bytes !== undefined);
    site.blobs.files.set(site.blobs.pathOf(sha256), flipped(bytes, 3));
  };
  const restart = (): void => {
    care = newCare();
  };
  return { clock, log, busy, pass, untilIdle, damage, restart };
}

/** The top-tier site of a hierarchy with an update downloaded, and somebody who looks after its library. */
export async function cared(t: TestContext) {
  const hierarchy = await withDownload(t);
  const { top } = hierarchy;
  const content = hierarchy.vendor.descriptors.get(guids.update)?.content;
  assert.ok(content !== undefined);
  const segment = (await Array.fromAsync(top.blobs.list())).find(({ sizeBytes }) => sizeBytes >= 5_000);
  assert.ok(segment !== undefined);
  return { hierarchy, top, content, segment, ...(await careFor(hierarchy, top)) };
}
