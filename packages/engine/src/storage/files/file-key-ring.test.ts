import assert from 'node:assert/strict';
import { verify as verifySignature, createPublicKey } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { nodeKeys } from '../../compute/ed25519.ts';
import { HpkeSealing } from '../../compute/hpke-sealing.ts';
import { CloudError, type CloudErrorCode } from '../../ports/cloud-error.ts';
import { FileKeyRing } from './file-key-ring.ts';

const cost = { memoryKib: 64, passes: 1 };

async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-keys-'));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

function ring(
  folder: string,
  options: { passphrase?: string; offline?: readonly string[] } = {},
): FileKeyRing {
  return new FileKeyRing({
    onlineFolder: join(folder, 'online'),
    offlineFolders: options.offline ?? [join(folder, 'offline')],
    passphrase: async () => options.passphrase ?? 'open sesame',
    keys: nodeKeys,
    sealing: new HpkeSealing(),
    clock: { now: () => 0, sleep: async () => undefined, until: async () => undefined },
    cost,
  });
}

const failsWith = (code: CloudErrorCode) => (error: unknown) =>
  error instanceof CloudError && error.code === code;

function isSignedBy(publicKey: string, message: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(publicKey, 'hex')]);
  return verifySignature(
    null,
    message,
    createPublicKey({ key: der, format: 'der', type: 'spki' }),
    signature,
  );
}

test('an offline key signs with its passphrase, and a wrong one is named as such', async (context) => {
  const folder = await folderFor(context);
  const [publicKey] = await ring(folder).create('root', 1);
  assert.ok(publicKey);
  const [signer] = await ring(folder).signers([publicKey]);
  const message = Buffer.from('message');
  assert.ok(signer && isSignedBy(publicKey, message, signer.sign(message)));
  await assert.rejects(
    ring(folder, { passphrase: 'wrong' }).signers([publicKey]),
    failsWith('WRONG_PASSPHRASE'),
  );
  await assert.rejects(ring(folder, { passphrase: '' }).signers([publicKey]), failsWith('KEYS_MISSING'));
});

test('no private key stands in an offline file, and no file is readable by others', async (context) => {
  const folder = await folderFor(context);
  await ring(folder).create('root', 2);
  await ring(folder).create('snapshot', 1);
  for (const place of ['offline/root-1.json', 'offline/root-2.json', 'online/snapshot-1.json']) {
    const path = join(folder, place);
    if (process.platform !== 'win32') {
      assert.equal((await stat(path)).mode & 0o077, 0, place);
    }
    assert.equal((await readFile(path, 'utf8')).includes('"secret"'), place.startsWith('online'));
  }
  assert.deepEqual(await readdir(join(folder, 'offline')), ['root-1.json', 'root-2.json']);
});

test('every field of an offline key file is held by its seal', async (context) => {
  const folder = await folderFor(context);
  const [publicKey = ''] = await ring(folder).create('root', 1);
  const path = join(folder, 'offline', 'root-1.json');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"role": "root"', '"role": "targets"'));
  await assert.rejects(ring(folder).signers([publicKey]), failsWith('WRONG_PASSPHRASE'));
  await writeFile(path, text.replace('"passes": 1', '"passes": 100000'));
  await assert.rejects(ring(folder).signers([publicKey]), failsWith('BAD_KEY_FILE'));
  await writeFile(path, text.slice(0, -20));
  await assert.rejects(ring(folder).list(), failsWith('BAD_KEY_FILE'));
});

test('keys that were moved away are found where the operator says they are', async (context) => {
  const folder = await folderFor(context);
  const publicKeys = await ring(folder).create('catalog', 2);
  const stick = join(folder, 'stick');
  await rename(join(folder, 'offline'), stick);
  assert.equal((await ring(folder).signers(publicKeys)).length, 0);
  assert.equal(
    (await ring(folder, { offline: [join(folder, 'offline'), stick] }).signers(publicKeys)).length,
    2,
  );
});

test('a new key never takes the name of one that is there', async (context) => {
  const folder = await folderFor(context);
  await ring(folder).create('timestamp', 1);
  const [second = ''] = await ring(folder).create('timestamp', 1);
  assert.deepEqual(
    (await ring(folder).list()).map((key) => key.name),
    ['timestamp-1', 'timestamp-2'],
  );
  await ring(folder).forget(second);
  assert.deepEqual(
    (await ring(folder).list()).map((key) => key.name),
    ['timestamp-1'],
  );
});
