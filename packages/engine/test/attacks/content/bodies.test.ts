import assert from 'node:assert/strict';
import { after, describe, test, type TestContext } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { ContentErrorCode } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import {
  assertRefused,
  assertTold,
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

/** A way to answer wrongly, and what must be told of it. */
type Told = readonly [twist: Twist, code: ContentErrorCode, sentence: RegExp];

const altered =
  /^bytes that should be [0-9a-f]{64} are [0-9a-f]{64}: they were altered on the way or on disk/;
const isOfSize = /sends \d+ bytes where \d+ were expected: the server, or something before it/;
const endedEarly = /ended at byte \d+ of \d+: the server, or something before it/;
const standsStill = /sent less than a KiB within \d+ s: the line or the server stands still/;
const isPacked = /comes in content encoding "(?:gzip|br)", which nobody asked for/;

const twisted: Readonly<Record<string, Told>> = {
  'has its first byte flipped': [
    (bytes) => (_, response) => response.end(flipped(bytes, 0)),
    'HASH_MISMATCH',
    altered,
  ],
  'has a byte in its middle flipped': [
    (bytes) => (_, response) => response.end(flipped(bytes, bytes.length >> 1)),
    'HASH_MISMATCH',
    altered,
  ],
  'has its last byte flipped': [
    (bytes) => (_, response) => response.end(flipped(bytes, bytes.length - 1)),
    'HASH_MISMATCH',
    altered,
  ],
  'is a byte too long': [
    (bytes) => (_, response) => response.end(Buffer.concat([bytes, Buffer.of(0)])),
    'SIZE_MISMATCH',
    isOfSize,
  ],
  'is a byte too long, in chunks': [
    (bytes) => (_, response) => {
      response.write(bytes);
      response.end('x');
    },
    'TOO_LARGE',
    /sends more than the \d+ bytes it should/,
  ],
  'is a byte too short': [
    (bytes) => (_, response) => response.end(bytes.subarray(1)),
    'SIZE_MISMATCH',
    isOfSize,
  ],
  'is a byte too short, in chunks': [
    (bytes) => (_, response) => {
      response.write(bytes.subarray(0, -1));
      response.end();
    },
    'CUT_SHORT',
    endedEarly,
  ],
  'is empty': [
    () => (_, response) => response.end(),
    'SIZE_MISMATCH',
    /sends 0 bytes where \d+ were expected/,
  ],
  'is all zeros': [
    (bytes) => (_, response) => response.end(Buffer.alloc(bytes.length)),
    'HASH_MISMATCH',
    altered,
  ],
  'comes packed by gzip': [
    (bytes) => (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)),
    'CORRUPT',
    isPacked,
  ],
  'comes packed by brotli, of the right length': [
    (bytes) => (_, response) =>
      response
        .writeHead(200, { 'content-encoding': 'br', 'content-length': bytes.length })
        .end(
          Buffer.concat([brotliCompressSync(bytes), Buffer.alloc(bytes.length)]).subarray(0, bytes.length),
        ),
    'CORRUPT',
    isPacked,
  ],
  'stands still in its middle': [(bytes) => stalling(bytes, bytes.length >> 1), 'STALLED', standsStill],
  'comes a byte at a time': [(bytes) => dripping(bytes, 20), 'STALLED', standsStill],
  'breaks off in its middle': [
    (bytes) => breakingOff(bytes, bytes.length >> 1),
    'UNREACHABLE',
    /^the connection to \S+ failed \(.+\): check the address, the line and the proxy/,
  ],
  'is an error page': [
    () => (_, response) => response.writeHead(500).end('<html>'),
    'BAD_STATUS',
    /answered 500 where 200 or 206 was expected: check the server/,
  ],
  'is somebody’s sign-in page': [
    () => (_, response) => response.end('<html>Sign in to the guest network</html>'),
    'SIZE_MISMATCH',
    isOfSize,
  ],
  'lies elsewhere': [
    () => (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/x' }).end(),
    'REDIRECTED',
    /sends us to http:\/\/127\.0\.0\.1:9\/x, which is not followed/,
  ],
  'is sent from here to here': [
    () => (request, response) => response.writeHead(302, { location: request.url ?? '/' }).end(),
    'REDIRECTED',
    /is the 4th redirect in a row: check the server/,
  ],
  'lies in a file of this machine': [
    () => (_, response) => response.writeHead(302, { location: 'file:///etc/hostname' }).end(),
    'REDIRECTED',
    /sends us to file:\/\/\/etc\/hostname, which is not followed/,
  ],
};

const endings: readonly (readonly [
  how: string,
  headers: Readonly<Record<string, number>>,
  code: ContentErrorCode,
  sentence: RegExp,
])[] = [
  ['in chunks', {}, 'TOO_LARGE', /sends more than the \d+ bytes it should/],
  [
    'as a terabyte',
    { 'content-length': 2 ** 40 },
    'SIZE_MISMATCH',
    /sends 1099511627776 bytes where \d+ were expected/,
  ],
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
/** Only of a document that is not of the right kind is it known that another fetch will not do better. */
const doneWithout: ReadonlySet<string> = new Set([
  'comes packed by gzip',
  'comes packed by brotli, of the right length',
]);

/** The log says what was wrong with a part that was got around, or done without. */
function assertLogged({ log }: AttackedLibrary, sentence: RegExp): void {
  const warnings = log.lines.filter((line) => line.startsWith('warn '));
  const causes = warnings.map((line) => / (?:trying \S+|come as they are): (.+)$/.exec(line)?.[1] ?? line);
  assert.ok(causes.length > 0, 'nothing is logged');
  for (const cause of causes) assert.match(cause, sentence);
}

for (const part of ['the tree', 'the encodings', 'a segment', 'a compressed segment', 'a patch'] as const) {
  /** A library whose server answers so for the part, and for the other way to it when that is not tried itself. */
  async function attacked(t: TestContext, twist: Twist): Promise<AttackedLibrary> {
    const library = await attackedLibrary(t, compute, { files, previous, held: heldFor(part) });
    library.twists.set(partOf(library, part).sha256, twist);
    if (part === 'a segment') {
      const { zstd } = library.published.segments['more.bin'] ?? assert.fail(part);
      library.twists.set(zstd.sha256, twist);
    }
    return library;
  }

  describe(`when ${part}`, () => {
    for (const [name, [twist, code, sentence]] of Object.entries(twisted)) {
      test(`${name}: nothing wrong becomes visible, the cause is told, and the package comes by another way or from the mended server`, async (t) => {
        const library = await attacked(t, twist);
        const cause = { codes: [code], sentence };
        const failure: unknown = await library.fetch().then(
          () => undefined,
          (error: unknown) => error,
        );
        const isGotAround =
          (hasDetour.has(part) && !lineFaults.has(name)) ||
          (part === 'the encodings' && doneWithout.has(name));
        if (failure !== undefined) assertTold(failure, cause);
        if (!tooLate.has(name)) {
          assert.equal(failure === undefined, isGotAround);
          if (isGotAround) assertLogged(library, sentence);
        }
        for (const retried of library.retried) assertTold(retried, cause);
        await library.assertNothingWrong();
        assert.ok(library.server.requests.length < 60, `${library.server.requests.length} requests`);
        library.twists.clear();
        await library.fetch();
        await library.assertComplete();
      });
    }

    for (const [how, headers, code, sentence] of endings) {
      test(`never ends, ${how}: it is cut off at its size, and the cause is told`, async (t) => {
        const flood = endless(200, headers);
        const library = await attacked(t, () => flood.answer);
        const { sizeBytes } = partOf(library, part);
        if (hasDetour.has(part)) {
          await library.fetch();
          assertLogged(library, sentence);
        } else {
          await assertRefused(library, { codes: [code], sentence });
        }
        await library.assertNothingWrong();
        const requests = library.server.requests.filter(({ path }) =>
          library.twists.has(path.split('/').at(-1) ?? ''),
        ).length;
        assert.ok(requests >= 1 && requests <= 6, `${requests} requests`);
        assert.ok(
          flood.sentBytes() < requests * (sizeBytes + bufferedMaxBytes),
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
    await assertRefused(library, { codes: ['REDIRECTED'], sentence: /which is not followed/ });
  }
  assert.deepEqual(elsewhere.requests, []);
  library.twists.clear();
  await library.fetch();
  await library.assertComplete();
});
