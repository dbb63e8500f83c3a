import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { collected } from './bytes.ts';

export type TarEntry = Partial<Header> & { readonly name: string; readonly bytes?: Uint8Array };

/** A tar file of entries as they are, hostile ones included. */
export async function tarball(
  entries: readonly TarEntry[],
  compression: 'none' | 'gzip' | 'zstd' = 'gzip',
): Promise<Uint8Array> {
  const packing = pack();
  for (const { bytes, ...header } of entries) {
    packing.entry(header, Buffer.from(bytes ?? []));
  }
  packing.finalize();
  const tar = await collected(packing as AsyncIterable<unknown> as AsyncIterable<Uint8Array>);
  switch (compression) {
    case 'none':
      return tar;
    case 'gzip':
      return gzipSync(tar);
    case 'zstd':
      return zstdCompressSync(tar);
  }
}
