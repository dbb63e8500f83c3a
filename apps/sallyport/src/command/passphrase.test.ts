import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPassphraseFile } from './passphrase.ts';

test('a passphrase is what its file holds, without the line break at the end', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-passphrase-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'secret');
  await writeFile(file, ' correct horse \r\n');
  assert.equal(await readPassphraseFile(file), ' correct horse ');
});

test('a passphrase file that is not there, or never ends, is told with what to do', async () => {
  await assert.rejects(readPassphraseFile('/none/at/all'), {
    code: 'UNREADABLE',
    message: /the passphrase file \/none\/at\/all cannot be read: it is not there \(ENOENT\); check the name/,
  });
  if (process.platform === 'linux')
    await assert.rejects(readPassphraseFile('/dev/zero'), { code: 'TOO_LARGE' });
});
