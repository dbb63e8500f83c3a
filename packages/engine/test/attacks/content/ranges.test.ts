import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { ContentErrorCode } from '@sallyport/core/domain/content/content-error';
import {
  assertRefused,
  assertTold,
  attackedLibrary,
  type AttackedLibrary,
  type Twist,
} from '../../../test-support/attacked-content.ts';
import { flipped, noise } from '../../../test-support/bytes.ts';
import { type Answer, ranged } from '../../../test-support/loopback-server.ts';
import { WorkerPool } from '../../../src/compute/worker-pool.ts';

const compute = new WorkerPool({ workers: 1 });
after(() => compute.close());

const size = 200_000;
const half = size / 2;
const files = { 'bin/tool': noise(size) };
const other = noise(size, 7);

/** A part as a server labels it, whatever it really is. */
function part(
  label: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string | number>> = {},
): Answer {
  return (_, response) => response.writeHead(206, { 'content-range': label, ...headers }).end(body);
}

/** What a server answers when it is asked to go on at the middle. */
const lies: Readonly<Record<string, (bytes: Uint8Array) => Answer>> = {
  'gives the part from the start, and says so': (bytes) =>
    part(`bytes 0-${half - 1}/${size}`, bytes.subarray(0, half)),
  'gives the part from the start, labelled as the one asked for': (bytes) =>
    part(`bytes ${half}-${size - 1}/${size}`, bytes.subarray(0, half)),
  'begins ten bytes too late': (bytes) =>
    part(`bytes ${half + 10}-${size - 1}/${size}`, bytes.subarray(half + 10)),
  'begins ten bytes too early': (bytes) =>
    part(`bytes ${half - 10}-${size - 1}/${size}`, bytes.subarray(half - 10)),
  'begins ten bytes too early, labelled as asked for': (bytes) =>
    part(`bytes ${half}-${size - 1}/${size}`, bytes.subarray(half - 10, size - 10)),
  'gives another file’s part': () => part(`bytes ${half}-${size - 1}/${size}`, other.subarray(half)),
  'gives a part with one bit changed': (bytes) =>
    part(`bytes ${half}-${size - 1}/${size}`, flipped(bytes, size - 1).subarray(half)),
  'gives a part that goes on beyond the end': (bytes) =>
    part(
      `bytes ${half}-${size + 99}/${size + 100}`,
      Buffer.concat([bytes.subarray(half), Buffer.alloc(100)]),
    ),
  'gives more than its label says': (bytes) =>
    part(`bytes ${half}-${size - 1}/${size}`, Buffer.concat([bytes.subarray(half), Buffer.alloc(100)])),
  'says that the whole is longer': (bytes) =>
    part(`bytes ${half}-${size - 1}/${size + 1}`, bytes.subarray(half)),
  'says that the whole is shorter': (bytes) =>
    part(`bytes ${half}-${size - 1}/${half}`, bytes.subarray(half)),
  'gives an empty part': () => part(`bytes ${half}-${half - 1}/${size}`, new Uint8Array()),
  'labels no part at all': (bytes) => (_, response) => response.writeHead(206).end(bytes.subarray(half)),
  'labels in another unit': (bytes) => part(`items ${half}-${size - 1}/${size}`, bytes.subarray(half)),
  'labels with negative numbers': (bytes) => part(`bytes -${half}--1/${size}`, bytes.subarray(half)),
  'labels with numbers beyond 2^53': (bytes) =>
    part(`bytes 9007199254740993-9007199254740994/9007199254740995`, bytes.subarray(half)),
  'labels twice, differently': (bytes) =>
    part(`bytes ${half}-${size - 1}/${size}, bytes 0-${half - 1}/${size}`, bytes.subarray(half)),
  'answers in several parts': (bytes) => (_, response) =>
    response
      .writeHead(206, { 'content-type': 'multipart/byteranges; boundary=x' })
      .end(
        `--x\r\ncontent-range: bytes ${half}-${size - 1}/${size}\r\n\r\n${Buffer.from(bytes.subarray(half)).toString('latin1')}\r\n--x--`,
      ),
  'says that there is nothing more': () => (_, response) =>
    response.writeHead(416, { 'content-range': `bytes */${half}` }).end(),
  'gives the whole with one bit changed': (bytes) => (_, response) =>
    response.writeHead(200, { etag: '"v2"' }).end(flipped(bytes, half + 1)),
  'gives a shorter file': (bytes) => (_, response) =>
    response.writeHead(200, { etag: '"v2"' }).end(bytes.subarray(0, half)),
  'gives another file of the same length': () => (_, response) =>
    response.writeHead(200, { etag: '"v2"' }).end(other),
  'packs the part': (bytes) =>
    part(`bytes ${half}-${size - 1}/${size}`, bytes.subarray(half), { 'content-encoding': 'gzip' }),
};

/** Answers the first `times` attempts to go on in the middle as given, and what else is asked as `whole` says. */
function whenResumed(lie: (bytes: Uint8Array) => Answer, times: number, whole: Twist): Twist {
  let resumed = 0;
  return (bytes, blob) => (request, response) => {
    const isResumed = request.headers.range !== undefined;
    resumed += isResumed ? 1 : 0;
    (isResumed && resumed <= times ? lie(bytes) : whole(bytes, blob))(request, response);
  };
}

/** A download that was cut in the middle; both ways to the segment are twisted, so that no other leads around. */
async function cutDownload({ blobs, published, twists }: AttackedLibrary, twist: Twist): Promise<void> {
  const { segment, zstd } = published.segments['bin/tool'] ?? assert.fail('published');
  const writer = await blobs.resume(segment);
  await writer.write(files['bin/tool'].subarray(0, half));
  await writer.suspend();
  twists.set(segment.sha256, twist);
  twists.set(zstd.sha256, () => (_, response) => response.writeHead(404).end());
}

const gives = (label: string): RegExp =>
  new RegExp(
    `gives "${label}" where bytes from ${half} on were asked for: the server, or something before it`,
  );
const altered =
  /^bytes that should be [0-9a-f]{64} are [0-9a-f]{64}: they were altered on the way or on disk/;

/** What must be told of each lie. */
const told: Readonly<Record<keyof typeof lies, readonly [ContentErrorCode, RegExp]>> = {
  'gives the part from the start, and says so': ['BAD_RANGE', gives('bytes 0-99999/200000')],
  'gives the part from the start, labelled as the one asked for': ['HASH_MISMATCH', altered],
  'begins ten bytes too late': ['BAD_RANGE', gives('bytes 100010-199999/200000')],
  'begins ten bytes too early': ['BAD_RANGE', gives('bytes 99990-199999/200000')],
  'begins ten bytes too early, labelled as asked for': ['HASH_MISMATCH', altered],
  'gives another file’s part': ['HASH_MISMATCH', altered],
  'gives a part with one bit changed': ['HASH_MISMATCH', altered],
  'gives a part that goes on beyond the end': ['BAD_RANGE', gives('bytes 100000-200099/200100')],
  'gives more than its label says': ['TOO_LARGE', /sends more than the 100000 bytes it should/],
  'says that the whole is longer': ['SIZE_MISMATCH', /says that it is 200001 bytes, not 200000/],
  'says that the whole is shorter': ['SIZE_MISMATCH', /says that it is 100000 bytes, not 200000/],
  'gives an empty part': ['BAD_RANGE', gives('bytes 100000-99999/200000')],
  'labels no part at all': ['BAD_RANGE', gives('')],
  'labels in another unit': ['BAD_RANGE', gives('items 100000-199999/200000')],
  'labels with negative numbers': ['BAD_RANGE', gives('bytes -100000--1/200000')],
  'labels with numbers beyond 2^53': [
    'BAD_RANGE',
    gives('bytes 9007199254740993-9007199254740994/9007199254740995'),
  ],
  'labels twice, differently': ['BAD_RANGE', gives('bytes 100000-199999/200000, bytes 0-99999/200000')],
  'answers in several parts': ['BAD_RANGE', gives('')],
  'says that there is nothing more': ['BAD_RANGE', /has no bytes from 100000 on, of 200000/],
  'gives the whole with one bit changed': ['HASH_MISMATCH', altered],
  'gives a shorter file': ['CUT_SHORT', /ended at byte 100000 of 200000/],
  'gives another file of the same length': ['HASH_MISMATCH', altered],
  'packs the part': ['CORRUPT', /comes in content encoding "gzip", which nobody asked for/],
};

/** The first attempt to go on failed because of the lie, and said so. */
function assertLieTold({ retried }: AttackedLibrary, name: string): void {
  const [code, sentence] = told[name] ?? assert.fail(name);
  assertTold(retried[0], { codes: [code], sentence });
}

/** What is logged when the part is given up: the lie, or what the whole was that came after it. */
function inTheEnd(name: string): RegExp {
  const [code, sentence] = told[name] ?? assert.fail(name);
  if (code === 'BAD_RANGE' || code === 'HASH_MISMATCH') return /: bytes that should be [0-9a-f]{64} are /;
  // Of what was too much, none or some may have been kept, and then the label is another's.
  return code === 'TOO_LARGE' ? /sends more than|gives "bytes 100000-199999\/200000"/ : sentence;
}

describe('a download that was cut is finished rightly although the server, once,', () => {
  for (const [name, lie] of Object.entries(lies)) {
    test(name, async (t) => {
      const library = await attackedLibrary(t, compute, { files });
      await cutDownload(
        library,
        whenResumed(lie, 1, (bytes) => ranged(bytes)),
      );
      await library.fetch();
      await library.assertComplete();
      await library.assertNothingWrong();
      assertLieTold(library, name);
      assert.ok(
        library.server.requests.some(({ headers }) => headers.range === `bytes=${half}-`),
        'it was asked to go on where it ended',
      );
    });
  }
});

describe('a download that was cut is given up, and shows nothing wrong, when the server always', () => {
  for (const [name, lie] of Object.entries(lies)) {
    test(name, async (t) => {
      const library = await attackedLibrary(t, compute, { files });
      await cutDownload(
        library,
        whenResumed(lie, Infinity, () => (_, response) => response.end(other)),
      );
      // The other way to the segment is told at last; what was wrong with this one is told before, and logged.
      await assertRefused(library, { codes: ['NOT_FOUND'], sentence: /is not there \(404\)/ });
      assertLieTold(library, name);
      const last = library.log.lines.findLast((line) => line.startsWith('warn ')) ?? '';
      assert.match(last, inTheEnd(name));
      const { segment } = library.published.segments['bin/tool'] ?? assert.fail('published');
      assert.equal(await library.blobs.has(segment.sha256), false);
      assert.ok(library.server.requests.length < 20, `${library.server.requests.length} requests`);
      // An honest server, and all is well.
      library.twists.clear();
      await library.fetch();
      await library.assertComplete();
    });
  }
});

test('a server without ranges that breaks off at the same place for ever is given up after its attempts', async (t) => {
  const library = await attackedLibrary(t, compute, { files });
  let asked = 0;
  await cutDownload(library, (bytes) => (_, response) => {
    asked += 1;
    response.writeHead(200, { 'content-length': size });
    response.write(bytes.subarray(0, half), () => response.destroy());
  });
  await assertRefused(library, {
    codes: ['UNREACHABLE'],
    sentence: /^the connection to \S+ failed \(.+\): check/,
  });
  assert.ok(asked <= 10, `asked ${asked} times`);
  library.twists.clear();
  await library.fetch();
  await library.assertComplete();
});

test('a server that hangs up after each kilobyte is followed to the end, for it gets on', async (t) => {
  const small = { 'bin/tool': noise(20_000) };
  const library = await attackedLibrary(t, compute, { files: small });
  const { segment } = library.published.segments['bin/tool'] ?? assert.fail('published');
  library.twists.set(segment.sha256, (bytes) => (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const label = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': bytes.length - from,
      ...(from > 0 ? label : {}),
    });
    response.write(bytes.subarray(from, from + 1024), () => response.destroy());
  });
  await library.fetch();
  await library.assertComplete();
});

for (const name of [
  'says that there is nothing more',
  'labels no part at all',
  'gives the part from the start, and says so',
  'answers in several parts',
]) {
  test(`a server that always ${name} is asked for the whole`, async (t) => {
    const library = await attackedLibrary(t, compute, { files });
    const lie = lies[name] ?? assert.fail(name);
    await cutDownload(
      library,
      whenResumed(lie, Infinity, (bytes) => ranged(bytes)),
    );
    await library.fetch();
    await library.assertComplete();
  });
}
