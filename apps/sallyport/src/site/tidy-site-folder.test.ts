import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Log, LogFields } from '@sallyport/engine/ports/log';
import { siteFolders } from './site-config.ts';
import { tidySiteFolder } from './tidy-site-folder.ts';

test('a folder that cannot be tidied, or is no product’s, keeps no site from starting and nothing else untidy', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tidy-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const folders = siteFolders(folder);
  const temporary = '.current.json.0.tmp';
  await mkdir(join(folders.products, 'zulu'), { recursive: true });
  await mkdir(join(folders.products, 'lost+found', '.folder.tmp'), { recursive: true });
  await mkdir(join(folders.scratch, 'x.baseline'), { recursive: true });
  // Nobody can remove folders like files, root included.
  await mkdir(join(folders.products, 'compiler', temporary), { recursive: true });
  await writeFile(join(folders.products, 'zulu', temporary), 'half');
  const warned: unknown[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_: string, fields?: LogFields) => warned.push(fields?.['place']),
    error: () => assert.fail('nothing is broken'),
  };
  await tidySiteFolder(folders, log);
  assert.deepEqual(warned, [join(folders.products, 'compiler')]);
  assert.deepEqual(await readdir(join(folders.products, 'zulu')), []);
  assert.deepEqual(await readdir(join(folders.products, 'lost+found')), ['.folder.tmp']);
  assert.deepEqual(await readdir(folders.scratch), []);
});
