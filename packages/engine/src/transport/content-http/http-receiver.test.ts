import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { Agent, type Dispatcher } from 'undici';
import { never } from '../../../test-support/bytes.ts';
import { loopbackServer } from '../../../test-support/loopback-server.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { HttpExchange } from './http-exchange.ts';
import { HttpReceiver } from './http-receiver.ts';

/** A connection's side of an exchange that only notes what it is told. */
class Connection implements Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;

  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

const aheadBytes = 1000;
const cut = new Error('cut');

function exchange() {
  const ending = new AbortController();
  const receiver = new HttpReceiver(aheadBytes, ending.signal);
  const connection = new Connection();
  const listeners = (): number => getEventListeners(ending.signal, 'abort').length;
  const begin = (): void => {
    receiver.onRequestStart(connection);
    receiver.onResponseStart(connection, 200, { etag: '"1"' });
  };
  const gives = (sizeBytes: number): void => receiver.onResponseData(connection, new Uint8Array(sizeBytes));
  return { ending, receiver, connection, listeners, begin, gives };
}

test('a server is held back while much waits to be taken, and goes on when little does', () => {
  const { receiver, connection, begin, gives } = exchange();
  begin();
  gives(400);
  gives(599);
  assert.equal(connection.paused, false);
  gives(1);
  assert.equal(connection.paused, true);
  assert.equal(receiver.take()?.length, 400);
  assert.equal(connection.paused, false);
});

test('a server is held back by many pieces, however small they are', () => {
  const { receiver, connection, begin, gives } = exchange();
  begin();
  let given = 0;
  while (!connection.paused) {
    gives(1);
    given += 1;
    assert.ok(given <= 64);
  }
  receiver.take();
  assert.equal(connection.paused, false);
});

test('the pieces come in the memory that the connection gave, and then the end', async () => {
  const { receiver, connection, begin, listeners } = exchange();
  assert.equal(listeners(), 1);
  begin();
  assert.deepEqual(await receiver.head, { status: 200, headers: { etag: '"1"' } });
  const piece = Uint8Array.of(1, 2, 3);
  const changed = receiver.changed();
  receiver.onResponseData(connection, piece);
  await changed;
  receiver.onResponseEnd();
  assert.equal(receiver.isOver, false);
  assert.equal(receiver.take(), piece);
  assert.equal(receiver.isOver, true);
  await receiver.changed();
  assert.equal(listeners(), 0, 'nothing is left behind at the signal');
  receiver.end(cut);
  assert.equal(connection.aborted, false, 'what is complete is not cut');
  assert.equal(receiver.isOver, true);
});

test('what came before a connection failed can be taken; then the failure is told', async () => {
  const { receiver, connection, begin, gives, listeners } = exchange();
  begin();
  gives(10);
  receiver.onResponseError(connection, cut);
  assert.equal(receiver.take()?.length, 10);
  assert.equal(receiver.isOver, false);
  await receiver.changed();
  assert.throws(() => receiver.take(), cut);
  assert.equal(listeners(), 0);
});

test('an abort ends the connection, drops what waits and wakes whoever waits', async () => {
  const { ending, receiver, connection, begin, gives } = exchange();
  begin();
  const changed = receiver.changed();
  gives(10);
  ending.abort(cut);
  await changed;
  assert.equal(connection.reason, cut);
  gives(10);
  assert.throws(() => receiver.take(), cut);
});

test('an abort before a connection is there is told at once, and ends the request as soon as it begins', async () => {
  const { ending, receiver, connection } = exchange();
  ending.abort('no error');
  await assert.rejects(receiver.head, (reason) => reason === 'no error');
  receiver.onRequestStart(connection);
  assert.equal(connection.reason?.cause, 'no error');
});

test('an announcement is not taken for the answer', async () => {
  const { receiver, connection } = exchange();
  receiver.onRequestStart(connection);
  receiver.onResponseStart(connection, 103, {});
  receiver.onResponseStart(connection, 404, {});
  assert.equal((await receiver.head).status, 404);
});

test('a server gets only as far ahead of a slow reader as connections have buffers, and everything comes', async (t) => {
  const sizeBytes = 48 * 1024 * 1024;
  const piece = new Uint8Array(64 * 1024);
  let sentBytes = 0;
  const server = await loopbackServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': sizeBytes });
    const more = (): void => {
      while (sentBytes < sizeBytes) {
        sentBytes += piece.length;
        if (!response.write(piece)) return;
      }
      response.end();
    };
    response.on('drain', more);
    more();
  });
  const dispatcher = new Agent();
  t.after(() => dispatcher.destroy());
  const http = new HttpExchange({ dispatcher, clock: new ManualClock(), idleTimeoutMs: 5000, headers: {} });
  const answer = await http.send(new URL(server.url), { method: 'GET', headers: {} }, never());
  let receivedBytes = 0;
  let aheadMaxBytes = 0;
  for await (const chunk of answer.chunks()) {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    receivedBytes += chunk.length;
    aheadMaxBytes = Math.max(aheadMaxBytes, sentBytes - receivedBytes);
  }
  assert.equal(receivedBytes, sizeBytes);
  assert.ok(aheadMaxBytes < 16 * 1024 * 1024, `${String(aheadMaxBytes)} bytes ahead`);
});
