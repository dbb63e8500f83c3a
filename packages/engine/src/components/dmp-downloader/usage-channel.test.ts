import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { digest } from '@sallyport/core/shared/ids';
import { payloadTypes, signDocument } from '@sallyport/core/wire/signed-document';
import { nodeDigests } from '../../compute/digest.ts';
import { nodeKeys } from '../../compute/ed25519.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { ExchangeError } from '../../ports/vendor-exchange.ts';
import { cas, UsageSite } from '../usage-reports/test-support/usage-site.ts';
import { type Answer, sealing, UsageVendor } from './test-support/usage-vendor.ts';
import { usageChannel } from './usage-channel.ts';

const { signal } = new AbortController();

async function world(t: TestContext) {
  const site = await UsageSite.open(t);
  const vendor = new UsageVendor();
  const send = (service = vendor.service) =>
    usageChannel(
      {
        vendor,
        uplink: {
          desk: site.desk,
          sign: (payload) => signDocument(payloadTypes.usageReport, payload, vendor.operating),
          sealing,
        },
        service,
        hierarchyId: site.roster.hierarchyId,
        check: checkSignature,
        digests: nodeDigests,
        log: site.log,
      },
      signal,
    );
  const collect = async (): Promise<void> => {
    await site.clock.advance(7 * 86_400_000);
    site.collects(cas, 'enhanced');
  };
  const states = (): readonly string[] =>
    site.database.read(({ reports }) => reports.history(99)).map(({ state }) => state);
  return { site, vendor, send, collect, states };
}

test('a report leaves sealed and signed, and is settled by its receipt', async (t) => {
  const { site, vendor, send, collect, states } = await world(t);
  await collect();
  const [report] = site.desk.waiting();
  assert.deepEqual(await send(), { kind: 'ok' });
  assert.deepEqual([...vendor.stored], [[report?.payloadSha256, 1]]);
  assert.deepEqual(states(), ['acknowledged']);
  assert.deepEqual(await send(), { kind: 'ok' });
  assert.equal(vendor.messages, 1, 'nothing is sent when nothing waits');
});

test('without a key to seal to nothing leaves, and that is said', async (t) => {
  const { vendor, send, collect, states } = await world(t);
  await collect();
  const { sealKeys: _, ...service } = vendor.service;
  const outcome = await send(service);
  assert.equal(outcome.kind, 'skipped');
  assert.match(outcome.kind === 'skipped' ? outcome.reason : '', /names no key .* 1 wait here/);
  assert.deepEqual([vendor.messages, states()], [0, ['waiting']]);
});

test('an outage of a month loses nothing: everything goes out in order when the vendor is back, once each', async (t) => {
  const { site, vendor, send, collect, states } = await world(t);
  const exchange = vendor.exchange.bind(vendor);
  vendor.exchange = () => Promise.reject(new ExchangeError('UNREACHABLE', 'no line'));
  for (let week = 0; week < 5; week += 1) {
    await collect();
    await assert.rejects(send(), { code: 'UNREACHABLE' });
  }
  assert.deepEqual(states(), Array<string>(5).fill('waiting'));
  vendor.exchange = exchange;
  assert.deepEqual(await send(), { kind: 'ok' });
  assert.deepEqual(
    [...vendor.stored.keys()],
    site.database.read(({ reports }) =>
      reports
        .history(9)
        .map(({ payloadSha256 }) => payloadSha256)
        .toReversed(),
    ),
  );
  assert.deepEqual(states(), Array<string>(5).fill('acknowledged'));
});

test('an answer that is lost, garbage or forged settles nothing: the same bytes are sent again and count once', async (t) => {
  const { vendor, send, collect, states } = await world(t);
  await collect();
  const stranger = nodeKeys.open(nodeKeys.generate());
  const faults: readonly ((answer: Answer) => Answer)[] = [
    () => ({ envelopes: [], refused: [] }),
    () => ({ envelopes: [Buffer.from('garbage')], refused: [] }),
    () => ({ envelopes: [vendor.receipt(digest('0'.repeat(64)))], refused: [] }),
    () => ({
      envelopes: [vendor.receipt(digest([...vendor.stored.keys()][0] ?? ''), stranger)],
      refused: [],
    }),
  ];
  for (const fault of faults) {
    vendor.fault = fault;
    const outcome = await send();
    assert.deepEqual([outcome.kind, outcome.kind === 'failed' && outcome.code], ['failed', 'NO_RECEIPT']);
    assert.deepEqual(states(), ['waiting']);
  }
  vendor.fault = (answer) => answer;
  assert.deepEqual(await send(), { kind: 'ok' });
  assert.deepEqual(
    [vendor.stored.size, [...vendor.stored.values()]],
    [1, [5]],
    'one report, sent five times',
  );
});

test('a refusal that is final is kept with its reason and stops nothing; any other is tried again', async (t) => {
  const { site, vendor, send, collect, states } = await world(t);
  await collect();
  const refuse = (code: string) => (): Answer => ({
    envelopes: [],
    refused: [{ index: 0, code, message: 'so it says' }],
  });
  for (const code of [
    'QUARANTINED',
    'COPIED',
    'NOT_ENROLLED',
    'FORGED',
    'UNKNOWN_TYPE',
    'UNKNOWN_ITEM',
    'SEALED_TO_OTHER',
  ]) {
    vendor.fault = refuse(code);
    const outcome = await send();
    assert.deepEqual([outcome.kind, outcome.kind === 'failed' && outcome.code], ['failed', code]);
    assert.deepEqual(states(), ['waiting']);
  }
  vendor.fault = refuse('CONFLICT');
  assert.deepEqual(await send(), { kind: 'ok' });
  assert.deepEqual(states(), ['refused']);
  const { reports, audit } = site.database.read((tables) => ({
    reports: tables.reports.history(1),
    audit: tables.audit.entries(1),
  }));
  assert.equal(reports[0]?.reason, 'CONFLICT: so it says');
  assert.equal(audit[0]?.action, 'usage-report-refused');
  vendor.fault = (answer) => answer;
  await collect();
  assert.deepEqual(await send(), { kind: 'ok' });
  assert.deepEqual(states(), ['acknowledged', 'refused']);
});

test('many reports go out in messages of bounded size', async (t) => {
  const { vendor, send, collect, states } = await world(t);
  for (let week = 0; week < 40; week += 1) {
    await collect();
    vendor.exchange = () => Promise.reject(new ExchangeError('STALLED', 'slow'));
    await assert.rejects(send());
  }
  vendor.exchange = UsageVendor.prototype.exchange.bind(vendor);
  assert.deepEqual(await send(), { kind: 'ok' });
  assert.equal(vendor.messages, 3);
  assert.equal(states().filter((state) => state === 'acknowledged').length, 40);
});
