import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { secretOf, type SecretOption } from './secret.ts';

function token(word: string | undefined, file: string | undefined): SecretOption {
  return { what: 'join token', word, file, wordOption: '--join', fileOption: '--token-file' };
}

test('a word is taken from where the command line says, without the line break behind it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-secret-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'token');
  await writeFile(file, 'the-word\r\n');
  assert.equal(await secretOf(token(undefined, file)), 'the-word');
  assert.equal(await secretOf(token('the-word', undefined)), 'the-word');
  assert.equal(await secretOf(token(undefined, undefined)), undefined);
  await writeFile(file, ' \n');
  await assert.rejects(secretOf(token(undefined, file)), {
    code: 'EMPTY',
    message: /token has no join token in it: write it there, on one line/,
  });
  await assert.rejects(secretOf(token('the-word', file)), {
    code: 'TWICE',
    message: /given twice: leave out --join or --token-file/,
  });
});

test('what is no such file is told, and what never ends is given up', async () => {
  for (const [file, code, message] of [
    [
      '/nowhere/token',
      'UNREADABLE',
      /the file of the join token \/nowhere\/token cannot be read: it is not there \(ENOENT\)/,
    ],
    [tmpdir(), 'UNREADABLE', /\(EISDIR\); name a file/],
    ['/dev/zero', 'TOO_LARGE', /\/dev\/zero is larger than the .* that it may have: name another file/],
  ] as const) {
    await assert.rejects(secretOf(token(undefined, file)), { code, message });
  }
});
