import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';

/** A plain web server that knows nothing of Sallyport: the files of a folder, by GET, and nothing else. */
export class StaticServer {
  readonly url: URL;
  /** May be changed at any time. */
  folder: string;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.url = new URL(`http://127.0.0.1:${port}/`);
  }

  /** @param port 0 takes a free one */
  static async open(folder: string, port = 0): Promise<StaticServer> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const made = new StaticServer(folder, (server.address() as AddressInfo).port);
    made.#close = async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
    server.on('request', (request, response) => void made.#answer(request, response));
    return made;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = join(this.folder, normalize(new URL(request.url ?? '/', this.url).pathname));
    const found = request.method === 'GET' ? await stat(file).catch(() => undefined) : undefined;
    if (found?.isFile() !== true) {
      response.writeHead(request.method === 'GET' ? 404 : 405).end();
      return;
    }
    response.writeHead(200, { 'content-length': found.size });
    createReadStream(file).pipe(response);
  }

  #close: () => Promise<void> = () => Promise.resolve();

  close(): Promise<void> {
    return this.#close();
  }
}
