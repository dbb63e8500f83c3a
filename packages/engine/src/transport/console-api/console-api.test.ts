import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Type } from 'typebox';
import { SallyportError } from '@sallyport/core/shared/errors';
import { type ApiError, LocalApiClient } from './client.ts';
import { serveLocalApi, type LocalApi, type LocalApiServer } from './server.ts';
import { localSocketPath } from './socket-path.ts';

/** Only root can become somebody else. */
const isRoot = process.getuid?.() === 0;

class Refusal extends SallyportError<'NOT_ALLOWED'> {}

const api: LocalApi = {
  operations: {
    greet: {
      input: Type.Object({ name: Type.String() }),
      handle: (input: { name: string }) => Promise.resolve(`hello ${input.name}`),
    },
    refuse: {
      input: Type.Object({}),
      handle: () => Promise.reject(new Refusal('NOT_ALLOWED', 'not now: wait', { site: 'CAS' })),
    },
    nothing: { input: Type.Object({}), handle: () => Promise.resolve(undefined) },
  },
  async *watch(signal) {
    yield { step: 1 };
    yield { step: 2 };
    if (!signal.aborted) await new Promise<unknown>((resolve) => signal.addEventListener('abort', resolve));
  },
};

async function start(
  context: TestContext,
  served = api,
): Promise<{ server: LocalApiServer; client: LocalApiClient; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-api-'));
  const server = await serveLocalApi(served, localSocketPath(folder));
  const client = new LocalApiClient(server.socketPath, folder);
  context.after(async () => {
    await client.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { server, client, folder };
}

test('answers what the operation answers', async (context) => {
  const { client } = await start(context);
  assert.equal(await client.call('greet', { name: 'Ada' }), 'hello Ada');
  assert.equal(await client.call('nothing'), null);
});

test('a server that does not answer is asked no longer than somebody wants', async (context) => {
  const operations = {
    sleep: { input: Type.Object({}), handle: () => new Promise<never>(() => undefined) },
  };
  const { client } = await start(context, { ...api, operations });
  const given = new AbortController();
  const asked = client.call('sleep', {}, given.signal);
  setImmediate(() => given.abort(new Error('cancelled')));
  await assert.rejects(asked, { message: 'cancelled' });
});

test('another user than the server’s is told so, and not to start it', { skip: !isRoot }, async (context) => {
  const { server, folder } = await start(context);
  const script = `
    const { LocalApiClient } = await import(${JSON.stringify(new URL('client.ts', import.meta.url).href)});
    process.setuid(65534);
    const client = new LocalApiClient(${JSON.stringify(server.socketPath)}, ${JSON.stringify(folder)});
    console.log(await client.call('nothing').catch((error) => error.code + ': ' + error.message));
    process.exit();`;
  const other = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  assert.match(other.stdout, /^NOT_ALLOWED: .*answers its own user only: run the command as the user/);
});

test('checks what was asked as it is: an array of one stays one, and unknown fields are refused', async (context) => {
  const names = Type.Union([Type.Literal('all'), Type.Array(Type.Object({ name: Type.String() }))]);
  const input = Type.Object({ names }, { additionalProperties: false });
  const operations = {
    count: { input, handle: (given: { names: 'all' | object[] }) => Promise.resolve(given.names.length) },
  };
  const { client } = await start(context, { ...api, operations });
  assert.equal(await client.call('count', { names: [{ name: 'Ada' }] }), 1);
  await assert.rejects(client.call('count', { names: 'all', more: 1 }), { code: 'INVALID_REQUEST' });
  await assert.rejects(client.call('count', { names: 'one' }), { code: 'INVALID_REQUEST' });
});

test('passes a refusal on with its code, message and details', async (context) => {
  const { client } = await start(context);
  await assert.rejects(client.call('refuse'), (error: ApiError) => {
    assert.equal(error.code, 'NOT_ALLOWED');
    assert.equal(error.message, 'not now: wait');
    assert.deepEqual(error.details, { site: 'CAS' });
    return true;
  });
});

test('refuses a body that does not fit the schema', async (context) => {
  const { client } = await start(context);
  await assert.rejects(client.call('greet', { name: [] }), { code: 'INVALID_REQUEST' });
});

test('admits the owner only', async (context) => {
  const { server } = await start(context);
  assert.equal(statSync(dirname(server.socketPath)).mode & 0o777, 0o700);
  assert.equal(statSync(server.socketPath).mode & 0o777, 0o600);
});

test('streams values as they come and ends with the server', async (context) => {
  const { server, client } = await start(context);
  const seen: unknown[] = [];
  for await (const value of client.watch(AbortSignal.timeout(10_000))) {
    seen.push(value);
    if (seen.length === 2) await server.close();
  }
  assert.deepEqual(seen, [{ step: 1 }, { step: 2 }]);
});

test('says how to start the server when none listens', async (context) => {
  const { server, client, folder } = await start(context);
  await server.close();
  await assert.rejects(client.call('greet', { name: 'x' }), (error: ApiError) => {
    assert.equal(error.code, 'NO_SERVER');
    assert.match(error.message, new RegExp(`sallyport site run --data ${folder}`));
    return true;
  });
});

test('replaces the socket that a killed server left', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-api-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = localSocketPath(folder);
  mkdirSync(dirname(path));
  writeFileSync(path, '');
  const server = await serveLocalApi(api, path);
  await server.close();
});

test('finds a name short enough for a socket in a deep folder, the same on both sides', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-api-'));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  const deep = join(root, 'd'.repeat(120));
  mkdirSync(deep);
  const path = localSocketPath(deep);
  assert.ok(Buffer.byteLength(path) <= 103);
  assert.equal(localSocketPath(deep), path);
  const probe = createServer();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  probe.listen(path);
  await once(probe, 'listening');
  probe.close();
});
