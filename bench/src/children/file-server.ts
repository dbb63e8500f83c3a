import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import process from 'node:process';
import { taskOf, tell } from './child.ts';

/** Serves a folder as any static server would. */
const { folder } = taskOf() as { folder: string };
const server = createServer((request, response) => {
  const path = join(folder, normalize(new URL(request.url ?? '/', 'http://x').pathname));
  stat(path).then(
    ({ size }) => {
      response.setHeader('content-length', size);
      createReadStream(path, { highWaterMark: 256 * 1024 }).pipe(response);
    },
    () => response.writeHead(404).end(),
  );
}).listen(0, '127.0.0.1', () => {
  tell(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
});
process.once('disconnect', () => {
  server.closeAllConnections();
  server.close();
});
