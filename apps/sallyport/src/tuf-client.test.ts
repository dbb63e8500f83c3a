import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TestSigner } from '@sallyport/core/domain/trust/test-support/signer';
import { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';

const program = fileURLToPath(new URL('../bin/sallyport.mjs', import.meta.url));

interface Client {
  readonly repo: TufRepository;
  readonly folder: string;
  readonly requests: string[];
  run(...argv: readonly string[]): Promise<{ readonly code: number | null; readonly errors: string }>;
  refresh(): Promise<number | null>;
  download(...names: readonly string[]): Promise<number | null>;
}

/** The command in a process of its own, against a repository on this machine. */
async function client(context: TestContext): Promise<Client> {
  const repo = new TufRepository({ nowMs: Date.now() });
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tuf-client-'));
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    requests.push(path);
    const bytes =
      repo.metadataFiles.get(path.replace('metadata/', '')) ??
      repo.targetFiles.get(path.replace('targets/', ''));
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run: Client['run'] = async (...argv) => {
    const child = spawn(process.execPath, [program, 'tuf-client', ...argv], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (text) => (errors += String(text)));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, errors };
  };
  const metadata = ['--metadata-url', `${base}/metadata`, '--metadata-dir', join(folder, 'trust')];
  await writeFile(join(folder, 'pinned.json'), repo.metadataFiles.get('1.root.json') ?? '');
  const pinned = await run('--metadata-dir', join(folder, 'trust'), 'init', join(folder, 'pinned.json'));
  assert.equal(pinned.code, 0, pinned.errors);
  const codeOf = async (...argv: readonly string[]): Promise<number | null> => (await run(...argv)).code;
  return {
    repo,
    folder,
    requests,
    run,
    refresh: () => codeOf(...metadata, 'refresh'),
    download: (...names) =>
      codeOf(
        ...metadata,
        ...names.flatMap((name) => ['--target-name', name]),
        '--target-dir',
        join(folder, 'out'),
        '--target-base-url',
        `${base}/targets`,
        'download',
      ),
  };
}

test('refreshes, and keeps the bytes that were served', async (context) => {
  const { repo, folder, refresh } = await client(context);
  assert.equal(await refresh(), 0);
  for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
    assert.deepEqual(await readFile(join(folder, 'trust', `${role}.json`)), Buffer.from(repo.bytes(role)));
  }
});

test('ends with exactly 1 and keeps the trusted role when a new one fails', async (context) => {
  const { repo, folder, refresh } = await client(context);
  assert.equal(await refresh(), 0);
  const trusted = await readFile(join(folder, 'trust', 'timestamp.json'));
  repo.signers.set('timestamp', [new TestSigner()]);
  repo.publish('timestamp');
  assert.equal(await refresh(), 1);
  assert.deepEqual(await readFile(join(folder, 'trust', 'timestamp.json')), trusted);
});

test('downloads several targets in order, stops at the first that fails, and asks for none twice', async (context) => {
  const { repo, folder, requests, download } = await client(context);
  repo.addTarget('a/one.txt', Buffer.from('one'));
  repo.addTarget('two.txt', Buffer.from('two'));
  repo.publishTargets();
  assert.equal(await download('a/one.txt', 'missing.txt', 'two.txt'), 1);
  assert.deepEqual(await readdir(join(folder, 'out')), ['a%2Fone.txt']);
  assert.equal(await readFile(join(folder, 'out', 'a%2Fone.txt'), 'utf8'), 'one');
  requests.length = 0;
  assert.equal(await download('a/one.txt', 'two.txt'), 0);
  assert.deepEqual(
    requests.map((path) => path.replace(/[0-9a-f]{64}/, 'digest')),
    ['metadata/2.root.json', 'metadata/timestamp.json', 'targets/digest.two.txt'],
  );
});

test('leaves nothing behind of a target that does not verify', async (context) => {
  const { repo, folder, download } = await client(context);
  repo.addTarget('one.txt', Buffer.from('one'));
  repo.publishTargets();
  for (const name of repo.targetFiles.keys()) {
    repo.targetFiles.set(name, Buffer.from('eno'));
  }
  assert.equal(await download('one.txt'), 1);
  assert.deepEqual(await readdir(join(folder, 'out')), []);
});

test('ends with exactly 1 and says how it is used when it is used wrongly', async (context) => {
  const { run, folder } = await client(context);
  for (const argv of [
    [],
    ['refresh'],
    ['--metadata-dir', folder, 'destroy'],
    ['--metadata-dir', folder, 'refresh'],
    ['--colour', 'blue'],
    ['--metadata-dir', folder, 'init'],
  ]) {
    const { code, errors } = await run(...argv);
    assert.equal(code, 1, errors);
    assert.match(errors, /missing|usage|Unknown option/);
  }
  const { code, errors } = await run('--metadata-dir', folder, 'init', join(folder, 'nowhere.json'));
  assert.equal(code, 1);
  assert.match(errors, /ENOENT.*nowhere\.json/);
});
