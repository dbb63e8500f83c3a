import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeKeys } from '../../compute/ed25519.ts';
import { HpkeSealing } from '../../compute/hpke-sealing.ts';
import { caseFolders } from '../../../test-support/case-folders.ts';
import { failsCleanly } from '../../../test-support/disk-faults.ts';
import { survivesPowerCuts } from '../../../test-support/power-cut-states.ts';
import { StorageError } from '../storage-error.ts';
import { createFileDurably } from './create-file.ts';
import { FileKeyRing } from './file-key-ring.ts';
import { FileVault } from './vault.ts';

const link = new Uint8Array(48).fill(1);
const operating = new Uint8Array(48).fill(2);

const vaultIn = (folder: string): FileVault => new FileVault(join(folder, 'site', 'keys'));

/** As components do it: what is there is used, what is missing is made. */
async function keep(vault: FileVault, name: string, secret: Uint8Array): Promise<void> {
  if ((await vault.load(name)) === undefined) await vault.create(name, secret);
}

async function assertKey(vault: FileVault, name: string, secret: Uint8Array): Promise<void> {
  assert.deepEqual(new Uint8Array((await vault.load(name)) ?? []), secret);
}

/** Nothing but these files, and none that others may read. */
async function assertOnly(folder: string, names: readonly string[]): Promise<void> {
  assert.deepEqual((await readdir(folder)).toSorted(), names);
  if (process.platform === 'win32') return;
  for (const name of names) assert.equal((await stat(join(folder, name))).mode & 0o077, 0);
}

test('a disk that fails anywhere while a key is kept loses no other key, and leaves this one whole or not there', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) => {
      const vault = vaultIn(folder);
      await keep(vault, 'link', link);
      return vault;
    },
    act: (vault) => keep(vault, 'operating', operating),
    holds: async (vault, _folder, outcome) => {
      await assertKey(vault, 'link', link);
      const found = await vault.load('operating');
      if (found !== undefined || outcome === 'succeeded') await assertKey(vault, 'operating', operating);
    },
    ends: async (vault, folder) => {
      await assertKey(vault, 'operating', operating);
      const keys = join(folder, 'site', 'keys');
      // What could not be removed while the disk failed goes when there is another key of that name to keep.
      await assert.rejects(vault.create('operating', operating), { code: 'EXISTS' });
      await assertOnly(keys, ['link.key', 'operating.key']);
    },
  });
});

test('a new file that the disk refused at first can be made afterwards under the same name', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async () => undefined,
    act: async (_, folder) => {
      try {
        await createFileDurably(join(folder, 'usb', 'recovery.pem'), link);
      } catch (failure) {
        if (!(failure instanceof StorageError && failure.code === 'EXISTS')) throw failure;
      }
    },
    holds: async (_, folder, outcome, answered) => {
      const path = join(folder, 'usb', 'recovery.pem');
      const found = await readFile(path).catch(() => undefined);
      if (found !== undefined) assert.deepEqual(new Uint8Array(found), link);
      // A failure that was told leaves the name free: whoever was refused is not told later that it exists. From a disk
      // that became read-only after the name appeared, nobody can take it back.
      if (found === undefined || answered !== 'EROFS') {
        assert.equal(found !== undefined, outcome === 'succeeded');
      }
    },
    ends: async (_, folder) => assertOnly(join(folder, 'usb'), ['recovery.pem']),
  });
});

test('after a power cut every key that was answered for is there and whole, and no beginning of one is taken for a key', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<undefined, string>(await newFolder(), {
    prepare: async () => undefined,
    act: async (_, folder, promise) => {
      const vault = vaultIn(folder);
      await keep(vault, 'link', link);
      promise('link');
      await keep(vault, 'operating', operating);
      promise('operating');
    },
    recovers: async (folder, promised) => {
      const vault = vaultIn(folder);
      const secrets = { link, operating };
      for (const name of ['link', 'operating'] as const) {
        const found = await vault.load(name);
        if (promised.includes(name) || found !== undefined) await assertKey(vault, name, secrets[name]);
        await keep(vault, name, secrets[name]);
        await assertKey(vault, name, secrets[name]);
      }
    },
  });
});

function ringIn(folder: string): FileKeyRing {
  return new FileKeyRing({
    onlineFolder: join(folder, 'keys', 'online'),
    offlineFolders: [join(folder, 'keys', 'offline')],
    passphrase: async () => 'open sesame',
    keys: nodeKeys,
    sealing: new HpkeSealing(),
    clock: { now: () => 0, sleep: async () => undefined, until: async () => undefined },
    cost: { memoryKib: 64, passes: 1 },
  });
}

for (const role of ['root', 'timestamp'] as const) {
  test(`a disk that fails while ${role} keys are made leaves no key that nobody knows of, and all that were there`, async (t) => {
    await failsCleanly(await caseFolders(t), {
      prepare: async (folder) => {
        const ring = ringIn(folder);
        await ring.create(role, 1);
        return ring;
      },
      act: (ring) => ring.create(role, 2),
      holds: async (ring, _folder, outcome, answered) => {
        const held = await ring.list();
        const made = held.length - 1;
        // What a read-only disk does not let go of is a whole key all the same, listed with the others.
        if (outcome === 'succeeded') assert.equal(made, 2);
        else assert.ok(made === 0 || (answered === 'EROFS' && made <= 2), `${made} keys were made`);
        assert.equal((await ring.signers(held.map(({ publicKey }) => publicKey))).length, held.length);
      },
      ends: async (ring, folder, answered) => {
        const { length } = await ring.list();
        assert.ok(length === 3 || length === 5 || (answered === 'EROFS' && length === 4), `${length} keys`);
        // What could not be removed while the disk failed goes with the next keys.
        await ring.create(role, 1);
        for (const kind of ['online', 'offline']) {
          const names = await readdir(join(folder, 'keys', kind)).catch(() => []);
          assert.ok(
            names.every((name) => name.endsWith('.json')),
            names.join(),
          );
        }
      },
    });
  });
}

test('after a power cut every signing key that was answered for opens, and no file looks like a key and is none', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<undefined, string>(await newFolder(), {
    prepare: async () => undefined,
    act: async (_, folder, promise) => {
      const ring = ringIn(folder);
      for (const role of ['root', 'timestamp'] as const) {
        for (const publicKey of await ring.create(role, 1)) promise(publicKey);
      }
    },
    recovers: async (folder, promised) => {
      const ring = ringIn(folder);
      const held = await ring.list();
      assert.equal((await ring.signers(held.map(({ publicKey }) => publicKey))).length, held.length);
      for (const publicKey of promised) assert.ok(held.some((key) => key.publicKey === publicKey));
    },
  });
});
