import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { digest } from '@sallyport/core/shared/ids';
import { FolderContentSource } from './folder-content.ts';

const held = digest('a'.repeat(64));
const missing = digest('b'.repeat(64));
const linked = digest('c'.repeat(64));

async function medium(context: TestContext): Promise<FolderContentSource> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-medium-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  await writeFile(join(blobs, held), 'content');
  await symlink(join(blobs, held), join(blobs, linked));
  return new FolderContentSource(folder);
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString();
}

test('offers what lies on the medium', async (context) => {
  const source = await medium(context);
  assert.deepEqual([...(await source.offers([held, missing]))], [held]);
});

test('reads from the byte that is asked for', async (context) => {
  const source = await medium(context);
  const { startsAt, chunks } = await source.open({ sha256: held, sizeBytes: 7 }, 3);
  assert.equal(startsAt, 3);
  assert.equal(await textOf(chunks), 'tent');
});

test('never reads beyond the size that is expected', async (context) => {
  const source = await medium(context);
  const { chunks } = await source.open({ sha256: held, sizeBytes: 4 }, 0);
  assert.equal(await textOf(chunks), 'cont');
});

test('says which blob a medium lacks', async (context) => {
  const source = await medium(context);
  await assert.rejects(source.open({ sha256: missing, sizeBytes: 1 }, 0), { code: 'NOT_FOUND' });
});

test('follows no link on a medium', async (context) => {
  const source = await medium(context);
  await assert.rejects(
    source.open({ sha256: linked, sizeBytes: 7 }, 0),
    (error: Error) => error.name === 'ContentError',
  );
});
