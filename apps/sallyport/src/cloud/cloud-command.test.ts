import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

class Shell {
  readonly folder: string;
  readonly data: string;
  passphrase: string | undefined = 'correct horse';

  constructor(folder: string) {
    this.folder = folder;
    this.data = join(folder, 'cloud');
  }

  start(...args: readonly string[]): ChildProcess {
    const { SALLYPORT_PASSPHRASE: _, ...env } = process.env;
    return spawn(process.execPath, [main, 'cloud', ...args], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...env,
        SALLYPORT_CLOUD_DATA: this.data,
        ...(this.passphrase === undefined ? {} : { SALLYPORT_PASSPHRASE: this.passphrase }),
      },
    });
  }

  async run(...args: readonly string[]): Promise<Outcome> {
    const child = this.start(...args);
    assert.ok(child.stdout && child.stderr);
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { code, out, err };
  }

  /** Runs something that must go well; answers its JSON. */
  async json(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { code, out, err } = await this.run(...args, '--json');
    assert.equal(code, 0, err);
    return JSON.parse(out) as Record<string, unknown>;
  }
}

async function shell(context: TestContext): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-cli-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return new Shell(folder);
}

async function definition(
  folder: string,
  changes: (text: string) => string = (same) => same,
): Promise<string> {
  await mkdir(join(folder, 'payload'), { recursive: true });
  await writeFile(join(folder, 'payload', 'hello.txt'), 'hello');
  const lines = [
    'schema: 1',
    'guid: 00000000-0000-4000-8000-000000000001',
    'product: hello',
    'name: Hello 1.1',
    'kind: version-update',
    "version: '1.1'",
    'releasedAt: 2026-01-12',
    'payload: [{ folder: payload }]',
    '',
  ];
  await writeFile(join(folder, 'package.yaml'), changes(lines.join('\n')));
  return 'package.yaml';
}

test('a vendor begins, publishes, rolls out and serves by the commands alone', async (context) => {
  const sh = await shell(context);
  const init = await sh.json('init', '--vendor', 'Example', '--product', 'hello:Hello');
  const trustRoot = String(init['trustRoot']);
  assert.ok((await stat(trustRoot)).isFile());
  assert.equal((await stat(sh.data)).mode & 0o077, 0);
  const file = await definition(sh.folder);
  const published = await sh.json('publish', file);
  assert.equal((published['packages'] as { outcome: string }[])[0]?.outcome, 'published');
  assert.deepEqual((await sh.json('rollout', '1.1', '--percentage', '100'))['version'], '1.1');
  const codes = await sh.run('enrolment-code', '--count', '2');
  assert.match(codes.out, /^(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}\n(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}\n$/);
  const shown = await sh.json('show');
  assert.deepEqual(shown['codes'], { used: 0, expired: 0, unused: 2 });

  const server = sh.start('serve');
  context.after(() => server.kill('SIGKILL'));
  assert.ok(server.stdout && server.stderr);
  server.stderr.resume();
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  const url = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1];
  assert.ok(url, line);
  const timestamp = async (): Promise<number> =>
    ((await (await fetch(`${url}/metadata/timestamp.json`)).json()) as { signed: { version: number } }).signed
      .version;
  const before = await timestamp();
  await sh.json('rollout', '1.1', '--hold', 'look first');
  assert.equal(await timestamp(), before + 1, 'what another process published is served at once');
  const catalogue = await (await fetch(`${url}/metadata/2.catalog.json`)).json();
  assert.ok(catalogue);
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'close'), [0, null]);
});

test('a broken definition is told with file, line, column and remedy, on both outputs', async (context) => {
  const sh = await shell(context);
  await sh.json('init', '--vendor', 'Example', '--product', 'hello');
  const file = await definition(sh.folder, (good) =>
    good.replace('kind: version-update', 'kind: update').replace('payload }', 'nowhere }'),
  );
  const { code, out, err } = await sh.run('publish', file, '--json');
  assert.equal(code, 1);
  assert.match(err, /package\.yaml:5:7: "kind" cannot be "update"\. /);
  assert.match(err, /package\.yaml:8:11: .*nowhere cannot be read .*Check that it is there/);
  const { error } = JSON.parse(out) as { error: { code: string; problems: { line: number }[] } };
  assert.deepEqual([error.code, error.problems.map(({ line }) => line)], ['INVALID_DEFINITION', [5, 8]]);
});

test('what cannot be done ends with 1 and a remedy, what cannot be meant with 2', async (context) => {
  const sh = await shell(context);
  const refused = async (code: number, expected: RegExp, ...args: readonly string[]): Promise<void> => {
    const outcome = await sh.run(...args);
    assert.equal(outcome.code, code, `${args.join(' ')}: ${outcome.err}`);
    assert.match(outcome.err, expected);
  };
  await refused(1, /no data folder of a cloud service.*cloud init/, 'show');
  await refused(2, /--vendor/, 'init', '--product', 'hello');
  await refused(2, /unknown command/, 'publsh');
  await refused(1, /is not a product id/, 'init', '--vendor', 'Example', '--product', 'Hello World');
  sh.passphrase = undefined;
  await refused(
    1,
    /needs a passphrase.*--passphrase-file/,
    'init',
    '--vendor',
    'Example',
    '--product',
    'hello',
  );
  await writeFile(join(sh.folder, 'secret'), 'from a file\n');
  await sh.json(
    'init',
    '--vendor',
    'Example',
    '--product',
    'hello',
    '--passphrase-file',
    'secret',
    '--offline-keys',
    'stick',
    '--root-keys',
    '1',
    '--root-threshold',
    '1',
  );
  await refused(
    1,
    /holds a repository already/,
    'init',
    '--vendor',
    'Example',
    '--product',
    'hello',
    '--passphrase-file',
    'secret',
  );
  await refused(2, /whole number from 0 to 100/, 'rollout', '1.0', '--percentage', '101');
  await refused(1, /no package "1\.0" is published/, 'rollout', '1.0', '--percentage', '1');
  const file = await definition(sh.folder);
  sh.passphrase = 'wrong';
  await refused(1, /passphrase does not open .*catalog-1\.json/, 'publish', file);
  await rename(join(sh.folder, 'stick'), join(sh.folder, 'other'));
  await refused(1, /role catalog needs 2 of its 2 keys, and 0 are at hand.*--offline-keys/, 'publish', file);
  await sh.json('publish', file, '--offline-keys', 'other', '--passphrase-file', 'secret');
  await refused(1, /withdrawn|keys/, 'withdraw', '1.1', '--reason', 'bad');
  await refused(1, /nothing\.yaml cannot be read/, 'publish', 'nothing.yaml');
  await refused(1, /cannot listen on 127\.0\.0\.1 port 1\b|cannot listen/, 'serve', '--host', '192.0.2.1');
});
