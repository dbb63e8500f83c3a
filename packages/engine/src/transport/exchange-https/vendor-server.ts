import fastify, { type FastifyInstance } from 'fastify';
import type { Blobs } from '../../ports/blobs.ts';
import type { ExchangeService } from '../../ports/exchange-service.ts';
import type { Log } from '../../ports/log.ts';
import type { PublishedRepository } from '../../ports/published-repository.ts';
import { serveContent } from '../content-http/serve-content.ts';
import { serveExchange } from './serve-exchange.ts';
import { serveRepository } from './serve-repository.ts';

export interface VendorServerOptions {
  readonly repository: PublishedRepository;
  readonly blobs: Blobs;
  readonly exchange: ExchangeService;
  readonly log: Log;
  /** PEM. Absent: plain HTTP, for a proxy in front that does TLS, or for loopback. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

/** What a vendor's cloud answers: repository, blobs, exchange. The caller lets it listen and closes it. */
export async function vendorServer({
  repository,
  blobs,
  exchange,
  log,
  tls,
}: VendorServerOptions): Promise<FastifyInstance> {
  const common = { logger: false, forceCloseConnections: 'idle', requestTimeout: 120_000 } as const;
  const server: FastifyInstance =
    tls === undefined ? fastify(common) : fastify({ ...common, https: { ...tls, minVersion: 'TLSv1.2' } });
  server.get('/', async () => ({
    service: 'sallyport cloud',
    repository: ['metadata', 'targets', 'blobs'],
    exchange: 'exchange/v1',
  }));
  await server.register(serveRepository, { repository });
  await server.register(serveContent, { blobs });
  await server.register(serveExchange, { service: exchange, log });
  return server;
}
