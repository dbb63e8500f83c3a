import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Encoding } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { encodingsFormat } from '@sallyport/core/wire/encodings';
import { attackedLibrary, type AttackedLibrary } from '../../../test-support/attacked-content.ts';
import { flipped, noise, refOf } from '../../../test-support/bytes.ts';
import { compressBytes } from '../../../src/compute/zstd.ts';
import { WorkerPool } from '../../../src/compute/worker-pool.ts';

const compute = new WorkerPool({ workers: 1 });
after(() => compute.close());

const text = (line: string): Uint8Array => new TextEncoder().encode(`${line}\n`.repeat(8000));
const older = text('as it was');
const bytes = text('as it is');
const packed = compressBytes(bytes, { level: 3 });

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value >>> 0);
  return buffer;
}

/** A frame of one raw block, with the head as given (RFC 8878, 3.1.1.1). */
function frame(descriptor: readonly number[], content: Uint8Array): Buffer {
  const block = Buffer.alloc(3);
  block.writeUIntLE((content.length << 3) | 1, 0, 3);
  return Buffer.concat([u32(0xfd2fb528), Buffer.from(descriptor), block, content]);
}

const skippable = Buffer.concat([u32(0x184d2a50), u32(1000), Buffer.alloc(1000)]);

/** Frames that the descriptor's digests vouch for, and that do not unpack to the segment. */
const frames: Readonly<Record<string, Uint8Array>> = {
  'is a bomb of 200 MB': compressBytes(new Uint8Array(200_000_000), { level: 1 }),
  'claims to hold a terabyte': frame([0xe0, 0, 0, 0, 0, 0, 1, 0, 0], bytes.subarray(0, 100)),
  'claims to hold 2^64-1 bytes': frame(
    [0xe0, ...Array.from({ length: 8 }, () => 0xff)],
    bytes.subarray(0, 100),
  ),
  'wants a window of two gigabytes': frame([0x00, 21 << 3], bytes.subarray(0, 100)),
  'wants the largest window there is': frame([0x00, 0xff], bytes.subarray(0, 100)),
  'is a byte too long': compressBytes(Buffer.concat([bytes, Buffer.of(10)]), { level: 3 }),
  'is a byte too short': compressBytes(bytes.subarray(1), { level: 3 }),
  'has the right length and other bytes': compressBytes(flipped(bytes, 5000), { level: 3 }),
  'is a frame to be skipped': skippable,
  'is a thousand empty frames': Buffer.concat(
    Array.from({ length: 1000 }, () => compressBytes(new Uint8Array(), { level: 1 })),
  ),
  'is cut off': packed.subarray(0, -3),
  'has a byte flipped in its middle': flipped(packed, packed.length >> 1),
  'is no zstd at all': noise(500, 9),
  'is gzip': gzipSync(bytes),
  'wants a dictionary': compressBytes(bytes, { level: 3, dictionary: older }),
};

/** The package with one encoding for its document, of these bytes. */
async function encodedAs(
  { vendor, published }: AttackedLibrary,
  evil: Uint8Array,
  more?: { readonly windowLog: number },
): Promise<PackageContent> {
  const blob = await vendor.putBytes(evil);
  const encoding: Encoding =
    more === undefined ? { kind: 'zstd', blob } : { kind: 'zstd-patch', blob, base: refOf(older), ...more };
  const document = { schema: 1, segments: [{ segment: refOf(bytes), encodings: [encoding] }] } as const;
  return { ...published.content, encodings: await vendor.putBytes(encodingsFormat.print(document)) };
}

async function comesAsItIs(
  library: AttackedLibrary,
  content: PackageContent,
  evil: Uint8Array,
): Promise<string> {
  const { routes } = await library.fetch(content);
  assert.equal(routes.raw, 1);
  await library.assertComplete();
  await library.assertNothingWrong();
  assert.equal(await library.blobs.has(refOf(evil).sha256), false, 'what is wrong is not kept for children');
  assert.match(library.log.lines.join('\n'), /cannot be had by (?:zstd|patch), trying raw: /);
  return library.log.lines.join('\n');
}

describe('a compressed segment that', () => {
  for (const [name, evil] of Object.entries(frames)) {
    test(`${name} gives way to the segment itself`, async (t) => {
      const library = await attackedLibrary(t, compute, { files: { doc: bytes } });
      const log = await comesAsItIs(library, await encodedAs(library, evil), evil);
      // Cut off while it unpacks, and not only found out afterwards.
      if (name.includes('bomb')) assert.match(log, /unpacks to more than the \d+ bytes it should/);
    });
  }

  for (const [name, rest] of Object.entries({
    'another frame': packed,
    'a bomb': compressBytes(new Uint8Array(50_000_000), { level: 1 }),
    noise: noise(100),
  })) {
    test(`is followed by ${name} gives the segment and nothing more`, async (t) => {
      const library = await attackedLibrary(t, compute, { files: { doc: bytes } });
      await library.fetch(await encodedAs(library, Buffer.concat([packed, rest])));
      await library.assertComplete();
      await library.assertNothingWrong();
    });
  }

  test('is a bomb, with no other way to the segment, is refused, and nothing is kept of it', async (t) => {
    const library = await attackedLibrary(t, compute, { files: { doc: bytes } });
    const bomb = frames['is a bomb of 200 MB'] ?? assert.fail('there');
    const content = await encodedAs(library, bomb);
    library.twists.set(refOf(bytes).sha256, () => (_, response) => response.writeHead(404).end());
    await assert.rejects(library.fetch(content), { code: 'NOT_FOUND' });
    await library.assertNothingWrong();
    assert.equal(await library.blobs.has(refOf(bytes).sha256), false);
    library.twists.clear();
    await library.fetch(content);
    await library.assertComplete();
  });
});

describe('a patch that', () => {
  const patches: Readonly<Record<string, readonly [Uint8Array, number]>> = {
    'builds on other bytes than it says': [
      compressBytes(bytes, { level: 3, windowLog: 22, dictionary: bytes }),
      22,
    ],
    'makes other bytes than it should': [
      compressBytes(flipped(bytes, 70), { level: 3, windowLog: 22, dictionary: older }),
      22,
    ],
    'makes 200 MB': [
      compressBytes(new Uint8Array(200_000_000), { level: 1, windowLog: 22, dictionary: older }),
      22,
    ],
    'wants a larger window than it says': [frame([0x00, 17 << 3], bytes.subarray(0, 100)), 12],
    'wants the largest window there is': [frame([0x00, 0xff], bytes.subarray(0, 100)), 27],
    'is no patch at all': [noise(300, 4), 22],
  };
  for (const [name, [evil, windowLog]] of Object.entries(patches)) {
    test(`${name} gives way to the segment itself, and what it builds on stays`, async (t) => {
      const library = await attackedLibrary(t, compute, { files: { doc: bytes }, held: { doc: older } });
      const log = await comesAsItIs(library, await encodedAs(library, evil, { windowLog }), evil);
      if (name.includes('200 MB')) assert.match(log, /unpacks to more than the \d+ bytes it should/);
      assert.equal(await library.blobs.has(refOf(older).sha256), true);
    });
  }

  test('builds on something that was damaged on disk gives way, and the damaged one goes', async (t) => {
    const base = noise(100_000);
    const library = await attackedLibrary(t, compute, {
      files: { tool: Buffer.concat([base.subarray(0, 50_000), Buffer.of(1, 2, 3), base.subarray(50_000)]) },
      previous: { tool: base },
      held: { tool: base },
    });
    const path = library.blobs.pathOf(refOf(base).sha256);
    await chmod(path, 0o644);
    await writeFile(path, noise(100_000, 5));
    await library.fetch();
    await library.assertComplete();
    await library.assertNothingWrong();
    assert.equal(await library.blobs.has(refOf(base).sha256), false);
  });
});

describe('encodings that', () => {
  for (const [name, document] of Object.entries({
    'are no JSON': '<html>',
    'are another document': '{"schema":1,"files":[]}',
    'want a window of 2^31': JSON.stringify({
      schema: 1,
      segments: [
        {
          segment: refOf(bytes),
          encodings: [{ kind: 'zstd-patch', blob: refOf(packed), base: refOf(older), windowLog: 31 }],
        },
      ],
    }),
    'name a way that nobody knows': JSON.stringify({
      schema: 1,
      segments: [{ segment: refOf(bytes), encodings: [{ kind: 'brotli', blob: refOf(packed) }] }],
    }),
    'speak of another segment': JSON.stringify({
      schema: 1,
      segments: [{ segment: refOf(noise(10)), encodings: [{ kind: 'zstd', blob: refOf(packed) }] }],
    }),
    'are a million brackets': '['.repeat(1_000_000),
  })) {
    test(`${name} cost bytes and not the package`, async (t) => {
      const library = await attackedLibrary(t, compute, { files: { doc: bytes }, held: { doc: older } });
      const encodings = await library.vendor.putBytes(Buffer.from(document));
      const { routes } = await library.fetch({ ...library.published.content, encodings });
      assert.equal(routes.raw, 1);
      await library.assertComplete();
      await library.assertNothingWrong();
    });
  }
});
