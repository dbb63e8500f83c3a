import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { constants, createZstdCompress } from 'node:zlib';
import fc from 'fast-check';
import type { Compute } from '../src/ports/compute.ts';
import { collected, flipped, never, noise, refOf } from './bytes.ts';
import { contentError } from './content-errors.ts';

/** How the suite makes a `Compute` and reaches the files it works on. */
export interface ComputeUnderTest {
  readonly compute: Compute;
  readonly pathOf: (name: string) => string;
  readonly write: (path: string, bytes: Uint8Array) => Promise<void>;
  /** The bytes of a file, or undefined when there is none. */
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
}

/** The promises of the `Compute` port, to be run on each of its adapters. */
export function computeConformance(kind: string, make: (t: TestContext) => Promise<ComputeUnderTest>): void {
  const older = noise(300_000);
  const newer = Uint8Array.from([
    ...older.subarray(0, 100_000),
    ...noise(500, 9),
    ...older.subarray(100_000),
  ]);
  const text = new TextEncoder().encode('all work and no play makes jack a dull boy\n'.repeat(5000));

  test(`${kind}: names files and bytes by SHA-256 and size`, async (t) => {
    const { compute, pathOf, write } = await make(t);
    for (const bytes of [older, new Uint8Array()]) {
      const path = pathOf(`hashed-${String(bytes.length)}`);
      await write(path, bytes);
      assert.deepEqual(await compute.hashFile(path, never()), refOf(bytes));
      assert.equal(compute.sha256(bytes), refOf(bytes).sha256);
    }
    await assert.rejects(compute.hashFile(pathOf('nowhere'), never()), contentError('NOT_HELD'));
  });

  test(`${kind}: what is compressed unpacks to the same bytes, and equal work gives equal bytes`, async (t) => {
    const { compute, pathOf, write, read } = await make(t);
    await write(pathOf('text'), text);
    const first = await compute.compressFile(
      { source: pathOf('text'), target: pathOf('a'), level: 19 },
      never(),
    );
    const second = await compute.compressFile(
      { source: pathOf('text'), target: pathOf('b'), level: 19 },
      never(),
    );
    assert.deepEqual(second, first);
    assert.ok(first.sizeBytes < 200);
    assert.deepEqual(first, refOf((await read(pathOf('a'))) ?? new Uint8Array()));
    await compute.decompressFile(
      { source: pathOf('a'), target: pathOf('c'), expected: refOf(text) },
      never(),
    );
    assert.deepEqual(await read(pathOf('c')), text);
  });

  test(`${kind}: with the older bytes as dictionary only what is new travels`, async (t) => {
    const { compute, pathOf, write, read } = await make(t);
    await write(pathOf('older'), older);
    await write(pathOf('newer'), newer);
    const work = {
      source: pathOf('newer'),
      target: pathOf('patch'),
      dictionary: pathOf('older'),
      level: 19,
      windowLog: 20,
    };
    const patch = await compute.compressFile(work, never());
    assert.ok(patch.sizeBytes < 2000, `${String(patch.sizeBytes)} bytes`);
    const back = { source: pathOf('patch'), target: pathOf('back'), windowLog: 20, expected: refOf(newer) };
    await compute.decompressFile({ ...back, dictionary: pathOf('older') }, never());
    assert.deepEqual(await read(pathOf('back')), newer);

    await write(pathOf('other'), noise(300_000, 5));
    const wrong = { ...back, target: pathOf('wrong'), dictionary: pathOf('other') };
    await assert.rejects(
      compute.decompressFile(wrong, never()),
      contentError('HASH_MISMATCH', 'CORRUPT', 'SIZE_MISMATCH'),
    );
    assert.equal(await read(pathOf('wrong')), undefined);
  });

  test(`${kind}: output that is longer, shorter, other or damaged is refused and leaves no file`, async (t) => {
    const { compute, pathOf, write, read } = await make(t);
    await write(pathOf('text'), text);
    await compute.compressFile({ source: pathOf('text'), target: pathOf('packed'), level: 3 }, never());
    const packed = (await read(pathOf('packed'))) ?? new Uint8Array();
    await write(pathOf('cut'), packed.subarray(0, packed.length - 5));
    await write(pathOf('plain'), older);
    const cases = [
      { source: 'packed', expected: { ...refOf(text), sizeBytes: 10 }, codes: ['SIZE_MISMATCH'] },
      {
        source: 'packed',
        expected: { ...refOf(text), sizeBytes: text.length + 10 },
        codes: ['SIZE_MISMATCH'],
      },
      { source: 'packed', expected: refOf(flipped(text, 3)), codes: ['HASH_MISMATCH'] },
      { source: 'cut', expected: refOf(text), codes: ['CORRUPT', 'SIZE_MISMATCH'] },
      { source: 'plain', expected: refOf(text), codes: ['CORRUPT'] },
      { source: 'nowhere', expected: refOf(text), codes: ['NOT_HELD'] },
    ] as const;
    for (const { source, expected, codes } of cases) {
      await assert.rejects(
        compute.decompressFile({ source: pathOf(source), target: pathOf('out'), expected }, never()),
        contentError(...codes),
      );
      assert.equal(await read(pathOf('out')), undefined);
    }
  });

  test(`${kind}: a frame that wants more memory than allowed is refused`, async (t) => {
    const { compute, pathOf, write } = await make(t);
    // Packed as a stream, a frame does not name its size: unpacking it takes the window that it asks for.
    const stream = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 23 } });
    stream.write(older);
    stream.end(newer);
    await write(pathOf('packed'), await collected(stream));
    const expected = refOf(Uint8Array.from([...older, ...newer]));
    const work = { source: pathOf('packed'), expected };
    await compute.decompressFile({ ...work, target: pathOf('a'), windowLog: 23 }, never());
    await assert.rejects(
      compute.decompressFile({ ...work, target: pathOf('b'), windowLog: 20 }, never()),
      contentError('CORRUPT'),
    );
  });

  test(`${kind}: patches of any bytes against any bytes restore them`, async (t) => {
    const { compute, pathOf, write, read } = await make(t);
    let count = 0;
    // Also dictionaries that look like zstd's own format, which has its magic number in front.
    const base = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.uint8Array({ maxLength: 40 }).map((rest) => Uint8Array.from([0x37, 0xa4, 0x30, 0xec, ...rest])),
    );
    await fc.assert(
      fc.asyncProperty(base, fc.uint8Array({ minLength: 1, maxLength: 400 }), async (from, to) => {
        count += 1;
        const path = (name: string): string => pathOf(`${name}-${String(count)}`);
        await write(path('from'), from);
        await write(path('to'), to);
        const work = { dictionary: path('from'), windowLog: 11 };
        await compute.compressFile(
          { ...work, source: path('to'), target: path('patch'), level: 19 },
          never(),
        );
        await compute.decompressFile(
          { ...work, source: path('patch'), target: path('back'), expected: refOf(to) },
          never(),
        );
        assert.deepEqual(await read(path('back')), to);
      }),
      { numRuns: 40 },
    );
  });

  test(`${kind}: work that is cancelled beforehand is not begun, and closing twice is harmless`, async (t) => {
    const { compute, pathOf, write } = await make(t);
    await write(pathOf('text'), text);
    const reason = new Error('enough');
    await assert.rejects(compute.hashFile(pathOf('text'), AbortSignal.abort(reason)), reason);
    await compute.close();
    await compute.close();
  });
}
