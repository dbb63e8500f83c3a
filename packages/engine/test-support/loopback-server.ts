import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface LoopbackServer {
  readonly url: string;
  /** Requests so far, oldest first. */
  readonly requests: readonly {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
  }[];
  /** How the server answers from now on. */
  answer: Answer;
}

/** A real HTTP server on a free port of this machine, ended with the test. */
export async function loopbackServer(t: TestContext, answer: Answer): Promise<LoopbackServer> {
  const requests: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    // Clients hang up on purpose here.
    response.on('error', () => undefined);
    handle.answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const handle: LoopbackServer = {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    requests,
    answer,
  };
  return handle;
}

/** Answers ranges of `bytes` as a good static server does, with an ETag. */
export function ranged(bytes: Uint8Array, etag = '"v1"'): Answer {
  return (request, response) => {
    const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const ifRange = request.headers['if-range'];
    if (match === null || (ifRange !== undefined && ifRange !== etag)) {
      response.writeHead(200, { etag, 'content-length': bytes.length }).end(bytes);
      return;
    }
    const start = Number(match[1]);
    response
      .writeHead(206, {
        etag,
        'content-length': bytes.length - start,
        'content-range': `bytes ${String(start)}-${String(bytes.length - 1)}/${String(bytes.length)}`,
      })
      .end(bytes.subarray(start));
  };
}
