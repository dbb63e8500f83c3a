import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, relative, sep } from 'node:path';
import type { TestContext } from 'node:test';

/** Metadata and targets of a repository, by their path in it; no blobs. */
export async function filesOf(repositoryFolder: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const folder of ['metadata', 'targets']) {
    const entries = await readdir(join(repositoryFolder, folder), { withFileTypes: true, recursive: true });
    for (const entry of entries.filter((found) => found.isFile())) {
      const path = join(entry.parentPath, entry.name);
      files.set(relative(repositoryFolder, path).split(sep).join('/'), await readFile(path));
    }
  }
  return files;
}

/** The newest file of the same role or target under another version or digest, other than `than`. */
export function newest(files: ReadonlyMap<string, Buffer>, path: string, than?: string): Buffer | undefined {
  const kind = kindOf(path);
  const versions = [...files.keys()]
    .filter((other) => kindOf(other) === kind && other !== than)
    .toSorted((a, b) => versionOf(b) - versionOf(a));
  const [first] = versions;
  return first === undefined ? undefined : files.get(first);
}

/** `metadata/3.snapshot.json` is `metadata/snapshot.json`, `targets/catalog/<digest>.hello.json` is `targets/catalog/hello.json`. */
function kindOf(path: string): string {
  return path.replace(/(^|\/)(?:\d+|[0-9a-f]{64})\.(?=[^/]*$)/, '$1');
}

function versionOf(path: string): number {
  return Number(/\/(\d+)\.[^/]*$/.exec(path)?.[1] ?? 0);
}

/** A web server for files that a test changes, which remembers what was asked for. */
export class PublishedFiles {
  #files: ReadonlyMap<string, Buffer>;
  readonly #asked = new Set<string>();

  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#files = files;
  }

  replace(files: ReadonlyMap<string, Buffer>): void {
    this.#files = files;
  }

  /** Paths that were asked for, and are there. */
  asked(): readonly string[] {
    return [...this.#asked].filter((path) => this.#files.has(path));
  }

  async serve(context: TestContext): Promise<string> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname.slice(1));
      this.#asked.add(path);
      const bytes = this.#files.get(path);
      if (bytes === undefined) response.writeHead(404).end();
      else response.end(bytes);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('no port');
    return `http://127.0.0.1:${String(address.port)}`;
  }
}
