import { join } from 'node:path';
import { Agent } from 'undici';
import { PackageFetcher } from '@sallyport/engine/components/content/package-fetcher';
import { systemClock } from '@sallyport/engine/compute/clock';
import { systemRandom } from '@sallyport/engine/compute/random';
import { WorkerPool } from '@sallyport/engine/compute/worker-pool';
import { FileBlobs } from '@sallyport/engine/storage/files/blobs';
import { HttpContentSource } from '@sallyport/engine/transport/content-http/content-source';
import type { BenchContext, Part } from '../part.ts';
import type { Row, Table } from '../report.ts';
import { startContentServer } from '../scene/content-server.ts';
import { silentLog } from '../scene/silent-log.ts';
import { publishTypescript } from '../scene/typescript.ts';
import { makeVendor, typescript } from '../scene/vendor.ts';
import { otherWays } from './bytes-peers.ts';

const versions = ['5.8.3', '5.9.2', '5.9.3'] as const;

/** What an update costs on the wire, beside whole archives and the known makers of binary differences. */
export const bytesPart: Part = { name: 'bytes', run };

async function run(context: BenchContext): Promise<readonly Table[]> {
  const { folder, signal, say } = context;
  const compute = new WorkerPool();
  const dispatcher = new Agent();
  const tools = await makeVendor(join(folder, 'vendor'), typescript, signal);
  try {
    const contents = await publishTypescript({ ...tools, compute }, versions, { say, signal });
    const server = await startContentServer(tools.blobs);
    try {
      const blobs = await FileBlobs.open({ folder: join(folder, 'site') });
      const fetcher = new PackageFetcher({
        blobs,
        compute,
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
      });
      const source = new HttpContentSource({ baseUrl: server.baseUrl, dispatcher, clock: systemClock });
      const ours = new Map<string, OwnCost>();
      for (const version of versions) {
        say(`a site fetches ${version}`);
        const before = server.wire();
        const { receivedBytes } = await fetcher.fetch(contents[version], source, { signal });
        const after = server.wire();
        ours.set(version, {
          receivedBytes,
          wireBytes: after.bytes - before.bytes,
          requests: after.requests - before.requests,
        });
      }
      return [await tableOf('5.8.3', '5.9.2', ours, context), await tableOf('5.9.2', '5.9.3', ours, context)];
    } finally {
      await server.close();
    }
  } finally {
    await dispatcher.close();
    await compute.close();
  }
}

interface OwnCost {
  readonly receivedBytes: number;
  readonly wireBytes: number;
  readonly requests: number;
}

async function tableOf(
  from: string,
  to: string,
  ours: ReadonlyMap<string, OwnCost>,
  { folder, signal, say }: BenchContext,
): Promise<Table> {
  const cost = ours.get(to);
  const receivedBytes = cost?.receivedBytes ?? Number.NaN;
  const { found, missing } = await otherWays({ from, to, folder, signal, say });
  const rows: Row[] = [
    { way: 'Sallyport, site on the version before', bytes: receivedBytes, ratio: 1 },
    { way: '  with HTTP around it', bytes: cost?.wireBytes, ratio: (cost?.wireBytes ?? 0) / receivedBytes },
    ...found.map(({ way, bytes }) => ({ way, bytes, ratio: bytes / receivedBytes })),
  ];
  return {
    title: `TypeScript ${from} → ${to}: bytes`,
    columns: [
      { key: 'way', label: 'way', format: 'text' },
      { key: 'bytes', label: 'bytes', format: 'bytes' },
      { key: 'ratio', label: 'of ours', format: 'ratio' },
    ],
    rows,
    notes: [
      `Ours: tree, list of encodings and everything else that a site fetches for the package, ${String(cost?.requests)} requests; not the signed metadata.`,
      'The others: one file, without transport, from the tar archive of one version to that of the next.',
      ...missing.map((name) => `${name} is not installed here and was not measured.`),
    ],
  };
}
