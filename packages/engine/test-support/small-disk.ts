import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';

/** A real disk that can really be full: everything sees it, SQLite and other processes too. */
export interface SmallDisk {
  readonly folder: string;
  /** Takes the room away until so much is left. */
  readonly fill: (freeBytes: number) => void;
  readonly makeRoom: () => void;
}

/** Why there can be no small disk here; undefined when there can: mounting one needs an administrator of Linux. */
export function noSmallDisk(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root of Linux can mount a disk';
  const place = mkdtempSync(join(tmpdir(), 'sallyport-mount-'));
  const isMounted = run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'sallyport', place]);
  if (isMounted) run('umount', [place]);
  rmSync(place, { recursive: true });
  return isMounted ? undefined : 'this container may not mount a disk';
}

/** Mounts a disk of its own; it is gone when the test ends. */
export function smallDisk(t: TestContext, sizeBytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-disk-'));
  if (!run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'sallyport', folder])) {
    throw new Error(`no disk could be mounted at ${folder}`);
  }
  t.after(() => {
    run('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  });
  const filler = join(folder, 'filler');
  const data = join(folder, 'data');
  mkdirSync(data);
  return {
    folder: data,
    fill: (freeBytes) => {
      rmSync(filler, { force: true });
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(filler, new Uint8Array(Math.max(0, bavail * bsize - freeBytes)));
    },
    makeRoom: () => rmSync(filler, { force: true }),
  };
}

function run(command: string, given: readonly string[]): boolean {
  return spawnSync(command, given, { stdio: 'ignore' }).status === 0;
}
