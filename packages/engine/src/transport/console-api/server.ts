import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { userInfo } from 'node:os';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import Fastify from 'fastify';
import type { TSchema } from 'typebox';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';

/** One thing an administrator can ask of a site server: `POST /v1/<name>` with a JSON body. */
export interface ApiOperation {
  readonly input: TSchema;
  handle(input: never): Promise<unknown>;
}

export interface LocalApi {
  readonly operations: Readonly<Record<string, ApiOperation>>;
  /** `GET /v1/watch`: one JSON line for each value, until either side ends it. */
  watch(signal: AbortSignal): AsyncIterable<unknown>;
}

/** A listening local API; `close` ends open watches too. */
export interface LocalApiServer {
  readonly socketPath: string;
  close(): Promise<void>;
}

const bodyMaxBytes = 1_048_576;

/**
 * Serves the API on an owner-only Unix socket: its folder admits only the owner, so whoever can
 * connect is the owner (or root). The caller holds the data folder's lock, so a socket file that is
 * there already is a dead server's and is replaced.
 */
export async function serveLocalApi(api: LocalApi, socketPath: string): Promise<LocalApiServer> {
  const server = Fastify({
    bodyLimit: bodyMaxBytes,
    forceCloseConnections: true,
    // What was asked is checked as it is: coercion would make an array of one its only element, and unknown fields vanish.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  });
  const ending = new AbortController();
  const watches = new Set<Promise<void>>();
  server.setErrorHandler((error: unknown, _request, reply) => {
    const { status, body } = problemOf(error);
    return reply.status(status).send(body);
  });
  for (const [name, operation] of Object.entries(api.operations)) {
    server.post(`/v1/${name}`, { schema: { body: operation.input } }, async (request) => {
      const result = await operation.handle(request.body as never);
      return { result: result ?? null };
    });
  }
  server.get('/v1/watch', (request, reply) => {
    const gone = new AbortController();
    request.raw.socket.once('close', () => gone.abort(new Error('the other side hung up')));
    const lines = jsonLines(api.watch(AbortSignal.any([gone.signal, ending.signal])));
    const watch = finished(reply.raw)
      .catch(() => undefined)
      .finally(() => watches.delete(watch));
    watches.add(watch);
    return reply.type('application/x-ndjson').send(Readable.from(lines, { objectMode: false }));
  });

  prepareFolder(dirname(socketPath));
  rmSync(socketPath, { force: true });
  await server.listen({ path: socketPath });
  chmodSync(socketPath, 0o600);
  return {
    socketPath,
    close: async () => {
      ending.abort(new Error('the site server stops'));
      // Watches end as whole answers; only then are the kept-alive connections cut.
      await Promise.all(watches);
      await server.close();
      rmSync(socketPath, { force: true });
    },
  };
}

async function* jsonLines(values: AsyncIterable<unknown>): AsyncIterable<string> {
  try {
    for await (const value of values) yield `${JSON.stringify(value)}\n`;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError'))
      yield `${JSON.stringify(problemOf(error).body)}\n`;
  }
}

/** An error as the other side gets it: what was expected keeps its code, anything else is INTERNAL. */
function problemOf(error: unknown): { readonly status: number; readonly body: object } {
  if (error instanceof SallyportError) {
    return {
      status: 409,
      body: { error: { code: error.code, message: error.message, details: error.details } },
    };
  }
  const status =
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
      ? error.statusCode
      : 500;
  return {
    status,
    body: {
      error: { code: status < 500 ? 'INVALID_REQUEST' : 'INTERNAL', message: messageOf(error), details: {} },
    },
  };
}

function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== userInfo().uid) {
    throw new Error(
      `${folder} must be a folder of the user who runs the site server: remove it, or give it back to that user`,
    );
  }
  chmodSync(folder, 0o700);
}
