import type { AddressInfo, Socket } from 'node:net';
import fastify from 'fastify';
import type { Blobs } from '@sallyport/engine/ports/blobs';
import { serveContent } from '@sallyport/engine/transport/content-http/serve-content';

/** A content library on loopback that counts what goes over the wire, HTTP itself included. */
export interface ContentServer {
  readonly baseUrl: string;
  /** So far, in both directions. */
  readonly wire: () => { readonly bytes: number; readonly requests: number };
  readonly close: () => Promise<void>;
}

export async function startContentServer(blobs: Blobs): Promise<ContentServer> {
  const server = fastify({ logger: false, forceCloseConnections: true });
  const sockets = new Set<Socket>();
  let requests = 0;
  server.server.on('connection', (socket) => sockets.add(socket));
  server.addHook('onRequest', async () => {
    requests += 1;
  });
  await server.register(serveContent, { blobs });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${String(port)}/`,
    wire: () => ({
      requests,
      bytes: [...sockets].reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0),
    }),
    close: () => server.close(),
  };
}
