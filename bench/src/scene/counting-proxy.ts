import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What went through since the last time it was asked. */
export interface Traffic {
  readonly requests: number;
  readonly outBytes: number;
  readonly inBytes: number;
  /** From the first byte to the last. */
  readonly elapsedMs: number;
}

/** A TCP relay on loopback in front of a server, which counts. */
export interface CountingProxy {
  readonly url: string;
  readonly take: () => Traffic;
  readonly close: () => Promise<void>;
}

const requestLine = /(?:GET|HEAD|POST) \S+ HTTP\/1\.1\r\n/g;

export async function startCountingProxy(target: URL): Promise<CountingProxy> {
  let requests = 0;
  let outBytes = 0;
  let inBytes = 0;
  let firstAt: number | undefined;
  let lastAt = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const passed = (): void => {
    lastAt = performance.now();
    firstAt ??= lastAt;
  };
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    keep(near);
    keep(far);
    near.on('data', (chunk: Buffer) => {
      passed();
      outBytes += chunk.length;
      // A request of this size begins with a packet of its own.
      requests += chunk.toString('latin1').match(requestLine)?.length ?? 0;
    });
    far.on('data', (chunk: Buffer) => {
      passed();
      inBytes += chunk.length;
    });
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    take: () => {
      const traffic = {
        requests,
        outBytes,
        inBytes,
        elapsedMs: firstAt === undefined ? 0 : lastAt - firstAt,
      };
      requests = 0;
      outBytes = 0;
      inBytes = 0;
      firstAt = undefined;
      return traffic;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
