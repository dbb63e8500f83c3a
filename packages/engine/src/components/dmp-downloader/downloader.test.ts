import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { parseTargetingFacts } from '@sallyport/core/wire/facts';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { ExchangeError } from '../../ports/vendor-exchange.ts';
import { RepositorySourceError } from '../../ports/repository.ts';
import { TestHierarchy } from '../hierarchy-manager/test-support/test-hierarchy.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';

const hour = 3_600_000;

async function withUpdate(t: TestContext): Promise<TestHierarchy> {
  const hierarchy = await TestHierarchy.start(t, { children: { PR1: 'primary' } });
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  return hierarchy;
}

async function codesOf(hierarchy: TestHierarchy, id: string): Promise<readonly string[]> {
  return (await hierarchy.top.operations.why({ id })).reasons.map(({ code }) => code);
}

test('exchanges at the first start, then after a day that jitter only shortens', async (t) => {
  const hierarchy = await TestHierarchy.start(t);
  const first = hierarchy.vendor.received.length;
  assert.ok(first >= 1);
  const { exchange } = await hierarchy.top.operations.list({});
  const nextAt = exchange.nextAt ?? 0;
  assert.ok(nextAt <= hierarchy.clock.now() + 24 * hour && nextAt > hierarchy.clock.now() + 22 * hour);
  await hierarchy.clock.advance(nextAt - hierarchy.clock.now() - 1);
  assert.equal(hierarchy.vendor.received.length, first);
  await hierarchy.clock.advance(60_000);
  assert.equal(hierarchy.vendor.received.length, first + 1);
});

test('a restart does not exchange again before its time, and a clock set back does not put it off', async (t) => {
  const hierarchy = await TestHierarchy.start(t);
  const count = hierarchy.vendor.received.length;
  await hierarchy.top.downloader.stop();
  await hierarchy.top.downloader.start(new AbortController().signal);
  await hierarchy.settle();
  assert.equal(hierarchy.vendor.received.length, count);
  hierarchy.clock.set(hierarchy.clock.now() - 10 * 24 * hour);
  await hierarchy.clock.advance(60_000);
  assert.equal(hierarchy.vendor.received.length, count + 1);
});

test('what leaves is what was shown, byte by byte: counts, and no site by name', async (t) => {
  const hierarchy = await withUpdate(t);
  const shown = hierarchy.top.operations.usage();
  assert.equal(shown.kind, 'report');
  await hierarchy.top.operations.check();
  const sent = hierarchy.vendor.received.map((payload) => new TextDecoder().decode(payload));
  assert.ok(shown.kind === 'report' && sent.includes(shown.payload));
  const facts = parseTargetingFacts(hierarchy.vendor.received.at(-1) ?? new Uint8Array());
  assert.deepEqual(facts.siteCounts, { central: 1, primary: 1, secondary: 0 });
  assert.deepEqual(facts.products[0]?.versions, [
    { version: '1.0.0', type: 'central', sites: 1 },
    { version: '1.0.0', type: 'primary', sites: 1 },
  ]);
  assert.ok(!(sent.at(-1) ?? '').includes('PR1'));
});

test('a report is sent again, the same bytes, until its receipt has come', async (t) => {
  const hierarchy = await withUpdate(t);
  hierarchy.vendor.onAnswer = () => [];
  const { exchange } = await hierarchy.top.operations.check();
  assert.deepEqual([exchange.facts.code, exchange.offer.code], ['NO_RECEIPT', 'OFFER_MISSING']);
  const lost = hierarchy.vendor.received.at(-1);
  hierarchy.vendor.onAnswer = (envelopes) => envelopes;
  await hierarchy.top.operations.check();
  assert.deepEqual(hierarchy.vendor.received.at(-1), lost);
  await hierarchy.top.operations.check();
  assert.notDeepEqual(hierarchy.vendor.received.at(-1), lost);
  const sequences = hierarchy.vendor.received.map((payload) => parseTargetingFacts(payload).sequence);
  assert.deepEqual(
    sequences,
    sequences.toSorted((a, b) => a - b),
  );
});

test('a refused report never keeps metadata from coming, and the next one takes its place', async (t) => {
  const hierarchy = await withUpdate(t);
  hierarchy.vendor.refuse = { code: 'NOT_ENROLLED', message: 'the hierarchy is not enrolled here' };
  const { exchange } = await hierarchy.top.operations.check();
  assert.equal(exchange.metadata.result, 'ok');
  assert.deepEqual([exchange.facts.result, exchange.facts.code], ['failed', 'NOT_ENROLLED']);
  assert.match(hierarchy.top.downloader.query().reason, /not enrolled/);
  assert.deepEqual(await codesOf(hierarchy, '2.0.0'), ['OFFER_MISSING']);
  hierarchy.vendor.refuse = undefined;
  const again = await hierarchy.top.operations.check();
  assert.equal(again.exchange.facts.result, 'ok');
  assert.deepEqual(
    again.available.map(({ version }) => version),
    ['2.0.0'],
  );
});

test('metadata that cannot be had do not keep facts from leaving, and the next try comes with growing delays', async (t) => {
  const hierarchy = await withUpdate(t);
  const { repository } = hierarchy.vendor;
  const metadata = repository.metadata.bind(repository);
  repository.metadata = () =>
    Promise.reject(new RepositorySourceError('UNREACHABLE', 'no route to the vendor'));
  const { exchange } = await hierarchy.top.operations.check();
  assert.deepEqual(
    [exchange.metadata.code, exchange.facts.result, exchange.offer.result],
    ['UNREACHABLE', 'ok', 'ok'],
  );
  const firstDelay = (exchange.nextAt ?? 0) - hierarchy.clock.now();
  assert.ok(firstDelay > 0 && firstDelay <= 60_000);
  await hierarchy.clock.advance(firstDelay);
  const second = (await hierarchy.top.operations.list({})).exchange;
  assert.ok((second.nextAt ?? 0) - hierarchy.clock.now() > firstDelay);
  repository.metadata = metadata;
  await hierarchy.clock.advance((second.nextAt ?? 0) - hierarchy.clock.now());
  assert.equal((await hierarchy.top.operations.list({})).exchange.metadata.result, 'ok');
});

test('however often somebody checks in vain, the next exchange comes no later for it', async (t) => {
  const hierarchy = await withUpdate(t);
  const { repository } = hierarchy.vendor;
  repository.metadata = () => Promise.reject(new RepositorySourceError('UNREACHABLE', 'no route'));
  const first = (await hierarchy.top.operations.check()).exchange;
  for (let time = 0; time < 10; time += 1) {
    await hierarchy.clock.advance(1_000);
    const { exchange } = await hierarchy.top.operations.check();
    assert.ok((exchange.nextAt ?? 0) <= (first.nextAt ?? 0));
  }
});

test('an offer in force lasts while the vendor is away, until it expires', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.top.operations.check();
  hierarchy.vendor.fault = new ExchangeError('UNREACHABLE', 'the vendor is away');
  const { exchange } = await hierarchy.top.operations.check();
  assert.deepEqual(
    [exchange.metadata.result, exchange.facts.code, exchange.offer.code],
    ['ok', 'UNREACHABLE', 'UNREACHABLE'],
  );
  assert.equal((await hierarchy.top.operations.why({ id: '2.0.0' })).verdict, 'available');
  await hierarchy.clock.jump(49 * hour);
  assert.deepEqual(await codesOf(hierarchy, '2.0.0'), ['OFFER_EXPIRED']);
});

test('an older offer is not used, and makes nothing new available', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.top.operations.check();
  hierarchy.vendor.onAnswer = (envelopes) => [
    envelopes[0] ?? new Uint8Array(),
    hierarchy.vendor.offerFor(hierarchy.vendor.received.at(-1) ?? new Uint8Array(), 1),
  ];
  const { exchange } = await hierarchy.top.operations.check();
  assert.deepEqual([exchange.facts.result, exchange.offer.code], ['ok', 'OFFER_OLDER']);
  assert.deepEqual(await codesOf(hierarchy, '2.0.0'), ['OFFER_OLDER']);
  hierarchy.vendor.onAnswer = (envelopes) => envelopes;
  await hierarchy.top.operations.check();
  assert.equal((await hierarchy.top.operations.why({ id: '2.0.0' })).verdict, 'available');
});

test('an expired offer and one for other facts are not used', async (t) => {
  const hierarchy = await withUpdate(t);
  hierarchy.vendor.skewMs = -50 * hour;
  await hierarchy.top.operations.check();
  assert.deepEqual(await codesOf(hierarchy, '2.0.0'), ['OFFER_EXPIRED']);
  hierarchy.vendor.skewMs = 0;
  hierarchy.vendor.onAnswer = (envelopes) => [
    envelopes[0] ?? new Uint8Array(),
    hierarchy.vendor.offerFor(hierarchy.vendor.received[0] ?? new Uint8Array(), 99),
  ];
  await hierarchy.top.operations.check();
  assert.deepEqual(await codesOf(hierarchy, '2.0.0'), ['OFFER_FOR_OTHER_FACTS']);
});

test('an answer that strangers signed is not believed', async (t) => {
  const hierarchy = await withUpdate(t);
  const stranger = await TestHierarchy.start(t);
  hierarchy.vendor.onAnswer = () => {
    const payload = hierarchy.vendor.received.at(-1) ?? new Uint8Array();
    return [stranger.vendor.offerFor(payload, 7), new TextEncoder().encode('no envelope')];
  };
  const { exchange } = await hierarchy.top.operations.check();
  assert.deepEqual([exchange.facts.code, exchange.offer.code], ['NO_RECEIPT', 'OFFER_MISSING']);
  assert.match(exchange.offer.error ?? '', /offer cannot be believed, and is asked for again: /);
  assert.equal(hierarchy.top.log.lines.filter((line) => line.includes('was not believed')).length, 2);
});

test('a failed download says why and when it is tried next, and goes on by itself', async (t) => {
  const hierarchy = await withUpdate(t);
  const { content } = hierarchy.vendor;
  let away = true;
  content.onTheWay = (blob, offset, chunks) => {
    if (away && blob.sizeBytes > 2_000) throw new ContentError('UNREACHABLE', 'the line is dead');
    return { startsAt: offset, chunks };
  };
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  const failed = hierarchy.projection('CAS', guids.update);
  assert.equal(failed?.state, 'DOWNLOAD_FAILED');
  assert.match(failed?.reason ?? '', /the line is dead/);
  assert.ok((failed?.nextAt ?? 0) > hierarchy.clock.now());
  away = false;
  await hierarchy.clock.advance((failed?.nextAt ?? 0) - hierarchy.clock.now());
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS');
  const { receivedBytes, totalBytes } = hierarchy.projection('CAS', guids.update)?.data ?? {};
  assert.ok(Number(receivedBytes) > 0 && Number(totalBytes) > 5_000);
});

test('a download that was cut short by a stop goes on when the downloader starts again', async (t) => {
  const hierarchy = await withUpdate(t);
  const { content } = hierarchy.vendor;
  const reached = Promise.withResolvers<void>();
  const cut = Promise.withResolvers<void>();
  t.after(() => cut.resolve());
  content.onTheWay = (blob, offset, chunks) => {
    if (blob.sizeBytes <= 2_000) return chunks;
    reached.resolve();
    return { startsAt: offset, chunks: stuck(cut.promise) };
  };
  await hierarchy.top.operations.check();
  await reached.promise;
  assert.equal(hierarchy.top.downloader.query().reason, 'downloads Tool 2.0.0');
  const stopping = hierarchy.top.downloader.stop();
  content.onTheWay = (_, __, chunks) => chunks;
  cut.reject(new ContentError('UNREACHABLE', 'the line is dead'));
  await stopping;
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_IN_PROGRESS');
  await hierarchy.top.downloader.start(new AbortController().signal);
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS');
});

test('the log shows milestones of a download', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  const lines = hierarchy.top.log.lines.filter((line) => line.startsWith('info Downloading Tool 2.0.0: '));
  assert.match(lines.at(-1) ?? '', /: 100 %, /);
});

/** Gives a piece, and then nothing until the line is cut. */
async function* stuck(cut: Promise<void>): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(10);
  await cut;
}

test('exchanges soon after the top-tier site has installed something, for that decides what is offered next', async (t) => {
  const hierarchy = await withUpdate(t);
  const { operations } = hierarchy.top;
  await operations.check();
  await hierarchy.settle();
  await operations.install({ id: '2.0.0', by: 'ada' });
  await hierarchy.settle();
  const count = hierarchy.vendor.received.length;
  await hierarchy.installs('CAS', guids.update);
  await hierarchy.settle();
  assert.equal(hierarchy.vendor.received.length, count + 1);
  const facts = parseTargetingFacts(hierarchy.vendor.received.at(-1) ?? new Uint8Array());
  assert.equal(facts.products[0]?.version, '2.0.0');
  await hierarchy.installs('PR1', guids.update);
  await hierarchy.settle();
  assert.equal(hierarchy.vendor.received.length, count + 1, 'a child may wait for the next exchange');
});
