import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Duplex, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { messageOf } from '@sallyport/core/shared/errors';
import { extract } from 'tar-stream';
import { type PayloadEntry, PayloadUnreadable } from './payload-source.ts';

/**
 * The entries of a tar file, in its order; compression is recognised by the first bytes. What is unpacked
 * counts against the limit as it comes, so that a bomb ends early.
 *
 * @throws {PayloadUnreadable} when it is no tar file, is cut off, or is larger than `unpackedMaxBytes`
 */
export async function* readTarball(path: string, unpackedMaxBytes: number): AsyncGenerator<PayloadEntry> {
  try {
    const decompressor = await decompressorFor(path);
    const packed = createReadStream(path, { highWaterMark: 256 * 1024 });
    const limit = limiter(path, unpackedMaxBytes);
    const unpacking = extract();
    const flow =
      decompressor === undefined
        ? pipeline(packed, limit, unpacking)
        : pipeline(packed, decompressor, limit, unpacking);
    // Its failure comes out of the entries.
    flow.catch(() => undefined);
    for await (const entry of unpacking) {
      const { name, mode, size, type } = entry.header;
      yield {
        name: type === 'directory' ? name.replace(/\/+$/, '') : name,
        type: typeNames[type] ?? 'entry of an unknown kind',
        isExecutable: (mode & 0o111) !== 0,
        sizeBytes: size,
        // A streamx stream, whose types leave out what it is iterated over for.
        chunks: () => entry as AsyncIterable<unknown> as AsyncIterable<Uint8Array>,
      };
      entry.resume();
    }
    await flow;
  } catch (failure) {
    throw failure instanceof PayloadUnreadable ? failure : unreadable(path, failure);
  }
}

const typeNames: Readonly<Record<string, string>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'folder',
  symlink: 'symbolic link',
  link: 'hard link',
  'character-device': 'device',
  'block-device': 'device',
  fifo: 'pipe',
};

const magics: readonly (readonly [readonly number[], () => Duplex])[] = [
  [[0x1f, 0x8b], createGunzip],
  [[0x28, 0xb5, 0x2f, 0xfd], createZstdDecompress],
];

async function decompressorFor(path: string): Promise<Duplex | undefined> {
  const file = await open(path, 'r');
  try {
    const first = Buffer.alloc(4);
    await file.read(first, 0, first.length, 0);
    return magics.find(([magic]) => magic.every((byte, index) => first[index] === byte))?.[1]();
  } finally {
    await file.close();
  }
}

function limiter(path: string, unpackedMaxBytes: number): Transform {
  let sizeBytes = 0;
  return new Transform({
    transform: (chunk: Uint8Array, _, done) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= unpackedMaxBytes) {
        done(null, chunk);
        return;
      }
      const problem = `unpacks to more than ${String(unpackedMaxBytes)} bytes`;
      done(
        new PayloadUnreadable({ path, problem, remedy: 'publish less in one package, or raise the limit' }),
      );
    },
  });
}

function unreadable(path: string, failure: unknown): PayloadUnreadable {
  const problem = `is no complete tar file, or cannot be read (${messageOf(failure)})`;
  return new PayloadUnreadable({ path, problem, remedy: 'make or download it again' }, { cause: failure });
}
