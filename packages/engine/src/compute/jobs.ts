import { createHash, hash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { diskFailure } from '@sallyport/core/domain/content/disk-failure';
import { segmentSizeMaxBytes, type BlobRef } from '@sallyport/core/domain/content/tree';
import { digest } from '@sallyport/core/shared/ids';
import { compressBytes, decompressBytes } from './zstd.ts';

/** What a worker is asked to do. Plain data: it is copied from thread to thread. */
export type Job =
  | { readonly kind: 'hash'; readonly source: string }
  | {
      readonly kind: 'compress';
      readonly source: string;
      readonly target: string;
      readonly dictionary?: string;
      readonly level: number;
      readonly windowLog?: number;
    }
  | {
      readonly kind: 'decompress';
      readonly source: string;
      readonly target: string;
      readonly dictionary?: string;
      readonly windowLog?: number;
      readonly expected: BlobRef;
    };

/** Segments fit; what compresses a segment may be a little larger than it. Nothing else is loaded whole. */
const loadMaxBytes = segmentSizeMaxBytes + 1024 * 1024;
const hashChunkBytes = 1024 * 1024;

/**
 * Does a job, blocking the thread until it is done. Holds at most source, dictionary and result in memory,
 * each at most a segment. Resolves to the name and size of what was hashed or written.
 *
 * @throws {ContentError}
 */
export function runJob(job: Job): BlobRef {
  switch (job.kind) {
    case 'hash':
      return hashFile(job.source);
    case 'compress': {
      const { level, windowLog } = job;
      return store(
        job.target,
        compressBytes(load(job.source), { level, ...windowed(windowLog), ...loaded(job.dictionary) }),
      );
    }
    case 'decompress': {
      const { expected, windowLog } = job;
      if (expected.sizeBytes > segmentSizeMaxBytes) {
        throw tooLarge(job.source, expected.sizeBytes);
      }
      const limits = { sizeMaxBytes: expected.sizeBytes, ...windowed(windowLog) };
      const bytes = decompressBytes(load(job.source), { ...limits, ...loaded(job.dictionary) });
      check(expected, bytes);
      return store(job.target, bytes);
    }
  }
}

/** @throws {ContentError} SIZE_MISMATCH, HASH_MISMATCH when `bytes` are not what unpacking should give */
export function check(expected: BlobRef, bytes: Uint8Array): void {
  const sha256 = hash('sha256', bytes, 'hex');
  if (bytes.length !== expected.sizeBytes || sha256 !== expected.sha256) {
    throw new ContentError(
      bytes.length === expected.sizeBytes ? 'HASH_MISMATCH' : 'SIZE_MISMATCH',
      `compressed content unpacks to ${sha256} (${String(bytes.length)} bytes) instead of ${expected.sha256} ` +
        `(${String(expected.sizeBytes)} bytes): it, or the older content it builds on, is not what was published`,
      { expected: expected.sha256, actual: sha256 },
    );
  }
}

function hashFile(path: string): BlobRef {
  return onDisk(path, () => {
    const file = openSync(path, 'r');
    try {
      const running = createHash('sha256');
      const chunk = Buffer.allocUnsafe(hashChunkBytes);
      let sizeBytes = 0;
      for (;;) {
        const count = readSync(file, chunk, 0, chunk.length, null);
        if (count === 0) {
          return { sha256: digest(running.digest('hex')), sizeBytes };
        }
        running.update(chunk.subarray(0, count));
        sizeBytes += count;
      }
    } finally {
      closeSync(file);
    }
  });
}

function load(path: string): Uint8Array {
  return onDisk(path, () => {
    const { size } = statSync(path);
    if (size > loadMaxBytes) {
      throw tooLarge(path, size);
    }
    return readFileSync(path);
  });
}

function store(path: string, bytes: Uint8Array): BlobRef {
  onDisk(path, () => {
    const file = openSync(path, 'wx');
    try {
      writeFileSync(file, bytes);
    } catch (failure) {
      rmSync(path, { force: true });
      throw failure;
    } finally {
      closeSync(file);
    }
  });
  return { sha256: digest(hash('sha256', bytes, 'hex')), sizeBytes: bytes.length };
}

function windowed(windowLog: number | undefined): { readonly windowLog?: number } {
  return windowLog === undefined ? {} : { windowLog };
}

function loaded(path: string | undefined): { readonly dictionary?: Uint8Array } {
  return path === undefined ? {} : { dictionary: load(path) };
}

function onDisk<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (failure) {
    if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') {
      throw new ContentError(
        'NOT_HELD',
        `${path} is not there: fetch it first`,
        { path },
        { cause: failure },
      );
    }
    throw diskFailure(failure, path);
  }
}

function tooLarge(path: string, sizeBytes: number): ContentError {
  return new ContentError(
    'TOO_LARGE',
    `${path} is ${String(sizeBytes)} bytes; only segments of at most ${String(segmentSizeMaxBytes)} bytes are packed and unpacked`,
    { path, sizeBytes },
  );
}
