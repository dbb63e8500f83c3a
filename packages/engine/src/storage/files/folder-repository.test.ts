import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { RepositorySourceError, type RepositorySourceErrorCode } from '../../ports/repository.ts';
import { FolderRepository } from './folder-repository.ts';

const { signal } = new AbortController();

async function repository(
  context: TestContext,
): Promise<{ readonly folder: string; readonly source: FolderRepository }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-medium-'));
  context.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'metadata'));
  await mkdir(join(folder, 'targets', 'catalog'), { recursive: true });
  return {
    folder,
    source: new FolderRepository({ metadata: join(folder, 'metadata'), targets: join(folder, 'targets') }),
  };
}

async function refuses(work: Promise<unknown>, code: RepositorySourceErrorCode): Promise<void> {
  await assert.rejects(work, (error) => error instanceof RepositorySourceError && error.code === code);
}

test('reads metadata and targets', async (context) => {
  const { folder, source } = await repository(context);
  await writeFile(join(folder, 'metadata', '1.root.json'), 'root');
  await writeFile(join(folder, 'targets', 'catalog', 'x.json'), 'target');
  assert.equal(String(await source.metadata('1.root.json', { maxBytes: 4 }, signal)), 'root');
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await source.target('catalog/x.json', { maxBytes: 6 }, signal)) ?? []) {
    chunks.push(chunk);
  }
  assert.equal(Buffer.concat(chunks).toString(), 'target');
});

test('tells what is not there from what is wrong', async (context) => {
  const { folder, source } = await repository(context);
  assert.equal(await source.metadata('2.root.json', { maxBytes: 10 }, signal), undefined);
  assert.equal(await source.target('nowhere/x.json', { maxBytes: 10 }, signal), undefined);
  assert.equal(await source.target(`${'x'.repeat(300)}.json`, { maxBytes: 10 }, signal), undefined);
  await refuses(source.target('catalog', { maxBytes: 10 }, signal), 'BAD_NAME');
  await writeFile(join(folder, 'metadata', 'timestamp.json'), 'eleven byte');
  await refuses(source.metadata('timestamp.json', { maxBytes: 10 }, signal), 'TOO_LARGE');
});

test('leaves the folder by no name', async (context) => {
  const { folder, source } = await repository(context);
  await writeFile(join(folder, 'secret'), 'x');
  for (const name of [
    '../secret',
    '..',
    '.',
    '',
    '/etc/hostname',
    'a/../../secret',
    '..\\secret',
    'C:x',
    'a\0b',
  ]) {
    await refuses(source.metadata(name, { maxBytes: 10 }, signal), 'BAD_NAME');
    await refuses(source.target(name, { maxBytes: 10 }, signal), 'BAD_NAME');
  }
});

test(
  'follows no link and waits for no pipe',
  { skip: process.platform === 'win32' && 'needs a privilege on Windows' },
  async (context) => {
    const { folder, source } = await repository(context);
    await writeFile(join(folder, 'secret'), 'x');
    await symlink(join(folder, 'secret'), join(folder, 'metadata', 'timestamp.json'));
    await refuses(source.metadata('timestamp.json', { maxBytes: 10 }, signal), 'BAD_NAME');
    execFileSync('mkfifo', [join(folder, 'metadata', '1.root.json')]);
    await refuses(source.metadata('1.root.json', { maxBytes: 10 }, signal), 'BAD_NAME');
  },
);

test('stops when it is told to', async (context) => {
  const { source } = await repository(context);
  await assert.rejects(
    source.metadata('x.json', { maxBytes: 10 }, AbortSignal.abort(new Error('enough'))),
    /enough/,
  );
});
