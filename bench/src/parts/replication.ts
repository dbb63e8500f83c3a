import { constants } from 'node:fs';
import { copyFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { PackageFetcher } from '@sallyport/engine/components/content/package-fetcher';
import { systemClock } from '@sallyport/engine/compute/clock';
import { nodeKeys } from '@sallyport/engine/compute/ed25519';
import { systemRandom } from '@sallyport/engine/compute/random';
import { WorkerPool } from '@sallyport/engine/compute/worker-pool';
import type { Blobs } from '@sallyport/engine/ports/blobs';
import type { Compute } from '@sallyport/engine/ports/compute';
import { FileBlobs } from '@sallyport/engine/storage/files/blobs';
import { FolderContentSource } from '@sallyport/engine/storage/files/folder-content';
import { FolderRepository } from '@sallyport/engine/storage/files/folder-repository';
import { PeerTlsLink } from '@sallyport/engine/transport/peer-tls/peer-tls-link';
import { PeerTlsServer } from '@sallyport/engine/transport/peer-tls/peer-tls-server';
import { tlsIdentity } from '@sallyport/engine/transport/peer-tls/tls-identity';
import { segmentsOf } from '@sallyport/core/domain/content/route';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { siteCode } from '@sallyport/core/shared/ids';
import { parseTree } from '@sallyport/core/wire/tree';
import type { BenchContext, Part } from '../part.ts';
import type { Row, Table } from '../report.ts';
import { silentLog } from '../scene/silent-log.ts';
import { publishTypescript } from '../scene/typescript.ts';
import { makeVendor, typescript } from '../scene/vendor.ts';

/** What bringing content to the sites below costs, over the links that sites have. */
export const replicationPart: Part = { name: 'replication', run };

interface Measured {
  readonly elapsedMs: number;
  readonly bytes: number;
}

async function run(context: BenchContext): Promise<readonly Table[]> {
  const { folder, signal, say, quick } = context;
  const compute = new WorkerPool();
  const rows: Row[] = [];
  try {
    const vendor = join(folder, 'vendor');
    const tools = await makeVendor(vendor, typescript, signal);
    const contents = await publishTypescript({ ...tools, compute }, ['5.8.3', '5.9.2'], { say, signal });
    const parent = await FileBlobs.open({ folder: join(folder, 'parent') });
    const media = new FolderContentSource(join(vendor, 'repository'));
    for (const content of Object.values(contents)) {
      await fetcherOf(parent, compute).fetch(content, media, { signal });
    }
    for (const count of quick ? [1, 2] : [1, 4, 16]) {
      say(`${String(count)} children`);
      const below = await Children.start(join(folder, `below-${String(count)}`), count, parent, compute);
      try {
        const whole = await below.fetch(contents['5.8.3'], signal);
        const update = await below.fetch(contents['5.9.2'], signal);
        const bare = await bareCopies(
          contents['5.8.3'],
          parent,
          join(folder, `bare-${String(count)}`),
          count,
        );
        rows.push(rowOf(count, '5.8.3, all of it', whole, bare), rowOf(count, '5.8.3 → 5.9.2', update, bare));
      } finally {
        await below.close();
      }
    }
  } finally {
    await compute.close();
  }
  return [
    {
      title: 'Replication of TypeScript to the sites below',
      columns: [
        { key: 'count', label: 'children', format: 'count' },
        { key: 'what', label: 'content', format: 'text' },
        { key: 'elapsedMs', label: 'time', format: 'duration' },
        { key: 'bytes', label: 'leave the parent', format: 'bytes' },
        { key: 'bytesEach', label: 'a child', format: 'bytes' },
        { key: 'bytesRatio', label: 'of the bare bytes', format: 'ratio' },
        { key: 'bareMs', label: 'bare time', format: 'duration' },
        { key: 'timeRatio', label: 'of the bare speed', format: 'ratio' },
      ],
      rows,
      notes: [
        'Real site links (TLS 1.3, keys pinned) over loopback; parent and children share this process, so all of them share its one thread and its two workers.',
        'Bare: the files of 5.8.3 copied once a child from disk to disk, each synced; nothing travels, nothing is unpacked or verified. 5.9.2 has about as many bytes.',
        'Bytes that leave are bodies of answers, without TLS and HTTP around them.',
      ],
    },
  ];
}

function rowOf(count: number, what: string, { elapsedMs, bytes }: Measured, bare: Measured): Row {
  return {
    count,
    what,
    elapsedMs,
    bytes,
    bytesEach: Math.round(bytes / count),
    bytesRatio: bytes / bare.bytes,
    bareMs: bare.elapsedMs,
    timeRatio: bare.elapsedMs / elapsedMs,
  };
}

interface Child {
  readonly link: PeerTlsLink;
  readonly fetcher: PackageFetcher;
}

/** Children with links to one parent. */
class Children {
  readonly #sites: readonly Child[];
  readonly #server: PeerTlsServer;

  private constructor(sites: readonly Child[], server: PeerTlsServer) {
    this.#sites = sites;
    this.#server = server;
  }

  static async start(folder: string, count: number, parent: Blobs, compute: Compute): Promise<Children> {
    const secret = nodeKeys.generate();
    const secrets = Array.from({ length: count }, () => nodeKeys.generate());
    const codes = new Map(
      secrets.map((own, index) => [
        nodeKeys.open(own).publicKey,
        siteCode(`C${String(index).padStart(2, '0')}`),
      ]),
    );
    const nobody = (): never => {
      throw new Error('these children fetch content and nothing else');
    };
    const server = new PeerTlsServer({
      identity: await tlsIdentity(secret, 'CAS'),
      handler: {
        identify: (key) => {
          const site = codes.get(key);
          return site === undefined
            ? { kind: 'refused', code: 'NOT_IN_ROSTER', message: 'a stranger' }
            : { kind: 'child', site };
        },
        hello: nobody,
        pull: nobody,
        push: nobody,
        join: nobody,
      },
      blobs: parent,
      repository: new FolderRepository({ metadata: folder, targets: folder }),
      log: silentLog,
    });
    const { host, port } = await server.listen({ host: '127.0.0.1', port: 0 });
    const sites = await Promise.all(
      secrets.map(async (own, index) => {
        const name = `C${String(index).padStart(2, '0')}`;
        const link = new PeerTlsLink({
          parent: siteCode('CAS'),
          address: `${host}:${String(port)}`,
          parentKey: () => nodeKeys.open(secret).publicKey,
          identity: await tlsIdentity(own, name),
          clock: systemClock,
        });
        const blobs = await FileBlobs.open({ folder: join(folder, name) });
        return { link, fetcher: fetcherOf(blobs, compute) };
      }),
    );
    return new Children(sites, server);
  }

  /** All children at once. */
  async fetch(content: PackageContent, signal: AbortSignal): Promise<Measured> {
    const startedAt = performance.now();
    const fetched = await Promise.all(
      this.#sites.map(({ link, fetcher }) => fetcher.fetch(content, link.content, { signal })),
    );
    const bytes = fetched.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
    return { elapsedMs: performance.now() - startedAt, bytes };
  }

  async close(): Promise<void> {
    await Promise.all(this.#sites.map(({ link }) => link.close()));
    await this.#server.close();
  }
}

function fetcherOf(blobs: Blobs, compute: Compute): PackageFetcher {
  return new PackageFetcher({ blobs, compute, clock: systemClock, random: systemRandom, log: silentLog });
}

/** The files of a release, copied durably as often as there are children, all at once. */
async function bareCopies(
  content: PackageContent,
  parent: Blobs,
  folder: string,
  count: number,
): Promise<Measured> {
  const tree = parseTree(await parent.readBytes(content.tree.sha256, content.tree.sizeBytes));
  const segments = segmentsOf(tree);
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const own = join(folder, String(index));
      await mkdir(own, { recursive: true });
      for (const { sha256 } of segments) {
        const target = join(own, sha256);
        // A copy, not a clone of blocks: links between sites have none.
        await copyFile(parent.pathOf(sha256), target, constants.COPYFILE_EXCL);
        const file = await open(target, 'r');
        await file.sync();
        await file.close();
      }
    }),
  );
  const bytes = count * segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { elapsedMs: performance.now() - startedAt, bytes };
}
