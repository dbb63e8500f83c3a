import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { trustStoreSuite } from '../test-support/trust-store-suite.ts';
import { FileTrustStore } from './trust-store.ts';

trustStoreSuite('in files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-trust-'));
  return {
    store: new FileTrustStore(join(folder, 'trust')),
    reopen: () => new FileTrustStore(join(folder, 'trust')),
    close: () => rm(folder, { recursive: true }),
  };
});

test('writes one plain file per role and root version, and leaves nothing else behind', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-trust-'));
  context.after(() => rm(folder, { recursive: true }));
  const store = new FileTrustStore(folder);
  await store.saveRoot(7, Buffer.from('{}'));
  await store.save('timestamp', Buffer.from(' {} '));
  await store.save('../up', Buffer.from('{}'));
  assert.deepEqual((await readdir(folder)).toSorted(), [
    '..%2Fup.json',
    'root.json',
    'root_history',
    'timestamp.json',
  ]);
  assert.deepEqual(await readdir(join(folder, 'root_history')), ['7.root.json']);
  assert.equal(await readFile(join(folder, 'timestamp.json'), 'utf8'), ' {} ');
});

test('sweeps up what a crash left in the middle of a write', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-trust-'));
  context.after(() => rm(folder, { recursive: true }));
  await new FileTrustStore(folder).save('timestamp', Buffer.from('old'));
  await writeFile(join(folder, '.timestamp.json.0000.tmp'), 'half of a n');
  const store = new FileTrustStore(folder);
  assert.equal(Buffer.from((await store.load('timestamp')) ?? []).toString(), 'old');
  await store.save('snapshot', Buffer.from('x'));
  assert.deepEqual((await readdir(folder)).toSorted(), ['root_history', 'snapshot.json', 'timestamp.json']);
});

test('takes a time floor that cannot be read for none', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-trust-'));
  context.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'time-floor'), 'soon');
  const store = new FileTrustStore(folder);
  assert.equal(await store.timeFloor(), 0);
  await store.raiseTimeFloor(5);
  assert.equal(await store.timeFloor(), 5);
});

test('a root that the disk has damaged or lost comes from the history, the newest that is whole', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-trust-'));
  context.after(() => rm(folder, { recursive: true }));
  const store = new FileTrustStore(folder);
  for (const version of [1, 2, 10]) await store.saveRoot(version, Buffer.from(`{"version":${version}}`));
  const root = async (): Promise<string> => Buffer.from((await store.load('root')) ?? []).toString('latin1');
  assert.equal(await root(), '{"version":10}');
  await writeFile(join(folder, 'root.json'), Buffer.from([0x7b, 0xff, 0xfe]));
  assert.equal(await root(), '{"version":10}');
  assert.equal(await readFile(join(folder, 'root.json'), 'latin1'), '{"version":10}', 'it is mended');
  await writeFile(join(folder, 'root.json'), '');
  await writeFile(join(folder, 'root_history', '10.root.json'), '{"version":1');
  assert.equal(await root(), '{"version":2}');
  await rm(join(folder, 'root.json'));
  assert.equal(await root(), '{"version":2}');
  await rm(join(folder, 'root.json'));
  await rm(join(folder, 'root_history'), { recursive: true });
  assert.equal(await store.load('root'), undefined);
});
