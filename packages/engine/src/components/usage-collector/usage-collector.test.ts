import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isTold } from '@sallyport/core/domain/usage/level';
import { usageItem, usageItems } from '@sallyport/core/domain/usage/registry';
import type { SiteUsage, UsagePolicy } from '@sallyport/core/domain/usage/report';
import { days, minutes } from '@sallyport/core/shared/units';
import { siteUsageFormat } from '@sallyport/core/wire/usage';
import { fixedRandom, KeptLog } from '../work/test-support/fixed-ports.ts';
import { collectorSettingName, readCollector } from './collector-state.ts';
import { putPolicy } from './policy.ts';
import { ToldSite } from './test-support/told-site.ts';
import { UsageCollector, type UsageCollectorOptions, usageRecordKey } from './usage-collector.ts';

const never = new AbortController().signal;
const busy: ReadonlySet<string> = new Set(['running', 'starting']);

/** A collector at work on a site. The other components of the site rest, so that a test may jump through weeks. */
async function collecting(t: TestContext, code = 'CAS') {
  const site = await ToldSite.start(t, code);
  await site.hierarchy.stop();
  const { clock } = site.hierarchy;
  const log = new KeptLog();
  const made: UsageCollector[] = [];
  const make = (more: Partial<UsageCollectorOptions> = {}) => {
    const collector = new UsageCollector({ ...site.sources(), clock, random: fixedRandom(0), log, ...more });
    made.push(collector);
    t.after(() => collector.stop());
    return collector;
  };
  const usage = (): SiteUsage | undefined =>
    site.database.read(({ records }) => records.get(site.site.identity.code, 'site-usage', usageRecordKey))
      ?.body as SiteUsage | undefined;
  const state = () => site.database.read(({ settings }) => readCollector(settings));
  const choose = (change: Partial<UsagePolicy>): void =>
    site.hierarchy.top.database.write(({ records }) =>
      putPolicy(
        records,
        {
          schema: 1,
          level: 'enhanced',
          changedAt: '2026-01-10T00:00:00.000Z',
          changedBy: 'anna',
          request: 0,
          ...change,
        },
        clock.now(),
      ),
    );
  /** Lets whoever collects come to the end of it, however many pauses that takes. */
  const goOn = async (): Promise<void> => {
    for (let idle = 0; idle < 2; idle += 1) {
      await clock.advance(10);
      if (made.some((each) => busy.has(each.query().state))) idle = 0;
    }
  };
  /** After some time; pauses of what that starts included. */
  const after = async (ms: number) => {
    await clock.jump(ms);
    await goOn();
  };
  return { site, clock, log, make, usage, state, choose, goOn, after };
}

test('collects a week after the set-up and every week from then on, at the default level', async (t) => {
  const { clock, make, usage, state, after, goOn, site } = await collecting(t);
  const setUpAt = clock.now();
  const collector = make();
  await collector.start(never);
  await goOn();
  assert.equal(usage(), undefined);
  assert.equal(
    state()?.setUpAt,
    site.database.read((tables) => tables.statistics.firstEventAt(site.site.identity.code)) ?? setUpAt,
  );
  assert.equal(collector.query().state, 'waiting');
  await after(days(7));
  const first = usage();
  assert.ok(first !== undefined);
  siteUsageFormat.check(first);
  assert.equal(first.level, 'enhanced');
  assert.deepEqual(
    Object.keys(first.items).toSorted(),
    usageItems
      .filter(({ level }) => isTold(level, 'enhanced'))
      .map(({ id }) => id)
      .toSorted(),
  );
  const took = state()?.last?.ms;
  await after(days(6));
  assert.equal(state()?.last?.count, 1);
  await after(days(1));
  assert.equal(state()?.last?.count, 2);
  assert.deepEqual(usage()?.items['tasks.collection'], [{ days: 7, took, failed: 0, count: 1 }]);
});

test('a child tells nothing that is the hierarchy’s to tell', async (t) => {
  const { make, usage, goOn } = await collecting(t, 'PR1');
  const collector = make();
  await collector.start(never);
  const collected = collector.collectNow();
  await goOn();
  await collected;
  const ids = Object.keys(usage()?.items ?? {});
  assert.ok(ids.length > 50);
  assert.ok(ids.every((id) => usageItem(id)?.scope === 'site'));
});

test('collects anew when the level changes, and when somebody asks for it', async (t) => {
  const { make, usage, state, choose, goOn } = await collecting(t);
  const collector = make();
  await collector.start(never);
  choose({ request: 1 });
  await goOn();
  assert.equal(state()?.last?.count, 1);
  assert.equal(usage()?.request, 1);
  choose({ request: 1, level: 'basic' });
  await goOn();
  assert.equal(state()?.last?.count, 2);
  assert.equal(usage()?.level, 'basic');
  assert.ok(Object.keys(usage()?.items ?? {}).every((id) => usageItem(id)?.level === 'basic'));
  choose({ request: 1, level: 'basic', changedBy: 'somebody else' });
  await goOn();
  assert.equal(state()?.last?.count, 2, 'what is collected is what is chosen');
  choose({ request: 2, level: 'full' });
  await goOn();
  assert.equal(state()?.last?.count, 3);
  assert.equal(Object.keys(usage()?.items ?? {}).length, usageItems.length);
});

test('a policy that changes while it collects is the one that counts: nothing above it is written', async (t) => {
  const { clock, make, usage, state, choose, goOn } = await collecting(t);
  choose({ level: 'full' });
  const collector = make();
  await collector.start(never);
  const collected = collector.collectNow();
  await clock.sleeping(1);
  choose({ level: 'basic' });
  await goOn();
  await collected;
  assert.equal(usage()?.level, 'basic');
  assert.equal(state()?.last?.count, 1, 'what was collected for the other level is not recorded');
});

test('collectNow begins a collection after it was called, and rejects when that fails', async (t) => {
  const { make, state, goOn } = await collecting(t);
  const collector = make({
    backups: { list: () => Promise.reject(new Error('no disk')) },
  });
  await collector.start(never);
  const failing = assert.rejects(collector.collectNow(), /no disk/);
  await goOn();
  await failing;
  assert.equal(state()?.last, undefined);
  assert.equal(collector.query().state, 'failing');
  const sound = make();
  await sound.start(never);
  const one = sound.collectNow();
  const two = sound.collectNow();
  await goOn();
  await Promise.all([one, two]);
  assert.equal(state()?.last?.count, 1);
  const three = sound.collectNow();
  await goOn();
  await three;
  assert.equal(state()?.last?.count, 2);
});

test('a clock that jumps back and forth neither silences nor floods it', async (t) => {
  const { clock, make, state, after, goOn } = await collecting(t);
  const start = clock.now();
  await make().start(never);
  await goOn();
  clock.set(start + days(5000));
  await goOn();
  assert.equal(state()?.last?.count, 1);
  clock.set(start + days(1));
  await goOn();
  assert.equal(state()?.last?.count, 1);
  await after(days(6));
  assert.equal(state()?.last?.count, 2, 'at the end of the week, as if nothing had been');
  for (let times = 0; times < 20; times += 1) {
    clock.set(start + days(8) + (times % 2) * minutes(1));
    await goOn();
  }
  assert.equal(state()?.last?.count, 2);
});

test('whatever ends the process, the next one goes on where things were', async (t) => {
  const { site, clock, make, usage, state, after, goOn } = await collecting(t);
  const first = make();
  await first.start(never);
  await goOn();
  const setUpAt = state()?.setUpAt;
  await after(days(3));
  await first.stop();
  await clock.jump(days(3));
  const second = make();
  await second.start(never);
  await goOn();
  assert.equal(state()?.setUpAt, setUpAt, 'weeks go on from the set-up, not from the start');
  assert.equal(usage(), undefined);
  // Stopped amid a collection: nothing of it is there, and the next start does it.
  await clock.jump(days(1));
  await second.stop();
  assert.equal(usage(), undefined);
  assert.equal(state()?.last, undefined);
  await make().start(never);
  await goOn();
  assert.equal(state()?.last?.count, 1);
  // Record and state are one transaction.
  const { database } = site;
  assert.throws(() =>
    database.write(({ records, settings }) => {
      records.putOwn('site-usage', usageRecordKey, {}, 1);
      settings.put(collectorSettingName, {});
      throw new Error('cut off');
    }),
  );
  assert.equal(state()?.last?.count, 1);
  assert.equal(usage()?.schema, 1);
});

test('an item that cannot be made is named in the log, and counted the next time', async (t) => {
  const { site, log, make, usage, goOn } = await collecting(t);
  // Nothing that a machine can have: the whole of the report would be refused for it.
  site.machine.described.processors = -1;
  const collector = make();
  await collector.start(never);
  for (let times = 0; times < 2; times += 1) {
    const collected = collector.collectNow();
    await goOn();
    await collected;
  }
  assert.equal(usage()?.items['system.hardware'], undefined);
  assert.ok(usage()?.items['system.platform'] !== undefined);
  assert.ok(
    log.lines.some((line) => /^warn Data item system\.hardware could not be made: .*processors/.test(line)),
  );
  assert.equal(usage()?.items['tasks.collection']?.[0]?.['failed'], 1);
});

test('says in its log what it has collected and why', async (t) => {
  const { log, make, choose, goOn } = await collecting(t);
  await make().start(never);
  choose({ request: 1 });
  await goOn();
  assert.match(
    log.lines.at(-1) ?? '',
    /^info Collected \d+ data items at level enhanced in \d+ ms: collecting was asked for \(request 1\)$/,
  );
});

test('looks at no more than its limits, however much there is', async (t) => {
  const { site } = await collecting(t);
  site.limits = { eventsMax: 2, rowsMax: 3, recordsMax: 1, blobsMax: 1, ordersMax: 1 };
  const items = await site.tells();
  assert.deepEqual(
    items['content.library']?.map(({ blobs, complete }) => [blobs, complete]),
    [[1, false]],
  );
  assert.ok(items['database.tables']?.every(({ rows }) => Number(rows) <= 3));
  assert.ok(items['database.recordKinds']?.every(({ records }) => Number(records) <= 2));
  assert.ok((items['updates.history']?.length ?? 0) <= 2);
});
