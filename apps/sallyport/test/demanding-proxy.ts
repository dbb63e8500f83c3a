import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectTo } from 'node:net';

/** A proxy that lets through who knows the password. */
export async function demandingProxy(user: string, password: string) {
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  let passed = 0;
  const server = createServer((request, response) => {
    if (request.headers['proxy-authorization'] !== expected) {
      response.writeHead(407).end();
      return;
    }
    passed += 1;
    void passOn(request, response);
  });
  server.on('connect', (request, socket) => {
    if (request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    passed += 1;
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const far = connectTo(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(far).pipe(socket);
    });
    far.on('error', () => socket.destroy());
    socket.on('error', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    url: `http://127.0.0.1:${address.port}`,
    passed: () => passed,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body: Buffer[] = [];
  for await (const chunk of request) body.push(chunk as Buffer);
  const { 'proxy-authorization': _, ...headers } = request.headers;
  const answer = await fetch(request.url ?? '', {
    method: request.method ?? 'GET',
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        typeof value === 'string' && !['connection', 'content-length', 'host'].includes(name)
          ? [[name, value]]
          : [],
      ),
    ),
    ...(body.length === 0 ? {} : { body: Buffer.concat(body) }),
  });
  response.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? 'application/json',
  });
  response.end(Buffer.from(await answer.arrayBuffer()));
}
