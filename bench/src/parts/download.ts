import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { changeRepository, type CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { withFiles } from '@sallyport/engine/cloud/repository/writer';
import { targetRepositoryPath } from '@sallyport/core/domain/trust/metadata-name';
import { type Digest, digest } from '@sallyport/core/shared/ids';
import { gibibytes, mebibytes } from '@sallyport/core/shared/units';
import { median, medianRatio } from '../figures.ts';
import type { BenchContext, Part } from '../part.ts';
import type { Table } from '../report.ts';
import { type Measured, runChild, startChild } from '../scene/child.ts';
import { makeVendor, typescript } from '../scene/vendor.ts';

/** What the three downloading programs are told. */
export interface DownloadTask {
  readonly url: string;
  readonly sha256: Digest;
  readonly sizeBytes: number;
  /** Empty; on the disk that everybody writes to. */
  readonly folder: string;
  readonly rootBase64: string;
  readonly targetPath: string;
}

/** A large download against the bare work that it cannot do without, and against a known client. */
export const downloadPart: Part = { name: 'download', run };

const targetPath = 'catalog/large.bin';
const programs = ['plain', 'ours', 'tuf-js'] as const;
/** It takes its time, and a few rounds tell enough. */
const tufRounds = 3;

async function run(context: BenchContext): Promise<readonly Table[]> {
  const { folder, signal, say, quick } = context;
  const sizeBytes = quick ? mebibytes(64) : gibibytes(1);
  const rounds = quick ? 3 : 9;
  say('makes the file');
  const vendorFolder = join(folder, 'vendor');
  const tools = await makeVendor(vendorFolder, typescript, signal);
  const repository = join(vendorFolder, 'repository');
  const sha256 = await addLargeTarget(tools, repository, sizeBytes, signal);
  const root = await readFile(join(repository, 'metadata', '1.root.json'));
  const server = await startChild('file-server.ts', { folder: repository }, signal);
  const figures = { plain: [], ours: [], 'tuf-js': [] } as Record<(typeof programs)[number], Measured[]>;
  try {
    for (let round = 0; round < rounds; round += 1) {
      // Turn by turn, and each first in turn: whatever else the machine does meets all of them.
      for (let turn = 0; turn < programs.length; turn += 1) {
        const program = programs[(round + turn) % programs.length] ?? 'plain';
        if (program === 'tuf-js' && round >= tufRounds) continue;
        const own = join(folder, 'download');
        await mkdir(own);
        const task: DownloadTask = {
          url: String(server.said),
          sha256,
          sizeBytes,
          folder: own,
          rootBase64: root.toString('base64'),
          targetPath,
        };
        const measured = await runChild(`download-${program}.ts`, task, signal);
        figures[program].push(measured);
        say(
          `round ${String(round + 1)} of ${String(rounds)}: ${program} ${measured.elapsedMs.toFixed(0)} ms`,
        );
        await rm(own, { recursive: true });
      }
    }
  } finally {
    await server.stop();
  }
  const row = (program: (typeof programs)[number], name: string) => {
    const runs = figures[program];
    const elapsedMs = median(runs.map((one) => one.elapsedMs));
    return {
      name,
      elapsedMs,
      rate: `${(sizeBytes / mebibytes(1) / (elapsedMs / 1000)).toFixed(0)} MiB/s`,
      ratio: medianRatio(
        runs.map((one, at) => ({ base: figures.plain[at]?.elapsedMs ?? Number.NaN, ours: one.elapsedMs })),
      ),
      cpuMs: median(runs.map((one) => one.cpuMs)),
      peakRssBytes: Math.max(...runs.map((one) => one.peakRssBytes)),
    };
  };
  return [
    {
      title: `Download and verification of ${String(sizeBytes / mebibytes(1))} MiB over loopback`,
      columns: [
        { key: 'name', label: 'program', format: 'text' },
        { key: 'elapsedMs', label: 'median time', format: 'duration' },
        { key: 'rate', label: 'rate', format: 'text' },
        { key: 'ratio', label: 'of the bare speed', format: 'ratio' },
        { key: 'cpuMs', label: 'processor time', format: 'duration' },
        { key: 'peakRssBytes', label: 'peak memory', format: 'bytes' },
      ],
      rows: [
        row('plain', 'bare: GET, hash, write, fsync, rename'),
        row('ours', 'Sallyport: resumable, limited, verified, durable'),
        row('tuf-js', 'tuf-js: neither resumable nor durable'),
      ],
      notes: [
        `${String(rounds)} rounds, ${String(Math.min(rounds, tufRounds))} of tuf-js; the ratio is the median of those within a round (1: as fast as the bare work).`,
        'Each program and the server are processes of their own; memory is the highest of all rounds.',
      ],
    },
  ];
}

/** Puts a file of random bytes into the repository, as a blob and as a signed target. */
async function addLargeTarget(
  tools: CloudTools,
  repository: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<Digest> {
  const part = randomBytes(mebibytes(16));
  const hash = createHash('sha256');
  const made = join(repository, 'large');
  const file = await open(made, 'wx');
  for (let at = 0; at < sizeBytes; at += part.length) {
    hash.update(part);
    await file.write(part);
  }
  await file.sync();
  await file.close();
  const sha256 = digest(hash.digest('hex'));
  const blob = join(repository, 'blobs', 'sha256', sha256);
  await mkdir(dirname(blob), { recursive: true });
  await rename(made, blob);
  const target = join(repository, 'targets', targetRepositoryPath(targetPath, sha256));
  await mkdir(dirname(target), { recursive: true });
  await link(blob, target);
  await changeRepository(
    tools,
    'add a large target',
    async ({ state }) => {
      const large = { path: targetPath, lengthBytes: sizeBytes, hashes: new Map([['sha256', sha256]]) };
      const catalog = [...withFiles(state.catalog.signed.targets, []), large];
      return { change: { catalog, files: [] }, result: undefined };
    },
    signal,
  );
  return sha256;
}
