import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Encodings, Tree } from '@sallyport/core/domain/content/tree';
import { encodingsProblems, parseEncodings } from '@sallyport/core/wire/encodings';
import fc from 'fast-check';
import { contentError } from '../../../test-support/content-errors.ts';
import { flipped, never, noise, refOf } from '../../../test-support/bytes.ts';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import type { Compute } from '../../ports/compute.ts';
import { decompressBytes } from '../../compute/zstd.ts';
import { type BuiltEncodings, buildEncodings, type PreviousRelease } from './build-encodings.ts';

type Files = Readonly<Record<string, Uint8Array>>;

const large = noise(50_000);
const edited = Uint8Array.from([...large.subarray(0, 20_000), 7, 7, 7, ...large.subarray(20_000)]);
const text = new TextEncoder().encode('the same line again\n'.repeat(2000));

async function treeOf(blobs: MemoryBlobs, files: Files): Promise<Tree> {
  const listed = [];
  for (const path of Object.keys(files).toSorted()) {
    const segment = await blobs.putBytes(files[path] as Uint8Array);
    listed.push({
      path,
      mode: 0o644 as const,
      ...segment,
      segments: segment.sizeBytes === 0 ? [] : [segment],
    });
  }
  return { schema: 1, files: listed };
}

async function encode(
  blobs: MemoryBlobs,
  tree: Tree,
  previous: readonly PreviousRelease[],
  compute: Compute = new MemoryCompute(blobs),
): Promise<BuiltEncodings> {
  return buildEncodings({ tree, previous }, { blobs, compute }, never());
}

/** Unpacks every encoding and compares it with its segment. */
async function assertProved(blobs: MemoryBlobs, encodings: Encodings): Promise<void> {
  for (const { segment, encodings: ways } of encodings.segments) {
    for (const way of ways) {
      const base =
        way.kind === 'zstd-patch'
          ? { dictionary: await blobs.readBytes(way.base.sha256, 10 ** 8), windowLog: way.windowLog }
          : {};
      const bytes = decompressBytes(await blobs.readBytes(way.blob.sha256, 10 ** 8), {
        sizeMaxBytes: segment.sizeBytes,
        ...base,
      });
      assert.deepEqual(refOf(bytes), segment);
    }
  }
}

const waysOf = (encodings: Encodings, bytes: Uint8Array): readonly string[] =>
  encodings.segments
    .find(({ segment }) => segment.sha256 === refOf(bytes).sha256)
    ?.encodings.map(({ kind }) => kind) ?? [];

test('segments get what saves bytes: compressed, patched, both or nothing', async () => {
  const blobs = new MemoryBlobs();
  const previous = [{ tree: await treeOf(blobs, { a: large, text, tiny: noise(20, 5) }) }];
  const grown = new TextEncoder().encode(`${'the same line again\n'.repeat(2000)}and another`);
  const tree = await treeOf(blobs, {
    a: edited,
    new: noise(10_000, 4),
    text: grown,
    tiny: noise(21, 5),
    empty: new Uint8Array(),
  });
  const { encodings, ref, stats } = await encode(blobs, tree, previous);
  assert.deepEqual(waysOf(encodings, edited), ['zstd-patch']);
  assert.deepEqual(waysOf(encodings, noise(10_000, 4)), []);
  assert.deepEqual(waysOf(encodings, noise(21, 5)), []);
  assert.deepEqual(waysOf(encodings, grown), ['zstd']);
  await assertProved(blobs, encodings);
  assert.deepEqual(parseEncodings(await blobs.readBytes(ref.sha256, 10 ** 6)), encodings);
  assert.deepEqual(encodingsProblems(encodings, tree), []);
  assert.deepEqual([stats.segments, stats.patches, stats.reused], [4, 1, 0]);
  const [patched] = encodings.segments
    .flatMap((entry) => entry.encodings)
    .filter(({ kind }) => kind === 'zstd-patch');
  assert.ok(patched !== undefined && patched.blob.sizeBytes < 200);
  const packed =
    encodings.segments.find(({ segment }) => segment.sha256 === refOf(grown).sha256)?.encodings[0]?.blob
      .sizeBytes ?? 0;
  assert.deepEqual(stats.updateBytes, [patched.blob.sizeBytes + packed + 10_000 + 21]);
  assert.equal(stats.wholeBytes, edited.length + packed + 10_000 + 21);
});

test('the same input gives the same bytes', async () => {
  const once = async (): Promise<BuiltEncodings> => {
    const blobs = new MemoryBlobs();
    const previous = [{ tree: await treeOf(blobs, { a: large, b: text }) }];
    return encode(
      blobs,
      await treeOf(blobs, { a: edited, b: Uint8Array.from([...text, 1]), c: noise(900, 8) }),
      previous,
    );
  };
  assert.deepEqual((await once()).ref, (await once()).ref);
});

test('what earlier releases had is taken over, with the same result', async () => {
  const blobs = new MemoryBlobs();
  const first = await treeOf(blobs, { a: large, text });
  const second = await treeOf(blobs, { a: edited, text });
  const third = await treeOf(blobs, { a: edited, text, more: noise(900, 8) });
  const firstEncodings = await encode(blobs, first, []);
  const secondEncodings = await encode(blobs, second, [{ tree: first, encodings: firstEncodings.encodings }]);
  const fresh = await encode(blobs, third, [{ tree: second }, { tree: first }]);
  const reusing = await encode(blobs, third, [
    { tree: second, encodings: secondEncodings.encodings },
    { tree: first, encodings: firstEncodings.encodings },
  ]);
  assert.deepEqual(reusing.ref, fresh.ref);
  assert.deepEqual([fresh.stats.reused, reusing.stats.reused], [0, 2]);
  assert.equal(secondEncodings.stats.reused, 1);
});

test('a patch that does not restore the right bytes is never published', async () => {
  const blobs = new MemoryBlobs();
  const previous = [{ tree: await treeOf(blobs, { a: large }) }];
  const tree = await treeOf(blobs, { a: edited });
  const honest = new MemoryCompute(blobs);
  const broken: Compute = {
    hashFile: (path, signal) => honest.hashFile(path, signal),
    sha256: (bytes) => honest.sha256(bytes),
    close: () => honest.close(),
    decompressFile: (work, signal) => honest.decompressFile(work, signal),
    // Patches against other bytes than those of the base.
    compressFile: async (work, signal) => {
      if (work.dictionary !== undefined) {
        blobs.files.set('memory:other', Uint8Array.from([...large, 1]));
        return honest.compressFile({ ...work, source: 'memory:other' }, signal);
      }
      return honest.compressFile(work, signal);
    },
  };
  const packed = Uint8Array.from(edited);
  const { encodings } = await encode(blobs, tree, previous, broken);
  assert.deepEqual(waysOf(encodings, packed), []);
});

test('bases that are not held, or were damaged on disk, give no patches', async () => {
  const blobs = new MemoryBlobs();
  const previous = [{ tree: await treeOf(blobs, { a: large }) }];
  const tree = await treeOf(blobs, { a: edited });
  blobs.files.set(blobs.pathOf(refOf(large).sha256), flipped(large, 7));
  assert.equal((await encode(blobs, tree, previous)).stats.patches, 0);
  await blobs.remove(refOf(large).sha256);
  assert.equal((await encode(blobs, tree, previous)).stats.patches, 0);
});

test('a segment that was damaged on disk, or is missing, stops publishing', async () => {
  const blobs = new MemoryBlobs();
  const tree = await treeOf(blobs, { text });
  blobs.files.set(blobs.pathOf(refOf(text).sha256), flipped(text, 7));
  await assert.rejects(encode(blobs, tree, []), contentError('HASH_MISMATCH'));
  await blobs.remove(refOf(text).sha256);
  await assert.rejects(encode(blobs, tree, []), contentError('NOT_HELD'));
});

test('cancelling ends it, and leaves only proved blobs', async () => {
  const blobs = new MemoryBlobs();
  const tree = await treeOf(blobs, { text });
  const reason = new Error('enough');
  await assert.rejects(
    buildEncodings(
      { tree, previous: [] },
      { blobs, compute: new MemoryCompute(blobs) },
      AbortSignal.abort(reason),
    ),
    reason,
  );
  assert.equal((await Array.fromAsync(blobs.list())).length, 1);
});

test('whatever changes between releases, every encoding restores its segment', async () => {
  const lines = fc
    .array(fc.constantFrom('alpha', 'beta', 'gamma', 'delta\n'), { minLength: 1, maxLength: 200 })
    .map((words) => Buffer.from(words.join(' ').repeat(8)));
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom('a', 'b1', 'b2', 'c/d'), lines),
      fc.dictionary(fc.constantFrom('a', 'b1', 'b3', 'd'), lines),
      async (before, after) => {
        const blobs = new MemoryBlobs();
        const previous = [{ tree: await treeOf(blobs, before) }];
        const tree = await treeOf(blobs, after);
        const { encodings, stats } = await encode(blobs, tree, previous);
        await assertProved(blobs, encodings);
        assert.deepEqual(encodingsProblems(encodings, tree), []);
        assert.ok((stats.updateBytes[0] ?? 0) <= stats.wholeBytes);
      },
    ),
    { numRuns: 15 },
  );
});
