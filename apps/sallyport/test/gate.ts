import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A door on the way to a server on loopback. It counts what the server sends, and holds it up after so many bytes
 * until it is opened again: a download stands exactly where a test wants it, however fast the machine is.
 */
export class Gate {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();
  #passedBytes = 0;
  #limitBytes = Number.POSITIVE_INFINITY;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(targetPort: number): Promise<Gate> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const gate = new Gate(server);
    server.on('connection', (client) => {
      const upstream = connect(targetPort, '127.0.0.1');
      gate.#sockets.add(client).add(upstream);
      client.on('close', () => upstream.destroy()).on('error', () => upstream.destroy());
      upstream.on('close', () => client.destroy()).on('error', () => client.destroy());
      client.pipe(upstream);
      void gate.#pass(upstream, client);
    });
    return gate;
  }

  /** Bytes that servers sent and that were let through. */
  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** Lets so many bytes more pass, and holds the rest. */
  holdAfter(bytes: number): void {
    this.#limitBytes = this.#passedBytes + bytes;
  }

  /** Lets everything pass. */
  release(): void {
    this.#limitBytes = Number.POSITIVE_INFINITY;
    for (const goOn of this.#waiting) goOn();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.release();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #pass(upstream: Socket, client: Socket): Promise<void> {
    try {
      for await (const chunk of upstream as AsyncIterable<Buffer>) {
        let rest = chunk;
        while (rest.length > 0 && !client.destroyed) {
          const now = rest.subarray(0, Math.max(0, this.#limitBytes - this.#passedBytes));
          rest = rest.subarray(now.length);
          this.#passedBytes += now.length;
          if (now.length > 0 && !client.write(now)) await eitherOf(client, 'drain', 'close');
          if (rest.length > 0) await this.#opened(client);
        }
      }
      client.end();
    } catch {
      // A connection that breaks is what these tests are about.
      client.destroy();
    }
  }

  async #opened(client: Socket): Promise<void> {
    const opened = Promise.withResolvers<void>();
    this.#waiting.add(opened.resolve);
    client.once('close', opened.resolve);
    await opened.promise;
    this.#waiting.delete(opened.resolve);
  }
}

async function eitherOf(socket: Socket, one: string, other: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once(one, resolve).once(other, resolve);
  await promise;
}
