import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import { hierarchyId } from '@sallyport/core/shared/ids';
import { CloudError } from '../../../ports/cloud-error.ts';
import { SqliteCloudDatabase } from './cloud-database.ts';

const id = hierarchyId('a'.repeat(64));
const other = hierarchyId('b'.repeat(64));
const code = 'c'.repeat(64);

async function opened(context: TestContext): Promise<{ database: SqliteCloudDatabase; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-cloud-db-'));
  const path = join(folder, 'cloud.db');
  const database = await SqliteCloudDatabase.open(path);
  context.after(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  return { database, path };
}

function enrolment(overrides: Partial<Parameters<SqliteCloudDatabase['enrol']>[0]> = {}) {
  return {
    codeSha256: code,
    hierarchyId: id,
    statement: new Uint8Array([1]),
    statementSequence: 1,
    operatingKey: '1'.repeat(64),
    at: 1000,
    ...overrides,
  };
}

function facts(epoch: number, sequence: number): TargetingFacts {
  return {
    schema: 1,
    hierarchyId: id,
    epoch,
    sequence,
    collectedAt: '2026-01-01T00:00:00Z',
    ring: 'general',
    siteCounts: { central: 1, primary: 0, secondary: 0 },
    products: [],
    platform: { os: 'linux', arch: 'x64' },
  };
}

const payload = (digit: string) => ({ bytes: Buffer.from(digit), sha256: digit.repeat(64) });

test('a code enrols one hierarchy, also when that one asks again, and no other', async (context) => {
  const { database } = await opened(context);
  await database.addCodes([{ sha256: code, createdAt: 1 }]);
  assert.equal(await database.enrol(enrolment()), 'enrolled');
  assert.equal(await database.enrol(enrolment()), 'enrolled');
  assert.equal(await database.enrol(enrolment({ hierarchyId: other })), 'code-used');
  assert.equal((await database.hierarchies()).length, 1);
  assert.equal((await database.codes())[0]?.usedBy, id);
});

test('refuses a code that is unknown or has expired', async (context) => {
  const { database } = await opened(context);
  await database.addCodes([{ sha256: code, createdAt: 1, expiresAt: 1000 }]);
  assert.equal(await database.enrol(enrolment({ codeSha256: 'd'.repeat(64) })), 'code-unknown');
  assert.equal(await database.enrol(enrolment({ at: 1000 })), 'code-expired');
  assert.equal(await database.enrol(enrolment({ at: 999 })), 'enrolled');
  assert.equal(await database.enrol(enrolment({ at: 5000 })), 'enrolled', 'the answer to the first was lost');
});

test('a newer statement of a hierarchy replaces its operating key, an older one does not', async (context) => {
  const { database } = await opened(context);
  await database.addCodes([{ sha256: code, createdAt: 1 }]);
  await database.enrol(enrolment());
  assert.equal(await database.enrol(enrolment({ operatingKey: '2'.repeat(64) })), 'statement-old');
  assert.equal(
    await database.enrol(enrolment({ operatingKey: '2'.repeat(64), statementSequence: 2 })),
    'enrolled',
  );
  assert.equal((await database.hierarchy(id))?.operatingKey, '2'.repeat(64));
  assert.equal(await database.enrol(enrolment()), 'statement-old');
});

test('facts are stored once, and only move forward', async (context) => {
  const { database } = await opened(context);
  await database.addCodes([{ sha256: code, createdAt: 1 }]);
  await database.enrol(enrolment());
  assert.deepEqual(await database.acceptFacts(facts(1, 1), payload('1'), 10), {
    kind: 'accepted',
    acceptedAt: 10,
  });
  assert.deepEqual(await database.acceptFacts(facts(1, 1), payload('1'), 20), {
    kind: 'repeated',
    newest: true,
    acceptedAt: 10,
  });
  assert.deepEqual(await database.acceptFacts(facts(1, 1), payload('2'), 20), { kind: 'conflict' });
  assert.equal((await database.acceptFacts(facts(1, 5), payload('5'), 30)).kind, 'accepted');
  assert.deepEqual(await database.acceptFacts(facts(1, 1), payload('1'), 40), {
    kind: 'repeated',
    newest: false,
    acceptedAt: 10,
  });
  assert.deepEqual(await database.acceptFacts(facts(1, 4), payload('4'), 40), {
    kind: 'older',
    newest: { epoch: 1, sequence: 5 },
  });
  assert.equal(
    (await database.acceptFacts(facts(2, 1), payload('6'), 50)).kind,
    'accepted',
    'a restore begins a higher epoch',
  );
  assert.equal((await database.hierarchies())[0]?.facts?.epoch, 2);
});

test('offer sequences rise without repeating, and survive a reopening', async (context) => {
  const { database, path } = await opened(context);
  await database.addCodes([{ sha256: code, createdAt: 1 }]);
  await database.enrol(enrolment());
  const taken = await Promise.all([1, 2, 3].map(() => database.nextOfferSequence(id)));
  assert.deepEqual(
    taken.toSorted((a, b) => a - b),
    [1, 2, 3],
  );
  const again = await SqliteCloudDatabase.open(path);
  assert.equal(await again.nextOfferSequence(id), 4);
  await again.close();
});

test('processes that start at once on a new database both find its tables', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-cloud-db-'));
  context.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'cloud.db');
  const databases = await Promise.all(Array.from({ length: 5 }, () => SqliteCloudDatabase.open(path)));
  for (const database of databases) {
    assert.deepEqual(await database.codes(), []);
    await database.close();
  }
});

test('refuses the database of a newer program', async (context) => {
  const { path } = await opened(context);
  const raw = new DatabaseSync(path);
  raw.exec("insert into cloud_migration (number, name) values (99, 'later')");
  raw.close();
  await assert.rejects(
    SqliteCloudDatabase.open(path),
    (error) =>
      error instanceof CloudError && error.code === 'BROKEN_DATABASE' && error.message.includes('99'),
  );
});
