import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { test, type TestContext } from 'node:test';
import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import type { TrustKey } from '@sallyport/core/domain/trust/key';
import { packageGuid } from '@sallyport/core/shared/ids';
import { parseEnvelope, verifyEnvelope } from '@sallyport/core/wire/dsse';
import { targetingFactsFormat } from '@sallyport/core/wire/facts';
import { parseOffer } from '@sallyport/core/wire/offer';
import { parseReceipt } from '@sallyport/core/wire/receipt';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import { request } from 'undici';
import { changeRepository, readPublished } from '../../cloud/cloud-tools.ts';
import { rolloutFile } from '../../cloud/contents.ts';
import { rotateKeys } from '../../cloud/key-rotation.ts';
import { publish } from '../../cloud/publisher.ts';
import { withFiles } from '../../cloud/repository/writer.ts';
import { changeRollout, withdrawPackage, withEntries } from '../../cloud/rollout-changes.ts';
import { product } from '../../cloud/test-support/cloud-fixture.ts';
import { testGuid, writePackage } from '../../cloud/test-support/write-package.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { nodeKeys } from '../../compute/ed25519.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { WorkerPool } from '../../compute/worker-pool.ts';
import { ExchangeError, type ExchangeErrorCode } from '../../ports/vendor-exchange.ts';
import { HttpVendorExchange } from './client.ts';
import { envelope, type RunningCloud, runningCloud, TestHierarchy } from './test-support/cloud-server.ts';

const never = new AbortController().signal;
const failsWith = (code: ExchangeErrorCode) => (error: unknown) =>
  error instanceof ExchangeError && error.code === code;

/** What an answer says to somebody who trusts the keys of `service.json` alone. */
async function answerOf(cloud: RunningCloud, envelopes: readonly Uint8Array[]) {
  const { service } = (await readPublished(cloud.cloud.tools)).contents;
  const keys = new Map(
    service.offerKeys.map((key): [string, TrustKey] => [
      key,
      { keyType: 'ed25519', scheme: 'ed25519', publicValue: key },
    ]),
  );
  const verified = envelopes.map((bytes) =>
    verifyEnvelope(parseEnvelope(bytes, { maxBytes: 1e6 }), keys, 1, checkSignature),
  );
  return {
    receipts: verified
      .filter(({ payloadType }) => payloadType === payloadTypes.receipt)
      .map(({ payload }) => parseReceipt(payload)),
    offers: verified
      .filter(({ payloadType }) => payloadType === payloadTypes.offer)
      .map(({ payload }) => parseOffer(payload)),
  };
}

async function enrolled(context: TestContext) {
  const cloud = await runningCloud(context);
  const hierarchy = new TestHierarchy();
  const client = new HttpVendorExchange({ baseUrl: cloud.url });
  await client.enrol(
    { code: await cloud.code(), hierarchyId: hierarchy.id, statement: hierarchy.statement() },
    never,
  );
  return { cloud, hierarchy, client };
}

test('an enrolled hierarchy gets a receipt for its facts and an offer that answers them', async (context) => {
  const { cloud, hierarchy, client } = await enrolled(context);
  const facts = hierarchy.facts(1);
  const first = await client.exchange([hierarchy.report(facts)], never);
  assert.deepEqual(first.refused, []);
  const { receipts, offers } = await answerOf(cloud, first.envelopes);
  const sha256 = nodeDigests.of('sha256', targetingFactsFormat.print(facts));
  assert.deepEqual(
    [receipts.length, receipts[0]?.payloadSha256, receipts[0]?.hierarchyId],
    [1, sha256, hierarchy.id],
  );
  assert.deepEqual(
    [offers[0]?.sequence, offers[0]?.factsSha256, offers[0]?.hierarchyId],
    [1, sha256, hierarchy.id],
  );
  const lifetimeMs = Date.parse(offers[0]?.expiresAt ?? '') - Date.parse(offers[0]?.issuedAt ?? '');
  assert.equal(lifetimeMs, 7 * 24 * 60 * 60 * 1000);
});

test('a report that is sent again is receipted again, counts once, and gets a newer offer', async (context) => {
  const { cloud, hierarchy, client } = await enrolled(context);
  const report = hierarchy.report(hierarchy.facts(1));
  const first = await answerOf(cloud, (await client.exchange([report], never)).envelopes);
  cloud.cloud.clock.offsetMs = 60_000;
  const second = await answerOf(cloud, (await client.exchange([report], never)).envelopes);
  assert.deepEqual(second.receipts, first.receipts);
  assert.equal(second.offers[0]?.sequence, 2);
});

test('each envelope is judged alone', async (context) => {
  const { cloud, hierarchy, client } = await enrolled(context);
  const stranger = new TestHierarchy();
  const impostor = nodeKeys.open(nodeKeys.generate());
  const forged = envelope(payloadTypes.facts, targetingFactsFormat.print(hierarchy.facts(9)), impostor);
  const answer = await client.exchange(
    [
      hierarchy.report(hierarchy.facts(5)),
      forged,
      stranger.report(stranger.facts(1)),
      envelope('application/x-other', Buffer.from('{}'), impostor),
      Buffer.from('no envelope'),
      hierarchy.report(hierarchy.facts(4)),
      hierarchy.report(hierarchy.facts(5, { ring: 'early' })),
      envelope(payloadTypes.facts, Buffer.from('{"schema":1}'), impostor),
      hierarchy.report(hierarchy.facts(6)),
    ],
    never,
  );
  assert.deepEqual(
    answer.refused.map(({ index, code }) => [index, code]),
    [
      [1, 'FORGED'],
      [2, 'NOT_ENROLLED'],
      [3, 'UNKNOWN_TYPE'],
      [4, 'MALFORMED'],
      [5, 'OLDER'],
      [6, 'CONFLICT'],
      [7, 'MALFORMED'],
    ],
  );
  const { receipts, offers } = await answerOf(cloud, answer.envelopes);
  assert.equal(receipts.length, 2);
  assert.deepEqual(
    offers.map(({ factsSha256 }) => factsSha256),
    [nodeDigests.of('sha256', targetingFactsFormat.print(hierarchy.facts(6)))],
  );
});

test('an enrolment code works once, for whoever came first', async (context) => {
  const cloud = await runningCloud(context);
  const client = new HttpVendorExchange({ baseUrl: cloud.url });
  const [first, second] = [new TestHierarchy(), new TestHierarchy()];
  const code = await cloud.code();
  const statement = first.statement();
  await assert.rejects(
    client.enrol({ code: 'AAAAA-AAAAA', hierarchyId: first.id, statement }, never),
    failsWith('CODE_REFUSED'),
  );
  await client.enrol(
    { code: ` ${code.toLowerCase().replaceAll('-', ' ')}`, hierarchyId: first.id, statement },
    never,
  );
  await client.enrol({ code, hierarchyId: first.id, statement }, never);
  await assert.rejects(
    client.enrol({ code, hierarchyId: second.id, statement: second.statement() }, never),
    failsWith('CODE_REFUSED'),
  );
});

test('nobody enrols a hierarchy whose recovery key they do not have', async (context) => {
  const cloud = await runningCloud(context);
  const client = new HttpVendorExchange({ baseUrl: cloud.url });
  const [victim, thief] = [new TestHierarchy(), new TestHierarchy()];
  const code = await cloud.code();
  for (const statement of [thief.statement(), thief.statement({ hierarchyId: victim.id })]) {
    await assert.rejects(
      client.enrol({ code, hierarchyId: victim.id, statement }, never),
      failsWith('REFUSED'),
    );
  }
  await client.enrol({ code, hierarchyId: victim.id, statement: victim.statement() }, never);
});

test('a successor of the operating key is taken when the recovery key says so', async (context) => {
  const { hierarchy, client } = await enrolled(context);
  const before = hierarchy.statement();
  hierarchy.replaceOperatingKey();
  const refused = await client.exchange([hierarchy.report(hierarchy.facts(1))], never);
  assert.equal(refused.refused[0]?.code, 'FORGED');
  const answer = await client.exchange(
    [hierarchy.statement(), before, hierarchy.report(hierarchy.facts(1))],
    never,
  );
  assert.deepEqual(
    answer.refused.map(({ index, code }) => [index, code]),
    [[1, 'OLDER']],
  );
});

test('after a change of the offer key, the next answer is signed by the new one', async (context) => {
  const { cloud, hierarchy, client } = await enrolled(context);
  await client.exchange([hierarchy.report(hierarchy.facts(1))], never);
  await rotateKeys(await cloud.cloud.reopen(), 'offer', {}, never);
  const { offers } = await answerOf(
    cloud,
    (await client.exchange([hierarchy.report(hierarchy.facts(2))], never)).envelopes,
  );
  assert.equal(offers[0]?.sequence, 2);
});

test('metadata and targets have strong tags; only the timestamp may not be kept', async (context) => {
  const { url } = await runningCloud(context);
  const timestamp = await request(`${url}/metadata/timestamp.json`);
  await timestamp.body.dump();
  assert.equal(timestamp.headers['cache-control'], 'no-cache');
  const tag = String(timestamp.headers['etag']);
  assert.match(tag, /^"[0-9a-f]{64}"$/);
  const again = await request(`${url}/metadata/timestamp.json`, { headers: { 'if-none-match': tag } });
  await again.body.dump();
  assert.equal(again.statusCode, 304);
  const root = await request(`${url}/metadata/1.root.json`);
  await root.body.dump();
  assert.match(String(root.headers['cache-control']), /immutable/);
  for (const path of [
    'metadata/2.root.json',
    'metadata/..%2f..%2fcloud.db',
    'targets/../../cloud.db',
    'metadata/root.json',
    'cloud.db',
  ]) {
    const missing = await request(`${url}/${path}`);
    await missing.body.dump();
    assert.equal(missing.statusCode, 404, path);
  }
});

test('a message that is too large or no message is refused as such', async (context) => {
  const { url } = await runningCloud(context, { bodyMaxBytes: 2000 });
  const post = async (body: string): Promise<unknown[]> => {
    const response = await request(`${url}/exchange/v1`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    const answer = (await response.body.json()) as { code: string };
    return [response.statusCode, answer.code];
  };
  assert.deepEqual(await post('x'.repeat(3000)), [413, 'TOO_LARGE']);
  assert.deepEqual(await post('{"envelopes": [1]}'), [400, 'MALFORMED']);
  assert.deepEqual(await post(''), [400, 'MALFORMED']);
  const client = new HttpVendorExchange({ baseUrl: url });
  await assert.rejects(client.exchange([new Uint8Array(3000)], never), failsWith('TOO_LARGE'));
});

/** A server that is no cloud of ours. */
async function otherServer(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
}

test('whatever else answers is named for what it does', async (context) => {
  const cases: readonly (readonly [ExchangeErrorCode, RequestListener])[] = [
    ['MALFORMED', (_, response) => response.end('<html>Welcome to the hotel')],
    ['REFUSED', (_, response) => response.writeHead(404).end('nothing here')],
    ['REFUSED', (_, response) => response.writeHead(302, { location: 'https://elsewhere.example/' }).end()],
    ['UNREACHABLE', (_, response) => response.writeHead(503).end('maintenance')],
    ['UNREACHABLE', (_, response) => response.destroy()],
    ['TOO_LARGE', (_, response) => response.end('x'.repeat(100_000))],
    ['STALLED', () => undefined],
    ['STALLED', (_, response) => void response.writeHead(200).write('{')],
  ];
  for (const [code, listener] of cases) {
    const baseUrl = await otherServer(context, listener);
    const client = new HttpVendorExchange({ baseUrl, answerMaxBytes: 10_000, idleTimeoutMs: 200 });
    await assert.rejects(client.exchange([], never), failsWith(code), code);
  }
  const closed = await otherServer(context, () => undefined);
  const gone = new HttpVendorExchange({ baseUrl: closed.replace(/:\d+$/, ':1') });
  await assert.rejects(gone.exchange([], never), failsWith('UNREACHABLE'));
  assert.throws(() => new HttpVendorExchange({ baseUrl: 'http://updates.example' }), failsWith('REFUSED'));
});

test('a cancelled exchange ends with the reason of its signal', async (context) => {
  const baseUrl = await otherServer(context, () => controller.abort(new Error('enough')));
  const controller = new AbortController();
  await assert.rejects(new HttpVendorExchange({ baseUrl }).exchange([], controller.signal), /enough/);
});

/** Two packages: 1.1, to which hierarchies on 1.0 may come, and 1.2 for those on 1.1. */
async function withPackages(context: TestContext) {
  const running = await enrolled(context);
  const { cloud } = running.cloud;
  const compute = new WorkerPool();
  context.after(() => compute.close());
  const update = (number: number, version: string, lowest: string) =>
    writePackage(cloud.folder, {
      guid: testGuid(number),
      version,
      more: `appliesTo: { lowest: '${lowest}', highest: '${lowest}' }`,
    });
  // As another process does it.
  const publisher = await cloud.reopen();
  await publish(
    { ...publisher, compute },
    [await update(1, '1.1', '1.0'), await update(2, '1.2', '1.1')],
    { percentage: 100 },
    never,
  );
  let sequence = 0;
  const offered = async (
    version: string,
    changes: Partial<TargetingFacts> = {},
  ): Promise<readonly [string, string][]> => {
    sequence += 1;
    const products = [
      { product, version, installed: [], versions: [{ version, type: 'central' as const, sites: 1 }] },
    ];
    const report = running.hierarchy.report(running.hierarchy.facts(sequence, { products, ...changes }));
    const { offers } = await answerOf(
      running.cloud,
      (await running.client.exchange([report], never)).envelopes,
    );
    return (offers[0]?.packages ?? []).map((item) => [
      item.guid.slice(-1),
      item.offered ? 'offered' : item.reason,
    ]);
  };
  return { ...running, publisher, offered };
}

test('an offer names every package, and offers those that apply to what was reported', async (context) => {
  const { offered } = await withPackages(context);
  const at10 = await offered('1.0');
  assert.deepEqual(at10[0], ['1', 'offered']);
  assert.match(at10[1]?.[1] ?? '', /1\.0/, 'and says why not');
  const at11 = await offered('1.1');
  assert.deepEqual(
    at11.map(([guid, what]) => [guid, what === 'offered']),
    [
      ['1', false],
      ['2', true],
    ],
  );
});

test('what another process publishes, holds, stops or withdraws is in the next offer', async (context) => {
  const { offered, publisher } = await withPackages(context);
  const first = async (): Promise<string> => (await offered('1.0'))[0]?.[1] ?? '';
  assert.equal(await first(), 'offered');
  await changeRollout(publisher, { package: '1.1' }, { hold: 'look first' }, never);
  assert.match(await first(), /look first/);
  await changeRollout(publisher, { package: '1.1' }, { release: true, percentage: 0 }, never);
  assert.match(await first(), /0 % of hierarchies/);
  await changeRollout(publisher, { package: '1.1' }, { percentage: 100, ring: 'early' }, never);
  assert.match(await first(), /ring "early"/);
  assert.equal((await offered('1.0', { ring: 'early' }))[0]?.[1], 'offered');
  await withdrawPackage(publisher, { package: '1.1' }, 'it bites', never);
  assert.match(await first(), /it bites/);
});

test('online keys can only narrow: a roll-out of what no catalogue names offers nothing', async (context) => {
  const { offered, publisher } = await withPackages(context);
  const unknown = packageGuid(testGuid(9));
  await changeRepository(
    publisher,
    'test',
    async ({ state, contents }) => {
      const file = rolloutFile(
        withEntries(contents.rollouts.get(product), product, [{ guid: unknown, percentage: 100, seed: 'x' }]),
      );
      return {
        change: { rollout: withFiles(state.rollout.signed.targets, [file]), files: [file] },
        result: undefined,
      };
    },
    never,
  );
  assert.deepEqual(
    (await offered('1.0')).map(([guid]) => guid),
    ['1', '2'],
  );
});

test('an expired roll-out offers nothing new', async (context) => {
  const { cloud, offered } = await withPackages(context);
  cloud.cloud.clock.offsetMs = 91 * 24 * 60 * 60 * 1000;
  assert.match((await offered('1.0'))[0]?.[1] ?? '', /roll-out has expired/);
});

test('a hierarchy without a line registers by an envelope, and its facts in the same message count', async (context) => {
  const cloud = await runningCloud(context);
  const client = new HttpVendorExchange({ baseUrl: cloud.url });
  const hierarchy = new TestHierarchy();
  const code = await cloud.code();
  const sent = [hierarchy.enrolment(code), hierarchy.report(hierarchy.facts(1))];
  const first = await client.exchange(sent, never);
  assert.deepEqual(first.refused, []);
  const again = await client.exchange(sent, never);
  assert.deepEqual(again.refused, [], 'a repeat is receipted again');
  const other = new TestHierarchy();
  const { refused } = await client.exchange([other.enrolment(code)], never);
  assert.deepEqual(
    refused.map((each) => each.code),
    ['CODE_REFUSED'],
  );
  const forged = await client.exchange([other.enrolment(await cloud.code(), hierarchy)], never);
  assert.deepEqual(
    forged.refused.map((each) => each.code),
    ['FORGED'],
    'signed by another key than the statement names',
  );
});
