import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { ContentErrorCode } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import {
  assertRefused,
  attackedLibrary,
  type AttackedLibrary,
  type Twist,
} from '../../../test-support/attacked-content.ts';
import { flipped, noise } from '../../../test-support/bytes.ts';
import { breakingOff, dripping, endless, stalling } from '../../../test-support/hostile-answers.ts';
import { loopbackServer } from '../../../test-support/loopback-server.ts';
import { WorkerPool } from '../../../src/compute/worker-pool.ts';

const compute = new WorkerPool({ workers: 1 });
after(() => compute.close());

/** What lies in the buffers of connections at most, beyond what the client has read. */
const bufferedMaxBytes = 8 * 1024 * 1024;

const text = (line: string): Uint8Array => new TextEncoder().encode(`${line}\n`.repeat(8000));
const large = noise(150_000);
const previous = { 'bin/tool': large, doc: text('as it was') };
const files = {
  'bin/tool': Uint8Array.from([...large.subarray(0, 70_000), 1, 2, 3, ...large.subarray(70_000)]),
  doc: text('as it is'),
  'more.bin': noise(90_000, 2),
};

type Part = 'a compressed segment' | 'a patch' | 'a segment' | 'the encodings' | 'the tree';

function partOf({ published }: AttackedLibrary, part: Part): BlobRef {
  const { content, segments } = published;
  const parts: Readonly<Record<Part, BlobRef | undefined>> = {
    'the tree': content.tree,
    'the encodings': content.encodings,
    'a segment': segments['more.bin']?.segment,
    'a compressed segment': segments['doc']?.zstd,
    'a patch': segments['bin/tool']?.patch,
  };
  return parts[part] ?? assert.fail(part);
}

/** What is in the library before, so that the part is on the cheapest way. */
const heldFor = (part: Part): Readonly<Record<string, Uint8Array>> => (part === 'a patch' ? previous : {});

const twisted: Readonly<Record<string, Twist>> = {
  'has its first byte flipped': (bytes) => (_, response) => response.end(flipped(bytes, 0)),
  'has a byte in its middle flipped': (bytes) => (_, response) =>
    response.end(flipped(bytes, bytes.length >> 1)),
  'has its last byte flipped': (bytes) => (_, response) => response.end(flipped(bytes, bytes.length - 1)),
  'is a byte too long': (bytes) => (_, response) => response.end(Buffer.concat([bytes, Buffer.of(0)])),
  'is a byte too long, in chunks': (bytes) => (_, response) => {
    response.write(bytes);
    response.end('x');
  },
  'is a byte too short': (bytes) => (_, response) => response.end(bytes.subarray(1)),
  'is a byte too short, in chunks': (bytes) => (_, response) => {
    response.write(bytes.subarray(0, -1));
    response.end();
  },
  'is empty': () => (_, response) => response.end(),
  'is all zeros': (bytes) => (_, response) => response.end(Buffer.alloc(bytes.length)),
  'comes packed by gzip': (bytes) => (_, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)),
  'comes packed by brotli, of the right length': (bytes) => (_, response) =>
    response
      .writeHead(200, { 'content-encoding': 'br', 'content-length': bytes.length })
      .end(Buffer.concat([brotliCompressSync(bytes), Buffer.alloc(bytes.length)]).subarray(0, bytes.length)),
  'stands still in its middle': (bytes) => stalling(bytes, bytes.length >> 1),
  'comes a byte at a time': (bytes) => dripping(bytes, 20),
  'breaks off in its middle': (bytes) => breakingOff(bytes, bytes.length >> 1),
  'is an error page': () => (_, response) => response.writeHead(500).end('<html>'),
  'is somebody’s sign-in page': () => (_, response) =>
    response.end('<html>Sign in to the guest network</html>'),
  'lies elsewhere': () => (_, response) =>
    response.writeHead(302, { location: 'http://127.0.0.1:9/x' }).end(),
  'is sent from here to here': () => (request, response) =>
    response.writeHead(302, { location: request.url ?? '/' }).end(),
  'lies in a file of this machine': () => (_, response) =>
    response.writeHead(302, { location: 'file:///etc/hostname' }).end(),
};

const refusals: readonly ContentErrorCode[] = [
  'BAD_STATUS',
  'CORRUPT',
  'CUT_SHORT',
  'HASH_MISMATCH',
  'NOT_FOUND',
  'REDIRECTED',
  'SIZE_MISMATCH',
  'STALLED',
  'TOO_LARGE',
  'UNREACHABLE',
];

/** Ways around a part that is wrong, so far as there are: another encoding, or the segment itself. */
const hasDetour: ReadonlySet<Part> = new Set(['a compressed segment', 'a patch']);
/** What a dead or slow line does is not got around by asking the same server for something larger. */
const lineFaults: ReadonlySet<string> = new Set([
  'stands still in its middle',
  'comes a byte at a time',
  'breaks off in its middle',
]);
/** The whole part may have been taken in, and verified, before this is seen. */
const tooLate: ReadonlySet<string> = new Set(['is a byte too long, in chunks']);

for (const part of ['the tree', 'the encodings', 'a segment', 'a compressed segment', 'a patch'] as const) {
  describe(`when ${part}`, () => {
    for (const [name, twist] of Object.entries(twisted)) {
      test(`${name}: nothing wrong becomes visible, and the package comes by another way or from the mended server`, async (t) => {
        const library = await attackedLibrary(t, compute, { files, previous, held: heldFor(part) });
        const { sha256 } = partOf(library, part);
        library.twists.set(sha256, twist);
        if (part === 'a segment') {
          const zstd = library.published.segments['more.bin']?.zstd.sha256 ?? '';
          library.twists.set(zstd, () => (_, response) => response.writeHead(404).end());
        }
        if (hasDetour.has(part) && !lineFaults.has(name)) {
          await library.fetch();
          assert.ok(library.log.lines.length > 0, 'the detour is logged');
        } else {
          const outcome = await library.fetch().then(
            () => 'fetched',
            () => 'refused',
          );
          if (outcome === 'refused') await assertRefused(library, refusals);
          // Only encodings may be done without, and what comes after all of the right bytes changes nothing about them.
          const mayBeFetched = part === 'the encodings' || tooLate.has(name);
          assert.ok(outcome === 'refused' || mayBeFetched, outcome);
        }
        await library.assertNothingWrong();
        assert.ok(library.server.requests.length < 60, `${library.server.requests.length} requests`);
        library.twists.clear();
        await library.fetch();
        await library.assertComplete();
      });
    }

    for (const [how, headers] of [
      ['in chunks', {}],
      ['as a terabyte', { 'content-length': 2 ** 40 }],
    ] as const) {
      test(`never ends, ${how}: it is cut off at its size`, async (t) => {
        const library = await attackedLibrary(t, compute, { files, previous, held: heldFor(part) });
        const blob = partOf(library, part);
        const flood = endless(200, headers);
        library.twists.set(blob.sha256, () => flood.answer);
        await library.fetch().catch(() => undefined);
        await library.assertNothingWrong();
        const requests = library.server.requests.filter(({ path }) => path.endsWith(blob.sha256)).length;
        assert.ok(requests >= 1 && requests <= 6, `${requests} requests`);
        assert.ok(
          flood.sentBytes() < requests * (blob.sizeBytes + bufferedMaxBytes),
          `${flood.sentBytes()} bytes sent`,
        );
        assert.equal(flood.allClosed(), true);
        library.twists.clear();
        await library.fetch();
        await library.assertComplete();
      });
    }
  });
}

test('no server that a redirect names is ever asked for content', async (t) => {
  const elsewhere = await loopbackServer(t, (_, response) => response.end('x'));
  const library = await attackedLibrary(t, compute, { files });
  const { sha256 } = partOf(library, 'the tree');
  for (const status of [301, 302, 303, 307, 308]) {
    library.twists.set(
      sha256,
      () => (_, response) =>
        response.writeHead(status, { location: `${elsewhere.url}blobs/sha256/${sha256}` }).end(),
    );
    await assertRefused(library, ['REDIRECTED']);
  }
  assert.deepEqual(elsewhere.requests, []);
  library.twists.clear();
  await library.fetch();
  await library.assertComplete();
});
