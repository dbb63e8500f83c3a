import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface OtherWay {
  readonly way: string;
  readonly bytes: number;
}

interface Task {
  readonly from: string;
  readonly to: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** Programs that make one file of the difference between two; `{old}`, `{new}`, `{out}` stand for paths. */
const makers = [
  {
    way: 'xdelta3 -9 -S djw',
    run: ['xdelta3', '-e', '-9', '-S', 'djw', '-f', '-s', '{old}', '{new}', '{out}'],
  },
  {
    way: 'xdelta3 -9 -S djw -B 64 MiB',
    run: ['xdelta3', '-e', '-9', '-S', 'djw', '-B', '67108864', '-f', '-s', '{old}', '{new}', '{out}'],
  },
  {
    way: 'xdelta3 -9 -S lzma',
    run: ['xdelta3', '-e', '-9', '-S', 'lzma', '-f', '-s', '{old}', '{new}', '{out}'],
  },
  { way: 'bsdiff', run: ['bsdiff', '{old}', '{new}', '{out}'] },
  {
    way: 'zstd -19 --long=27 --patch-from',
    run: ['zstd', '-q', '-f', '-19', '--long=27', '--patch-from={old}', '{new}', '-o', '{out}'],
  },
] as const;

/**
 * What the update costs otherwise: the whole as .tgz, and one difference between two tar archives by each program
 * that is installed.
 */
export async function otherWays(
  task: Task,
): Promise<{ readonly found: readonly OtherWay[]; readonly missing: readonly string[] }> {
  const { from, to, folder, say } = task;
  const archiveOf = (version: string): string => join(folder, `${version}.tar`);
  for (const version of [from, to]) {
    await run(['tar', ...stableTar, '-cf', archiveOf(version), '-C', releaseFolder(version), '.'], task);
  }
  const whole = join(folder, `${to}.tgz`);
  await run(['tar', ...stableTar, '-I', 'gzip -9', '-cf', whole, '-C', releaseFolder(to), '.'], task);
  const found: OtherWay[] = [{ way: 'the whole, .tgz', bytes: (await stat(whole)).size }];
  const missing = new Set<string>();
  for (const [index, maker] of makers.entries()) {
    const out = join(folder, `${from}-${to}.${String(index)}`);
    say(`${maker.way}: ${from} → ${to}`);
    const command = maker.run.map((part) =>
      part.replace('{old}', archiveOf(from)).replace('{new}', archiveOf(to)).replace('{out}', out),
    );
    if (await run(command, task)) {
      found.push({ way: maker.way, bytes: (await stat(out)).size });
    } else {
      missing.add(maker.run[0]);
    }
  }
  return { found, missing: [...missing] };
}

/** The same files give the same archive. */
const stableTar = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];

function releaseFolder(version: string): string {
  return join(import.meta.dirname, '../../../node_modules', `typescript-${version}`);
}

/** Runs a program to its end; false when it is not installed. */
async function run([program = '', ...args]: readonly string[], { signal }: Task): Promise<boolean> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${said.join('').slice(0, 500)}`);
    return true;
  } catch (failure) {
    if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') return false;
    throw failure;
  }
}
