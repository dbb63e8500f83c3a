import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { digest } from '@sallyport/core/shared/ids';
import { Agent } from 'undici';
import { collected, never, noise, refOf } from '../../../test-support/bytes.ts';
import { contentError } from '../../../test-support/content-errors.ts';
import {
  type Answer,
  loopbackServer,
  type LoopbackServer,
  ranged,
} from '../../../test-support/loopback-server.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { HttpContentSource } from './content-source.ts';

const bytes = noise(300_000);
const blob = refOf(bytes);

interface Setting {
  readonly server: LoopbackServer;
  readonly source: HttpContentSource;
  readonly clock: ManualClock;
  readonly fetch: (offset?: number) => Promise<{ readonly startsAt: number; readonly bytes: Uint8Array }>;
}

async function setting(t: TestContext, answer: Answer): Promise<Setting> {
  const server = await loopbackServer(t, answer);
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());
  const clock = new ManualClock();
  const source = new HttpContentSource({
    baseUrl: server.url,
    dispatcher,
    clock,
    idleTimeoutMs: 5000,
    headers: { 'x-site': 'PS1' },
  });
  const fetch = async (offset = 0): Promise<{ startsAt: number; bytes: Uint8Array }> => {
    const { startsAt, chunks } = await source.open(blob, offset, never());
    return { startsAt, bytes: await collected(chunks) };
  };
  return { server, source, clock, fetch };
}

test('a blob comes whole, and its rest from any byte', async (t) => {
  const { server, fetch } = await setting(t, ranged(bytes));
  assert.deepEqual(await fetch(), { startsAt: 0, bytes });
  assert.deepEqual(await fetch(123_456), { startsAt: 123_456, bytes: bytes.slice(123_456) });
  assert.deepEqual(await fetch(299_999), { startsAt: 299_999, bytes: bytes.slice(299_999) });
  const [first, second] = server.requests;
  assert.equal(first?.path, `/blobs/sha256/${blob.sha256}`);
  assert.equal(first?.headers['x-site'], 'PS1');
  assert.equal(first?.headers['accept-encoding'], 'identity');
  assert.equal(first?.headers.range, undefined);
  assert.equal(second?.headers.range, 'bytes=123456-');
  assert.equal(second?.headers['if-range'], '"v1"');
});

test('a weak or unknown ETag is not used to resume', async (t) => {
  const { server, fetch } = await setting(t, ranged(bytes, 'W/"v1"'));
  await fetch(5);
  await fetch(6);
  assert.deepEqual(
    server.requests.map((request) => request.headers['if-range']),
    [undefined, undefined],
  );
});

test('a server without ranges starts at 0, and so does one whose file has changed', async (t) => {
  const { server, fetch } = await setting(t, (_, response) => response.end(bytes));
  assert.deepEqual(await fetch(1000), { startsAt: 0, bytes });
  server.answer = ranged(bytes);
  await fetch();
  server.answer = ranged(bytes, '"v2"');
  assert.deepEqual(await fetch(1000), { startsAt: 0, bytes });
});

test('other ranges than asked for are refused', async (t) => {
  const { server, fetch } = await setting(t, ranged(bytes));
  const lies = [
    'bytes 0-299999/300000',
    'bytes 11-299999/300000',
    'bytes 10-300000/300001',
    'bytes 10-5/300000',
    'bytes */300000',
    'items 10-299999/300000',
    '',
  ];
  for (const lie of lies) {
    server.answer = (_, response) =>
      response.writeHead(206, { 'content-range': lie }).end(bytes.subarray(10));
    await assert.rejects(fetch(10), contentError('BAD_RANGE'), lie);
  }
  server.answer = (_, response) =>
    response.writeHead(206, { 'content-range': 'bytes 10-299999/300007' }).end(bytes.subarray(10));
  await assert.rejects(fetch(10), contentError('SIZE_MISMATCH'));
  server.answer = (_, response) => response.writeHead(416, { 'content-range': 'bytes */300000' }).end();
  await assert.rejects(fetch(10), contentError('BAD_RANGE'));
});

test('a shorter range than asked for is taken, and its end is an early end', async (t) => {
  const { source } = await setting(t, (_, response) =>
    response
      .writeHead(206, { 'content-range': 'bytes 10-19/300000', 'content-length': 10 })
      .end(bytes.subarray(10, 20)),
  );
  const { startsAt, chunks } = await source.open(blob, 10, never());
  assert.equal(startsAt, 10);
  const taken: Uint8Array[] = [];
  await assert.rejects(async () => {
    for await (const chunk of chunks) {
      taken.push(chunk);
    }
  }, contentError('CUT_SHORT'));
  assert.deepEqual(new Uint8Array(Buffer.concat(taken)), bytes.slice(10, 20));
});

test('an answer that is too long, endless or of another length ends early', async (t) => {
  const { server, fetch } = await setting(t, (_, response) => {
    response.write(bytes);
    response.end('x');
  });
  await assert.rejects(fetch(), contentError('TOO_LARGE'));
  server.answer = (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(bytes)) {
        // As fast as the client reads.
      }
    };
    response.on('drain', more);
    more();
  };
  await assert.rejects(fetch(), contentError('TOO_LARGE'));
  server.answer = (_, response) => response.writeHead(200, { 'content-length': 5 }).end('hello');
  await assert.rejects(fetch(), contentError('SIZE_MISMATCH'));
});

test('a connection that is cut is told from one that ends early', async (t) => {
  const { server, fetch } = await setting(t, (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1000), () => response.destroy());
  });
  await assert.rejects(fetch(), contentError('UNREACHABLE'));
  server.answer = (_, response) => {
    response.write(bytes.subarray(0, 1000));
    response.end();
  };
  await assert.rejects(fetch(), contentError('CUT_SHORT'));
});

test('a server that keeps silent is given up after the idle time, before and within the body', async (t) => {
  const asked = Promise.withResolvers<void>();
  const { server, fetch, source, clock } = await setting(t, () => asked.resolve());
  const silent = assert.rejects(fetch(), contentError('STALLED'));
  await asked.promise;
  await clock.advance(5000);
  await silent;

  server.answer = (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1000));
  };
  const { chunks } = await source.open(blob, 0, never());
  const iterator = chunks[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).done, false);
  // A reader that takes its time is not a server that stalls.
  await clock.advance(60_000);
  const stalled = assert.rejects(iterator.next(), contentError('STALLED'));
  await clock.sleeping();
  await clock.advance(4999);
  assert.equal(clock.sleeperCount, 1);
  await clock.advance(1);
  await stalled;
  assert.equal(clock.sleeperCount, 0);
});

test('slow but steady takes as long as it takes', async (t) => {
  const answering = Promise.withResolvers<Parameters<Answer>[1]>();
  const { source, clock } = await setting(t, (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).flushHeaders();
    answering.resolve(response);
  });
  const { chunks } = await source.open(blob, 0, never());
  const response = await answering.promise;
  const iterator = chunks[Symbol.asyncIterator]();
  const begun = clock.now();
  let received = 0;
  while (received < bytes.length) {
    const next = iterator.next();
    await clock.sleeping();
    await clock.advance(4000);
    response.write(bytes.subarray(received, received + 10_000));
    const { value } = await next;
    received += (value as Uint8Array).length;
  }
  assert.equal((await iterator.next()).done, true);
  assert.ok(clock.now() - begun >= 120_000);
});

test('statuses are named with their address, and a delay that the server asks for is kept', async (t) => {
  const { server, fetch } = await setting(t, (_, response) => response.writeHead(404).end());
  await assert.rejects(fetch(), contentError('NOT_FOUND'));
  server.answer = (_, response) => response.writeHead(503, { 'retry-after': '7' }).end();
  await assert.rejects(fetch(), (thrown: Error & { details?: unknown }) => {
    assert.ok(contentError('BAD_STATUS')(thrown));
    assert.match(thrown.message, new RegExp(`^${server.url}blobs/sha256/${blob.sha256} answered 503 `));
    assert.deepEqual(thrown.details, {
      url: `${server.url}blobs/sha256/${blob.sha256}`,
      status: 503,
      retryAfterMs: 7000,
    });
    return true;
  });
  server.answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes);
  await assert.rejects(fetch(), contentError('CORRUPT'));
});

test('redirects are followed within the origin, a few times, and nowhere else', async (t) => {
  const other = await loopbackServer(t, ranged(bytes));
  const { server, fetch } = await setting(t, (request, response) => {
    if (request.url === '/moved') {
      ranged(bytes)(request, response);
    } else {
      response.writeHead(307, { location: '/moved' }).end();
    }
  });
  assert.deepEqual((await fetch()).bytes, bytes);
  for (const location of [
    `${other.url}blobs`,
    'https://example.invalid/',
    'file:///etc/passwd',
    '//127.0.0.1:1/x',
    'http://[bad',
    undefined,
  ]) {
    server.answer = (_, response) =>
      response.writeHead(302, location === undefined ? {} : { location }).end();
    await assert.rejects(fetch(), contentError('REDIRECTED'), location);
  }
  server.answer = (_, response) => response.writeHead(302, { location: '/again' }).end();
  await assert.rejects(fetch(), contentError('REDIRECTED'));
  assert.equal(other.requests.length, 0);
});

test('a server that is not there is unreachable', async (t) => {
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());
  const source = new HttpContentSource({
    baseUrl: 'http://127.0.0.1:1',
    dispatcher,
    clock: new ManualClock(),
  });
  assert.equal(source.name, 'http://127.0.0.1:1/');
  await assert.rejects(source.open(blob, 0, never()), contentError('UNREACHABLE'));
  await assert.rejects(source.offers([blob.sha256], never()), contentError('UNREACHABLE'));
});

test('cancelling rejects with the reason, before and within the body', async (t) => {
  const asked = Promise.withResolvers<void>();
  const { server, source, clock } = await setting(t, () => asked.resolve());
  const reason = new Error('enough');
  const before = new AbortController();
  const opening = assert.rejects(source.open(blob, 0, before.signal), reason);
  await asked.promise;
  before.abort(reason);
  await opening;

  server.answer = (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1000));
  };
  const within = new AbortController();
  const { chunks } = await source.open(blob, 0, within.signal);
  const reading = assert.rejects(async () => {
    for await (const chunk of chunks) {
      assert.ok(chunk.length > 0);
      within.abort(reason);
    }
  }, reason);
  await reading;
  assert.equal(clock.sleeperCount, 0);
});

test('a source says what it has; a static server cannot tell, so everything may be asked for', async (t) => {
  const held = digest('1'.repeat(64));
  const missing = digest('2'.repeat(64));
  const answers: Answer = (_, response) =>
    response.writeHead(200).end(JSON.stringify({ held: [held, digest('3'.repeat(64)), 7] }));
  const { server, source } = await setting(t, answers);
  const offers = async (): Promise<readonly string[]> => [...(await source.offers([held, missing], never()))];
  assert.deepEqual(await offers(), [held]);
  assert.deepEqual(
    server.requests.map(({ method, path }) => `${method} ${path}`),
    ['POST /blobs/have'],
  );
  for (const status of [403, 404, 405, 501]) {
    server.answer = (_, response) => response.writeHead(status).end();
    assert.deepEqual(await offers(), [held, missing]);
  }
  server.answer = (_, response) => response.writeHead(500).end();
  await assert.rejects(offers(), contentError('BAD_STATUS'));
  for (const nonsense of ['<html>', '{}', '{"held": 1}', 'null', '\xff']) {
    server.answer = (_, response) => response.writeHead(200).end(nonsense);
    await assert.rejects(offers(), contentError('CORRUPT'), nonsense);
  }
  server.answer = (_, response) => response.writeHead(200).end('x'.repeat(2_000_000));
  await assert.rejects(offers(), contentError('TOO_LARGE'));
});

test('many digests are asked about in several requests', async (t) => {
  const { server, source } = await setting(t, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () =>
      response.end(JSON.stringify({ held: (JSON.parse(body) as { digests: unknown }).digests })),
    );
  });
  const digests = Array.from({ length: 10_001 }, (_, index) => digest(index.toString(16).padStart(64, '0')));
  assert.equal((await source.offers(digests, never())).size, 10_001);
  assert.equal(server.requests.length, 2);
});
