import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, tmpdir, totalmem, type as systemType } from 'node:os';
import process from 'node:process';
import { formatBytes } from '@sallyport/core/shared/units';

/** What the figures were measured on, in one line. */
export async function describeMachine(): Promise<string> {
  const model = cpus()[0]?.model.trim().replaceAll(/\s+/g, ' ') ?? 'unknown processor';
  return [
    `${String(availableParallelism())} × ${model}`,
    `${formatBytes(totalmem())} of memory`,
    `Node.js ${process.versions.node}`,
    `${systemType()} ${release()}`,
    `temporary files on ${await fileSystemOf(tmpdir())}`,
  ].join(', ');
}

/** The kind of file system that a folder lies on; Linux tells, others are not asked. */
async function fileSystemOf(folder: string): Promise<string> {
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '');
  const holding = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, place = '']) => place !== '' && `${folder}/`.startsWith(place === '/' ? place : `${place}/`))
    .toSorted(([, a = ''], [, b = '']) => b.length - a.length);
  return holding[0]?.[2] ?? 'an unknown file system';
}
