import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  reportedSite,
  ReportingHierarchy,
  sealedTo,
} from '@sallyport/engine/cloud/test-support/reporting-hierarchy';
import { HttpVendorExchange } from '@sallyport/engine/transport/exchange-https/client';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const guid = '00000000-0000-4000-8000-000000000001';
const never = new AbortController().signal;

/** The first line of a stream that fits. */
async function lineOf(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<RegExpExecArray> {
  for await (const line of createInterface(stream)) {
    const match = pattern.exec(line);
    if (match !== null) return match;
  }
  throw new Error(`the stream ended without ${pattern}`);
}

test('a running service takes sealed reports, and stops a package that fails by itself', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-serve-'));
  const data = join(folder, 'cloud');
  const env = { ...process.env, SALLYPORT_PASSPHRASE: 'correct horse', SALLYPORT_CLOUD_DATA: data };
  t.after(() => rm(folder, { recursive: true, force: true }));
  const run = (...args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(process.execPath, [main, 'cloud', ...args], { env }, (failure, out) =>
        failure === null ? resolve(out) : reject(failure),
      );
    });
  const few = ['root', 'targets', 'catalogue'].flatMap((role) => [
    `--${role}-keys`,
    '1',
    `--${role}-threshold`,
    '1',
  ]);
  await run('init', '--vendor', 'Example', '--product', 'hello', ...few);
  await mkdir(join(folder, 'payload'));
  await writeFile(join(folder, 'payload', 'hello.txt'), 'hello');
  const lines = [
    'schema: 1',
    `guid: ${guid}`,
    'product: hello',
    'name: Hello 1.1',
    'kind: version-update',
    "version: '1.1'",
    'releasedAt: 2026-01-12',
    'payload: [{ folder: payload }]',
  ];
  await writeFile(join(folder, 'package.yaml'), lines.join('\n'));
  await run('publish', '--percentage', '100', join(folder, 'package.yaml'));
  await run('rollout', '1.1', '--stop-above', '50', '--of-at-least', '1');
  const code = (await run('enrolment-code')).trim();
  const sealKey = JSON.parse(await readFile(join(data, 'keys', 'online', 'seal-1.json'), 'utf8')) as {
    publicKey: string;
  };

  const server = spawn(process.execPath, [main, 'cloud', 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => server.kill('SIGKILL'));
  const stopped = lineOf(server.stderr, /is stopped: Installs failed at 1 of 1 hierarchies/);
  const [, url = ''] = await lineOf(server.stdout, /^listening on (\S+)$/);
  const client = new HttpVendorExchange({ baseUrl: url });
  const hierarchy = new ReportingHierarchy();
  await client.enrol({ code, hierarchyId: hierarchy.id, statement: hierarchy.statement() }, never);
  const row = { package: guid, product: 'hello', version: '1.1', state: 'INSTALL_FAILED', failed: 1 };
  const report = hierarchy.next({ sites: [reportedSite('A', { 'updates.packages': [row] })] });
  const answer = await client.exchange([await sealedTo(sealKey.publicKey, hierarchy.signed(report))], never);
  assert.deepEqual([answer.refused, answer.envelopes.length], [[], 1]);
  await stopped;
  const shown = JSON.parse(await run('show', '--json')) as {
    products: { packages: { stopped?: string }[] }[];
  };
  assert.match(shown.products[0]?.packages[0]?.stopped ?? '', /\(100 %\), above the limit of 50 %/);
  assert.match(await run('usage', 'erase', hierarchy.id), /The bytes are overwritten/, 'beside the service');
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'close'), [0, null]);
});
