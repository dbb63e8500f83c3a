import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { never } from '../../../test-support/bytes.ts';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { type BuiltTree, buildTree } from './build-tree.ts';
import { defaultPayloadLimits, type PayloadLimits } from './payload-source.ts';

/** A header and its content as they stand in a tar file, whatever a well-behaved writer would say to it. */
function block(
  name: string | Uint8Array,
  content: string | Uint8Array = '',
  fields: {
    readonly type?: string;
    readonly mode?: string;
    readonly sizeBytes?: number;
    readonly link?: string;
  } = {},
): Buffer {
  const bytes = Buffer.from(content as string);
  const header = Buffer.alloc(512);
  Buffer.from(name as string).copy(header, 0, 0, 100);
  header.write(fields.mode ?? '0000644', 100);
  header.write('0000000\u00000000000', 108);
  header.write((fields.sizeBytes ?? bytes.length).toString(8).padStart(11, '0'), 124);
  header.write('00000000000', 136);
  header.write('        ', 148);
  header.write(fields.type ?? '0', 156);
  header.write(fields.link ?? '', 157);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

const end = Buffer.alloc(1024);

/** One attribute as pax writes it: its own length, then `key=value`. */
function pax(attributes: Readonly<Record<string, string>>, type = 'x'): Buffer {
  const lines = Object.entries(attributes).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = rest.length;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return `${length}${rest}`;
  });
  return block('PaxHeader', lines.join(''), { type });
}

async function builtOf(
  t: TestContext,
  bytes: Uint8Array,
  limits: PayloadLimits = defaultPayloadLimits,
): Promise<BuiltTree> {
  const path = join(await temporaryFolder(t), 'payload.tar');
  await writeFile(path, bytes);
  const blobs = new MemoryBlobs();
  const built = await buildTree({ sources: [{ kind: 'tarball', path }], limits }, { blobs }, never());
  if (built.kind === 'refused')
    assert.deepEqual(await Array.fromAsync(blobs.list()), [], 'nothing is stored');
  return built;
}

function problemOf(built: BuiltTree): string {
  assert.ok(built.kind === 'refused', JSON.stringify(built));
  assert.ok(built.problems.every(({ path, remedy }) => path !== '' && remedy !== ''));
  return built.problems.map(({ problem }) => problem).join('; ');
}

const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    'a pax attribute that leads outside',
    Buffer.concat([pax({ path: '../../evil' }), block('good', 'x'), end]),
    /part "\.\."/,
  ],
  [
    'an absolute pax attribute',
    Buffer.concat([pax({ path: '/etc/evil' }), block('good', 'x'), end]),
    /absolute/,
  ],
  [
    'a GNU long name that leads outside',
    Buffer.concat([
      block('././@LongLink', `${'a/'.repeat(80)}../../evil\0`, { type: 'L' }),
      block('a', 'x'),
      end,
    ]),
    /part "\.\."/,
  ],
  [
    'a hard link out of the archive',
    Buffer.concat([block('passwd', '', { type: '1', link: '/etc/passwd' }), end]),
    /hard link/,
  ],
  [
    'a symbolic link to the folder above',
    Buffer.concat([block('up', '', { type: '2', link: '..' }), block('up/evil', 'x'), end]),
    /symbolic link/,
  ],
  ['a sparse file', Buffer.concat([block('sparse', 'x', { type: 'S' }), end]), /unknown kind/],
  ['a volume label', Buffer.concat([block('label', '', { type: 'V' }), end]), /unknown kind/],
  [
    'a name that is longer than file systems hold',
    Buffer.concat([pax({ path: 'n'.repeat(300) }), block('n', 'x'), end]),
    /longer than 255 bytes/,
  ],
  [
    'a path that is longer than file systems hold',
    Buffer.concat([pax({ path: 'nnnnnnnnn/'.repeat(150) + 'n' }), block('n', 'x'), end]),
    /longer than 1024 bytes/,
  ],
  ['a name that is no UTF-8', Buffer.concat([block(Buffer.from([0x66, 0xff, 0xfe]), 'x'), end]), /not UTF-8/],
  ['a name with a line break', Buffer.concat([block('a\nb', 'x'), end]), /control character/],
  [
    'a size beyond the end of the file',
    Buffer.concat([block('cut', 'x', { sizeBytes: 1_000_000 })]),
    /no complete tar file/,
  ],
  [
    'garbage after its last entry',
    Buffer.concat([block('a', 'x'), Buffer.alloc(512, 'garbage')]),
    /no complete tar file/,
  ],
  [
    'a damaged header',
    Buffer.concat([block('a', 'x'), block('b', 'x').fill(0xff, 100, 108), end]),
    /no complete tar file/,
  ],
];

for (const [what, bytes, expected] of refused) {
  test(`refuses a tarball with ${what}, plain and compressed`, async (t) => {
    assert.match(problemOf(await builtOf(t, bytes)), expected);
    assert.match(problemOf(await builtOf(t, gzipSync(bytes))), expected);
  });
}

test('takes no set-uid bit, owner or wider mode over: only whether a file is executed', async (t) => {
  const built = await builtOf(
    t,
    Buffer.concat([block('tool', 'x', { mode: '0006777' }), block('notes', 'x', { mode: '0000666' }), end]),
  );
  assert.ok(built.kind === 'built');
  assert.deepEqual(
    built.tree.files.map(({ path, mode }) => [path, mode.toString(8)]),
    [
      ['notes', '644'],
      ['tool', '755'],
    ],
  );
});

test('a header that would fill the memory is refused by its size', async (t) => {
  for (const type of ['x', 'g', 'L']) {
    const bomb = block('PaxHeader', 'a'.repeat(1024), { type, sizeBytes: 2 ** 32 });
    assert.match(problemOf(await builtOf(t, gzipSync(bomb))), /cannot be read \(Header exceeds max size\)/);
  }
});

test('entries of nothing end at the limit of their number', async (t) => {
  const many = Buffer.concat(
    Array.from({ length: 3_000 }, (_, index) => block(`d${String(index)}`, '', { type: '5' })),
  );
  const limits = { entriesMax: 1_000, totalBytesMax: 2 ** 30 };
  assert.match(
    problemOf(await builtOf(t, gzipSync(Buffer.concat([many, end])), limits)),
    /beyond the 1000 entries/,
  );
});

test('a second compressed stream behind the first is judged like it', async (t) => {
  const more = gzipSync(Buffer.concat([block('../b', 'x'), end]));
  assert.match(
    problemOf(await builtOf(t, Buffer.concat([gzipSync(Buffer.concat([block('a', 'x'), end])), more]))),
    /part "\.\."/,
  );
});
