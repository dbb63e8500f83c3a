import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { Readable } from 'node:stream';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { joinRequestFormat } from '@sallyport/core/wire/join';
import { batchFormat, helloFormat, linkLimits, pullFormat } from '@sallyport/core/wire/link';
import { WireError } from '@sallyport/core/wire/wire-error';
import {
  fastify,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Blobs } from '../../ports/blobs.ts';
import { LinkError, type LinkErrorCode } from '../../ports/link-error.ts';
import type { Log } from '../../ports/log.ts';
import type { PeerHandler } from '../../ports/peer-handler.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import { serveContent } from '../content-http/serve-content.ts';
import { Strangers } from './strangers.ts';
import { peerKeyOf, type TlsIdentity } from './tls-identity.ts';

export interface PeerTlsServerOptions {
  readonly identity: TlsIdentity;
  readonly handler: PeerHandler;
  readonly blobs: Blobs;
  /** The vendor's metadata and targets as this site holds them. */
  readonly repository: RepositorySource;
  readonly log: Log;
}

/** The largest metadata file or target that is passed on. */
const metadataMaxBytes = 32 * 1024 * 1024;
const handshakeTimeoutMs = 15_000;
/** A whole request; the largest batch of records comes in less over any line that is of use. */
const requestTimeoutMs = 120_000;
/** Every child keeps a handful of connections; a secondary's parent has at most 250 children. */
const connectionsMax = 4_000;

const statusOf: Readonly<Record<LinkErrorCode, number>> = {
  UNREACHABLE: 503,
  STALLED: 503,
  FOREIGN_KEY: 403,
  NOT_IN_ROSTER: 403,
  REVOKED: 403,
  PROTOCOL: 409,
  FORK: 409,
  READ_ONLY: 409,
  QUOTA: 507,
  REFUSED: 403,
};

/**
 * A parent site's end of its children's links: TLS 1.3, both sides known by the raw keys of their certificates.
 * Whoever is not a child by the roster gets a refusal that says why, and nothing else; only joining is open to
 * unknown keys, with the vendor's roots, which are no secret: a new site compares its own before it joins.
 */
export class PeerTlsServer {
  readonly #server: FastifyInstance;
  readonly #handler: PeerHandler;
  readonly #log: Log;
  readonly #ending = new AbortController();
  readonly #strangers: Strangers;
  /** The refusal each unknown or shut out key was last told, so that a site that keeps trying fills no log. */
  readonly #told = new Map<string, string>();

  constructor(options: PeerTlsServerOptions) {
    this.#handler = options.handler;
    this.#log = options.log;
    this.#strangers = new Strangers(options.log);
    const server = fastify({
      https: {
        cert: options.identity.certificatePem,
        key: options.identity.keyPem,
        minVersion: 'TLSv1.3',
        requestCert: true,
        // Certificates are judged by their keys, request by request: dates and issuers mean nothing here.
        rejectUnauthorized: false,
        handshakeTimeout: handshakeTimeoutMs,
      },
      bodyLimit: linkLimits.messageMaxBytes,
      forceCloseConnections: true,
      keepAliveTimeout: linkLimits.waitMaxMs + 15_000,
      requestTimeout: requestTimeoutMs,
    });
    server.server.maxConnections = connectionsMax;
    this.#boundStrangers(server.server);
    this.#server = server;
    this.#server.removeAllContentTypeParsers();
    this.#server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    this.#server.setErrorHandler((error, _request, reply) => this.#sendError(error, reply));
    this.#server.post('/join/v1', { bodyLimit: joinRequestFormat.maxBytes }, (request) =>
      this.#join(request),
    );
    this.#server.get<{ Params: { version: string } }>('/join/v1/root/:version', (request, reply) =>
      this.#sendRoot(request.params.version, options.repository, reply),
    );
    void this.#server.register(this.#childrenOnly(options));
  }

  /** Resolves to the address once it listens; port 0 takes a free one. */
  async listen(address: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly host: string; readonly port: number }> {
    await this.#server.listen(address);
    const bound = this.#server.server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
    this.#log.info('Listens for child sites at {address}', {
      address: `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${port}`,
    });
    return { host: address.host, port };
  }

  /** Ends every connection. Harmless a second time. */
  async close(): Promise<void> {
    this.#ending.abort(new Error('the site server stops'));
    const closed = this.#server.close();
    this.#strangers.close();
    await closed;
  }

  /** Whoever shows no child's key may call, but takes no child's place. */
  #boundStrangers(server: TlsServer): void {
    const strangers = this.#strangers;
    server.on('connection', (socket) => strangers.came(socket));
    server.on('secureConnection', (socket) => {
      const key = peerKeyOf(socket);
      if (key !== undefined && this.#handler.identify(key).kind === 'child') strangers.isKnown(socket);
      else strangers.isEncrypted(socket);
    });
  }

  #childrenOnly({ blobs, repository }: PeerTlsServerOptions): FastifyPluginAsync {
    return async (scope) => {
      scope.decorateRequest('child', null);
      scope.addHook('onRequest', async (request) => {
        request.child = this.#identify(request);
      });
      scope.post('/link/v1/hello', { bodyLimit: helloFormat.maxBytes }, (request) =>
        this.#handler.hello(childOf(request), helloFormat.parse(bodyOf(request))),
      );
      scope.post('/link/v1/pull', { bodyLimit: pullFormat.maxBytes }, async (request, reply) => {
        const { after, waitMs } = pullFormat.parse(bodyOf(request));
        return this.#handler.pull(childOf(request), after, waitMs, this.#signalOf(reply));
      });
      scope.post('/link/v1/push', (request) => {
        const { records, cursor } = batchFormat.parse(bodyOf(request));
        this.#handler.push(childOf(request), records, cursor);
        return {};
      });
      scope.get('/metadata/*', async (request, reply) => {
        // As it stands in the address: role names are percent-encoded within file names, once.
        const name = (request.raw.url ?? '').slice('/metadata/'.length);
        const bytes = await repository.metadata(name, { maxBytes: metadataMaxBytes }, this.#signalOf(reply));
        return bytes === undefined ? notFound(reply) : sendBytes(reply, Buffer.from(bytes));
      });
      scope.get<{ Params: { '*': string } }>('/targets/*', async (request, reply) => {
        const signal = this.#signalOf(reply);
        const chunks = await repository.target(request.params['*'], { maxBytes: metadataMaxBytes }, signal);
        return chunks === undefined
          ? notFound(reply)
          : sendBytes(reply, Readable.from(chunks, { objectMode: false }));
      });
      await scope.register(this.#content, { blobs });
    };
  }

  /** `serveContent` reads JSON bodies as objects, the rest of the link its own way. */
  readonly #content: FastifyPluginAsync<{ readonly blobs: Blobs }> = async (scope, options) => {
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'string' },
      scope.getDefaultJsonParser('error', 'error'),
    );
    await scope.register(serveContent, options);
  };

  #join(request: FastifyRequest) {
    const key = peerKeyOf(request.raw.socket as TLSSocket);
    if (key === undefined) {
      throw new LinkError(
        'FOREIGN_KEY',
        'the connection was made without a site key: use "sallyport site setup" to join',
      );
    }
    return this.#handler.join(joinRequestFormat.parse(bodyOf(request)), key);
  }

  async #sendRoot(version: string, repository: RepositorySource, reply: FastifyReply): Promise<FastifyReply> {
    const name = `${version}.root.json`;
    const bytes = /^[1-9]\d{0,8}$/.test(version)
      ? await repository.metadata(name, { maxBytes: metadataMaxBytes }, this.#signalOf(reply))
      : undefined;
    return bytes === undefined ? notFound(reply) : sendBytes(reply, Buffer.from(bytes));
  }

  #identify(request: FastifyRequest): SiteCode {
    const key = peerKeyOf(request.raw.socket as TLSSocket);
    const identity =
      key === undefined
        ? ({
            kind: 'refused',
            code: 'FOREIGN_KEY',
            message:
              'the connection was made without a site key: only sites of this hierarchy are served here',
          } as const)
        : this.#handler.identify(key);
    if (identity.kind === 'child') {
      return identity.site;
    }
    this.#tell(key ?? 'no key', identity.message, request.ip);
    throw new LinkError(identity.code, identity.message);
  }

  #tell(key: string, message: string, address: string): void {
    if (this.#told.get(key) !== message) {
      if (this.#told.size >= 1000) {
        this.#told.clear();
      }
      this.#told.set(key, message);
      this.#log.warn('Refused a site link from {address}: {reason}', { address, reason: message });
    }
  }

  #sendError(error: unknown, reply: FastifyReply): FastifyReply {
    if (error instanceof LinkError) {
      return reply.code(statusOf[error.code]).send({ code: error.code, message: error.message });
    }
    if (isUnwritable(error)) {
      this.#log.error('A request of a child site failed: {reason}', { reason: error.message });
      return reply.code(503).send({ code: 'STALLED', message: unwritable });
    }
    const status = error instanceof WireError ? 400 : statusCodeOf(error);
    if (status >= 500 && !this.#ending.signal.aborted) {
      this.#log.error('A request of a child site failed: {reason}', { reason: messageOf(error) });
    }
    // What went wrong inside is for this site's log.
    const message = status >= 500 ? 'the site server could not answer: its log says why' : messageOf(error);
    return reply.code(status).send({ code: status >= 500 ? 'STALLED' : 'REFUSED', message });
  }

  /** Ends with the request's connection, and with the server. */
  #signalOf(reply: FastifyReply): AbortSignal {
    const gone = new AbortController();
    void once(reply.raw, 'close').then(() => gone.abort(new Error('the child site has hung up')));
    return AbortSignal.any([gone.signal, this.#ending.signal]);
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The child site that the connection was made by; set in the scope of children only. */
    child: SiteCode | null;
  }
}

/** Its log may not say so: it can be on the same disk. */
const unwritable =
  'the parent site cannot write to its database, because its disk is full or fails: its administrator has to look after it';

function isUnwritable(error: unknown): error is Error {
  return error instanceof SallyportError && error.code === 'UNWRITABLE';
}

function childOf(request: FastifyRequest): SiteCode {
  if (request.child === null) {
    throw new LinkError('FOREIGN_KEY', 'the connection was made without a site key');
  }
  return request.child;
}

function bodyOf(request: FastifyRequest): Uint8Array {
  return Buffer.isBuffer(request.body) ? request.body : new Uint8Array();
}

function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ code: 'REFUSED', message: 'this site does not hold it' });
}

function sendBytes(reply: FastifyReply, bytes: Buffer | Readable): FastifyReply {
  return reply
    .header('content-type', 'application/octet-stream')
    .header('cache-control', 'no-store')
    .send(bytes);
}

function statusCodeOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500;
}
