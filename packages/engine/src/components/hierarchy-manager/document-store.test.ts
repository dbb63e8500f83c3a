import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { KeptLog } from '../../../test-support/kept-log.ts';
import { MemoryBlobs } from '../../storage/memory/blobs.ts';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { DocumentStore } from './document-store.ts';

test('documents of a catalogue of any size are parsed once, and forgotten when a look passes without them', async (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  const blobs = new MemoryBlobs();
  const store = new DocumentStore({ database, blobs, log: new KeptLog() });
  // More than any fixed number of entries that such a memory was ever limited to.
  const documents: BlobRef[] = [];
  for (let number = 0; number < 5000; number += 1) {
    documents.push(await blobs.putBytes(new TextEncoder().encode(String(number))));
  }
  let parsed = 0;
  const parse = (bytes: Uint8Array): number => {
    parsed += 1;
    return Number(new TextDecoder().decode(bytes));
  };
  const look = async (wanted: readonly BlobRef[]): Promise<readonly number[]> => {
    store.forgetUnused();
    return Promise.all(wanted.map((blob) => store.read(blob, parse)));
  };
  await look(documents);
  assert.equal((await look(documents)).at(-1), 4999);
  assert.equal(parsed, 5000);

  const [first, ...others] = documents;
  await look(others);
  await look(others);
  assert.equal(parsed, 5000);
  await look(first === undefined ? [] : [first]);
  assert.equal(parsed, 5001);
});

test('a refresh that brings nothing new writes nothing, so that no component is woken for it', async (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  const blobs = new MemoryBlobs();
  const store = new DocumentStore({ database, blobs, log: new KeptLog() });
  const [first, second] = [await blobs.putBytes(Uint8Array.of(1)), await blobs.putBytes(Uint8Array.of(2))];
  let commits = 0;
  database.onCommit(() => (commits += 1));
  store.keepIndex({ 'service.json': first });
  await Promise.resolve();
  assert.equal(commits, 1);
  store.keepIndex({ 'service.json': { ...first } });
  await Promise.resolve();
  assert.equal(commits, 1);
  store.keepIndex({ 'service.json': second });
  await Promise.resolve();
  assert.equal(commits, 2);
  assert.deepEqual(store.index().targets, { 'service.json': second });
});
