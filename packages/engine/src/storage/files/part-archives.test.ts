import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { MediumError, type MediumErrorCode } from '@sallyport/core/domain/exchange/medium-error';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { FileMedium } from './file-medium.ts';
import { fileArchives } from './part-archives.ts';
import { tarHeader } from './plain-tar.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function refused(work: () => Promise<unknown>, code: MediumErrorCode): Promise<void> {
  return assert.rejects(work, (error) => error instanceof MediumError && error.code === code);
}

async function made(path: string): Promise<void> {
  await fileArchives.create(path, async (add) => {
    await add('first', bytesOf('one'));
    await add('empty', new Uint8Array());
    await add('long.json', bytesOf('x'.repeat(5000)));
  });
}

describe('a request file', () => {
  test('gives back every part, and any tar program lists it', async (t) => {
    const path = join(await temporaryFolder(t), 'request.tar');
    await made(path);
    const archive = await fileArchives.open(path);
    t.after(() => archive.close());
    assert.deepEqual(
      archive.parts.map(({ name, sizeBytes }) => [name, sizeBytes]),
      [
        ['first', 3],
        ['empty', 0],
        ['long.json', 5000],
      ],
    );
    assert.equal(new TextDecoder().decode(await archive.read('first', 10)), 'one');
    assert.equal((await archive.read('long.json', 5000))?.length, 5000);
    assert.equal(await archive.read('nothing', 10), undefined);
    await refused(() => archive.read('long.json', 4999), 'EDITED');
    assert.equal(execFileSync('tar', ['-tf', path], { encoding: 'utf8' }), 'first\nempty\nlong.json\n');
  });

  test('is never overwritten, and a failure leaves nothing', async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, 'request.tar');
    await writeFile(path, 'mine');
    await refused(() => made(path), 'EXISTS');
    assert.equal(await readFile(path, 'utf8'), 'mine');
    const broken = fileArchives.create(join(folder, 'other'), async (add) => {
      await add('first', bytesOf('one'));
      throw new Error('nothing to say');
    });
    await assert.rejects(broken, /nothing to say/);
    assert.deepEqual(await readdir(folder), ['request.tar']);
  });

  test('cut at any block is told as cut, and altered headers as altered', async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, 'request.tar');
    await made(path);
    const whole = await readFile(path);
    for (let length = 512; length < whole.length - 512; length += 512) {
      await writeFile(path, whole.subarray(0, length));
      await refused(() => fileArchives.open(path), 'TRUNCATED');
    }
    await truncate(path, 0);
    await refused(() => fileArchives.open(path), 'NOT_A_REQUEST');
    await writeFile(path, 'a text that somebody put there, and longer than a block of tar is'.repeat(20));
    await refused(() => fileArchives.open(path), 'NOT_A_REQUEST');
    const link = Buffer.from(whole);
    link[156] = '2'.charCodeAt(0);
    await writeFile(path, link);
    await refused(() => fileArchives.open(path), 'EDITED');
    await writeFile(path, Buffer.concat([tarHeader('a', 0), tarHeader('a', 0), Buffer.alloc(1024)]));
    await refused(() => fileArchives.open(path), 'EDITED');
  });

  test('takes only plain names', () => {
    for (const name of ['../x', '/x', 'a/b', '', '.x', 'A', 'x'.repeat(65)])
      assert.throws(() => tarHeader(name, 1), RangeError, name);
  });
});

describe('a medium', () => {
  test('is read within limits, and only in plain files of plain folders', async (t) => {
    const folder = await temporaryFolder(t);
    const medium = new FileMedium(folder);
    await mkdir(join(folder, 'metadata'));
    await writeFile(join(folder, 'metadata', 'a.json'), '12345');
    assert.equal((await medium.read('metadata/a.json', 5))?.length, 5);
    await refused(() => medium.read('metadata/a.json', 4), 'EDITED');
    assert.equal(await medium.read('metadata/b.json', 4), undefined);
    assert.equal(await medium.read('nowhere/b.json', 4), undefined);
    for (const path of ['../x', 'metadata/../../x', '/etc/passwd', 'a//b', 'c:\\x', 'a/./b'])
      await refused(() => medium.read(path, 10), 'UNSAFE');
    await symlink('/etc/passwd', join(folder, 'metadata', 'link.json'));
    await refused(() => medium.read('metadata/link.json', 10_000), 'UNSAFE');
    await symlink('/etc', join(folder, 'answers'));
    await refused(() => medium.read('answers/passwd', 10_000), 'UNSAFE');
    execFileSync('mkfifo', [join(folder, 'metadata', 'pipe.json')]);
    await refused(() => medium.read('metadata/pipe.json', 10), 'UNSAFE');
    await mkdir(join(folder, 'metadata', 'folder.json'));
    await refused(() => medium.read('metadata/folder.json', 10), 'UNSAFE');
  });

  test('replaces a file whole, also where it may only be read', async (t) => {
    const folder = await temporaryFolder(t);
    const medium = new FileMedium(folder);
    await medium.write('answers/x/answer.json', bytesOf('one'));
    await chmod(join(folder, 'answers', 'x', 'answer.json'), 0o400);
    await medium.write('answers/x/answer.json', bytesOf('two'));
    assert.equal(new TextDecoder().decode(await medium.read('answers/x/answer.json', 10)), 'two');
  });
});
