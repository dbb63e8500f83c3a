import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { Agent } from 'undici';
import { RepositorySourceError, type RepositorySourceErrorCode } from '../../ports/repository.ts';
import { HttpRepository } from './http-repository.ts';

const { signal } = new AbortController();

async function repository(
  context: TestContext,
  listener: RequestListener,
  idleTimeoutMs?: number,
): Promise<HttpRepository> {
  const server = createServer(listener);
  const dispatcher = new Agent();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(async () => {
    await dispatcher.destroy();
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
  return new HttpRepository({
    metadataUrl: `${base}/metadata`,
    targetsUrl: `${base}/targets/`,
    dispatcher,
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
  });
}

async function refuses(work: Promise<unknown>, code: RepositorySourceErrorCode): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof RepositorySourceError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

async function read(chunks: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks ?? []) {
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString();
}

describe('a repository on a web server', () => {
  test('is asked for names as they are, and for targets with each part encoded', async (context) => {
    const asked: (string | undefined)[] = [];
    const source = await repository(context, (request, response) => {
      asked.push(request.url);
      response.end('body');
    });
    assert.equal(String(await source.metadata('1.a%2Fb.json', { maxBytes: 4 }, signal)), 'body');
    assert.equal(await read(await source.target('a b/#?.json', { maxBytes: 4 }, signal)), 'body');
    assert.deepEqual(asked, ['/base/metadata/1.a%2Fb.json', '/base/targets/a%20b/%23%3F.json']);
  });

  for (const status of [404, 403]) {
    test(`has nothing there when it answers ${status}`, async (context) => {
      const source = await repository(context, (_, response) => response.writeHead(status).end('gone'));
      assert.equal(await source.metadata('x.json', { maxBytes: 10 }, signal), undefined);
      assert.equal(await source.target('x.json', { maxBytes: 10 }, signal), undefined);
    });
  }

  for (const status of [500, 302, 206, 204]) {
    test(`is at fault when it answers ${status}`, async (context) => {
      const source = await repository(context, (_, response) =>
        response.writeHead(status, { location: '/base/other' }).end(),
      );
      await refuses(source.metadata('x.json', { maxBytes: 10 }, signal), 'BAD_STATUS');
    });
  }

  test('is stopped as soon as it sends more than allowed, however much it says it will send', async (context) => {
    let closed = false;
    const source = await repository(context, (_, response) => {
      response.on('close', () => (closed = true));
      const flood = (): void => {
        while (!response.destroyed && response.write('x'.repeat(1000)));
      };
      response.on('drain', flood);
      flood();
    });
    await refuses(source.metadata('x.json', { maxBytes: 5000 }, signal), 'TOO_LARGE');
    const target = source.target('x.bin', { maxBytes: 5000 }, signal);
    await refuses(target.then(read), 'TOO_LARGE');
    assert.equal(closed, true);
  });

  test('may be slow, but not silent', async (context) => {
    const source = await repository(
      context,
      (request, response) => {
        response.write('a'.repeat(1024));
        if (request.url?.includes('silent') === false) {
          let sent = 1;
          const timer = setInterval(() => {
            sent += 1;
            response.write('a'.repeat(1024));
            if (sent === 6) {
              clearInterval(timer);
              response.end();
            }
          }, 300);
        }
      },
      1100,
    );
    // Longer in all than the idle time-out.
    assert.equal((await source.metadata('slow.json', { maxBytes: 9000 }, signal))?.length, 6144);
    await refuses(source.metadata('silent.json', { maxBytes: 9000 }, signal), 'STALLED');
  });

  test('that breaks off in the middle is not taken for one that ended', async (context) => {
    const source = await repository(context, (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await refuses(source.metadata('x.json', { maxBytes: 1000 }, signal), 'UNREACHABLE');
  });

  test('is waited for no longer than the caller wants', async (context) => {
    const source = await repository(context, () => undefined);
    const abort = new AbortController();
    const waiting = source.metadata('x.json', { maxBytes: 10 }, abort.signal);
    abort.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
  });

  test('that nobody runs is unreachable', async (context) => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const dispatcher = new Agent();
    context.after(() => dispatcher.destroy());
    const url = `http://127.0.0.1:${port}/`;
    await refuses(
      new HttpRepository({ metadataUrl: url, targetsUrl: url, dispatcher }).metadata(
        'x',
        { maxBytes: 1 },
        signal,
      ),
      'UNREACHABLE',
    );
  });

  test('is left by no target path', async (context) => {
    const source = await repository(context, (_, response) => response.end());
    await refuses(source.target('../metadata/1.root.json', { maxBytes: 10 }, signal), 'BAD_NAME');
  });

  test('is reached by https, or on this machine', () => {
    for (const url of [
      'http://example.com/',
      'http://127.0.0.1.example.com/',
      'http://10.0.0.1/',
      'ftp://127.0.0.1/',
      'file:///tmp',
      'nonsense',
      '',
    ]) {
      assert.throws(
        () => new HttpRepository({ metadataUrl: url, targetsUrl: 'https://example.com' }),
        (error) => error instanceof RepositorySourceError && error.code === 'BAD_ADDRESS',
        url,
      );
    }
    for (const url of [
      'https://example.com/tuf',
      'http://localhost:8080',
      'http://[::1]/x',
      'http://127.1.2.3/',
    ]) {
      assert.ok(new HttpRepository({ metadataUrl: url, targetsUrl: url }));
    }
  });

  test('what answers and speaks no HTTP is told apart from what cannot be reached', async (context) => {
    const server = createNetServer((socket) => socket.on('error', () => undefined).end('\0\x01garbage'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const dispatcher = new Agent();
    context.after(async () => {
      await dispatcher.destroy();
      server.close();
    });
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const source = new HttpRepository({ metadataUrl: base, targetsUrl: base, dispatcher });
    await assert.rejects(source.metadata('timestamp.json', { maxBytes: 1000 }, signal), {
      code: 'UNREACHABLE',
      message: /\((?:HPE_\w+|what answers there is no HTTP: .+)\)/,
    });
  });
});
