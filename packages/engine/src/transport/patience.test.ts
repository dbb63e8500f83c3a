import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { Agent } from 'undici';
import { dripping, rawEvery } from '../../test-support/hostile-answers.ts';
import { type Answer, loopbackServer } from '../../test-support/loopback-server.ts';
import { HttpVendorExchange } from './exchange-https/client.ts';
import { paced, requestWithin } from './patience.ts';

const { signal } = new AbortController();
const hostile: Readonly<Record<string, Answer>> = {
  'never answers': () => undefined,
  'sends one early hint after another': rawEvery('', 'HTTP/1.1 103 Early Hints\r\n\r\n', 20),
  'sends its head a byte at a time': rawEvery('HTTP/1.1 200 OK\r\nx-slow: ', 'x', 20),
  'sends its body a byte at a time': dripping(Buffer.alloc(5000, ' '), 20),
};

function dispatcher(t: TestContext): Agent {
  const agent = new Agent();
  t.after(() => agent.destroy());
  return agent;
}

describe('nobody waits for ever for a server that', { timeout: 20_000 }, () => {
  for (const [name, answer] of Object.entries(hostile)) {
    test(name, async (t) => {
      const { url } = await loopbackServer(t, answer);
      const asked = (async () => {
        const options = { dispatcher: dispatcher(t), bodyTimeout: 150, signal };
        const { body } = await requestWithin(150, new URL(url), options);
        await Array.fromAsync(paced(body, 150));
      })();
      await assert.rejects(asked, (error: Error & { code?: string }) =>
        /UND_ERR_(?:HEADERS|BODY)_TIMEOUT/.test(String(error.code)),
      );
    });

    test(`${name}, in an exchange with the vendor’s cloud`, async (t) => {
      const { url } = await loopbackServer(t, answer);
      const cloud = new HttpVendorExchange({ baseUrl: url, dispatcher: dispatcher(t), idleTimeoutMs: 150 });
      await assert.rejects(cloud.exchange([], signal), (error: Error & { code?: string }) => {
        assert.ok(error.message.includes(url), error.message);
        return error.code === 'STALLED' || error.code === 'UNREACHABLE';
      });
    });
  }
});

test('a server that sends a KiB in each window may take as long as it takes', async (t) => {
  const { url } = await loopbackServer(t, (_, response) => {
    let sent = 0;
    const timer = setInterval(() => {
      response.write(Buffer.alloc(1024));
      sent += 1;
      if (sent === 8) {
        clearInterval(timer);
        response.end();
      }
    }, 200);
  });
  // Longer in all than the window.
  const { body } = await requestWithin(1000, new URL(url), { dispatcher: dispatcher(t), signal });
  const parts = await Array.fromAsync(paced(body, 1000));
  assert.equal(Buffer.concat(parts).length, 8 * 1024);
});

test('who cancels is not kept waiting, and hears his own reason', async (t) => {
  const { url } = await loopbackServer(t, () => undefined);
  const ending = new AbortController();
  const asked = requestWithin(60_000, new URL(url), { dispatcher: dispatcher(t), signal: ending.signal });
  ending.abort(new Error('changed my mind'));
  await assert.rejects(asked, /changed my mind/);
});
