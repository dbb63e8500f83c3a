import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent } from 'undici';
import { collected, never, noise, refOf } from '../../../test-support/bytes.ts';
import { contentError } from '../../../test-support/content-errors.ts';
import { type Answer, loopbackServer } from '../../../test-support/loopback-server.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { HttpContentSource } from './content-source.ts';

const bytes = noise(5000);
const blob = refOf(bytes);

for (const what of ['a blob', 'what it has'] as const) {
  test(`a server that sends ${what} a byte at a time is given up`, async (t) => {
    const answering = Promise.withResolvers<Parameters<Answer>[1]>();
    const { url } = await loopbackServer(t, (_, response) => {
      response.writeHead(200, what === 'a blob' ? { 'content-length': bytes.length } : {}).flushHeaders();
      answering.resolve(response);
    });
    const dispatcher = new Agent();
    t.after(() => dispatcher.destroy());
    const clock = new ManualClock();
    const source = new HttpContentSource({ baseUrl: url, dispatcher, clock, idleTimeoutMs: 5000 });
    const fetch = async (): Promise<unknown> => collected((await source.open(blob, 0, never())).chunks);
    const over = new AbortController();
    const asked = what === 'a blob' ? fetch() : source.offers([blob.sha256], never());
    const givenUp = assert.rejects(asked, contentError('STALLED')).finally(() => over.abort());
    const response = await answering.promise;
    await clock.sleeping();
    const begun = clock.now();
    for (let piece = 0; piece < 20 && !over.signal.aborted; piece += 1) {
      response.write(bytes.subarray(piece, piece + 1));
      await clock.advance(1000);
    }
    assert.ok(over.signal.aborted, 'nobody waits for it any more');
    await givenUp;
    assert.ok(clock.now() - begun <= 8000, `after ${String(clock.now() - begun)} ms`);
    assert.equal(clock.sleeperCount, 0);
  });
}
