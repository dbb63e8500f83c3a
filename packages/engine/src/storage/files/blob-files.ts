import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import process from 'node:process';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { digest } from '@sallyport/core/shared/ids';
import { dropQuietly, renameDurably } from './durable-file.ts';

/** How files of a library are opened; tests put failing disks here. */
export type OpenFile = typeof open;

/** Large enough for full disk speed, small enough that a hundred readers need little memory. */
const chunkBytes = 256 * 1024;

/** Writes all of `chunk` at `position`: a single write may take only a part. */
export async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < chunk.length) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

/** The bytes of an open file from `start` to `end`; fewer when the file ends earlier. Each chunk has its own memory. */
export async function* chunksOf(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end;) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) {
      return;
    }
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/** SHA-256 and size of an open file. */
export async function hashOf(file: FileHandle): Promise<BlobRef> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of chunksOf(file, 0, Infinity)) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sha256: digest(hash.digest('hex')), sizeBytes };
}

/** Makes a complete, verified file durable, read-only and visible under its name, and closes it. */
export async function publishFile(file: FileHandle, from: string, to: string): Promise<void> {
  try {
    await file.chmod(0o444);
    await syncOrDrop(file, from);
  } finally {
    await file.close();
  }
  await replaceBlob(from, to);
}

/**
 * Makes an open file durable. One that cannot be is removed: the kernel may take the pages that failed for clean, and
 * then a second sync succeeds while reading still shows bytes that never reached the disk.
 */
export async function syncOrDrop(file: FileHandle, path: string): Promise<void> {
  try {
    await file.sync();
  } catch (failure) {
    await dropQuietly(path);
    throw failure;
  }
}

/** Windows refuses to rename over a read-only file: what is there already has the same bytes, so it stays. */
async function replaceBlob(from: string, to: string): Promise<void> {
  try {
    await renameDurably(from, to);
  } catch (failure) {
    if (process.platform !== 'win32') {
      throw failure;
    }
    const there = await open(to, 'r');
    await there.close();
    await rm(from, { force: true });
  }
}
