import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { parseCatalogue } from '@sallyport/core/wire/catalogue';
import { newCloud, serveStatically } from './test-support/cloud-fixture.ts';
import { OtherClient } from './test-support/tuf-client.ts';
import { testGuid, writePackage } from './test-support/write-package.ts';

const program = new URL('./test-support/dying-program.ts', import.meta.url);

/** Runs the program; it kills itself before its n-th write. Answers whether it came to its end. */
async function run(folder: string, verb: string, dieBefore: number): Promise<boolean> {
  const child = spawn(process.execPath, [program.pathname, folder, verb, String(dieBefore)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.ok(code === 0 || signal === 'SIGKILL', `ended with ${code} ${signal}`);
  return code === 0;
}

/** Kills the work at its every write, in turn; `check` sees the repository after each death and after the repeat. */
async function killEverywhere(
  context: TestContext,
  verb: string,
  check: (client: OtherClient, finished: boolean) => Promise<void>,
): Promise<number> {
  const cloud = await newCloud(context);
  await writePackage(cloud.folder, { guid: testGuid(1), version: '1.0' });
  const root = await readFile(join(cloud.repositoryFolder, 'metadata', '1.root.json'));
  const url = await serveStatically(context, cloud.folder);
  for (let dieBefore = 1; ; dieBefore += 1) {
    const name = `run-${dieBefore}`;
    const folder = join(cloud.folder, name);
    for (const part of ['repository', 'keys', '1.0']) {
      await cp(join(cloud.folder, part), join(folder, part), { recursive: true });
    }
    const customer = await OtherClient.create(context, `${url}/${name}/repository`, root);
    await customer.fetch('service.json');
    const finished = await run(folder, verb, dieBefore);
    // A customer who was there before, and one who comes now.
    await check(customer, finished);
    await check(await OtherClient.create(context, `${url}/${name}/repository`, root), finished);
    if (finished) {
      return dieBefore - 1;
    }
    assert.ok(await run(folder, verb, Infinity), 'the repeat comes to its end');
    await check(customer, true);
    await rm(folder, { recursive: true });
  }
}

test('a publication that is killed anywhere leaves the repository readable, and a repeat finishes it', async (context) => {
  const writes = await killEverywhere(context, 'publish', async (client, finished) => {
    const { packages } = parseCatalogue((await client.fetch('catalog/hello.json')) ?? new Uint8Array());
    assert.ok(packages.length === 1 || (packages.length === 0 && !finished));
    await client.fetch('rollout/hello.json');
  });
  // Two targets, three documents and the timestamp, after the blobs.
  assert.ok(writes >= 6, `${writes} writes`);
});

for (const role of ['root', 'targets', 'snapshot', 'timestamp', 'catalog'] as const) {
  test(`a change of the ${role} keys that is killed anywhere leaves the repository readable, and a repeat finishes it`, async (context) => {
    const writes = await killEverywhere(context, `rotate ${role}`, async (client) => {
      await client.fetch('catalog/hello.json');
    });
    assert.ok(writes >= 3, `${writes} writes`);
  });
}
