import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordFields } from '@sallyport/core/domain/sites/record';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import { packageGuid, siteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { replaceKey } from '../../../test-support/replace-key.ts';
import {
  joinedSite,
  startChild,
  startTopTier,
  topTierSite,
  type TestSite,
} from '../../../test-support/site-network.ts';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { fileDatabase, memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { adoptHierarchy } from '../hierarchy-identity/hierarchy-setting.ts';
import { readOnlyReason } from './old-copy.ts';

const guid = packageGuid('11111111-2222-3333-4444-555555555555');

function happen(site: TestSite, event: 'applicable' | 'download-started'): void {
  site.database.write(({ updates }) =>
    updates.append(
      nextEvent(updates.projection(guid, site.code), { guid, site: site.code, event, at: Date.now() }),
    ),
  );
}

function record(fields: Partial<RecordFields> & Pick<RecordFields, 'owner'>): ReplicatedRecord {
  const whole: RecordFields = { kind: 'site-status', key: 'all', epoch: 1, n: 1, body: {}, ...fields };
  return { ...whole, hash: recordHash(whole, nodeDigests.of) };
}

/** A child whose own replication is stopped, so that the test speaks for it over its real link. */
async function mutedChild(
  t: Parameters<typeof topTierSite>[0],
  options: Parameters<typeof topTierSite>[2] = {},
) {
  const top = await topTierSite(t, 'CAS', options);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  const other = await joinedSite(t, top, top, 'P02', 'primary');
  await child.log.line(/Linked with parent/);
  await child.manager.stop();
  const push = (...records: ReplicatedRecord[]) =>
    child.link?.push(
      records,
      child.database.read((tables) => tables.records.head()),
      AbortSignal.timeout(10_000),
    );
  return { top, child, other, push };
}

test('records travel up and down a hierarchy of three sites as soon as they are made', async (t) => {
  const top = await topTierSite(t);
  const primary = await joinedSite(t, top, top, 'P01', 'primary');
  const secondary = await joinedSite(t, top, primary, 'S01', 'secondary');

  happen(secondary, 'applicable');
  await top.until(
    ({ updates }) => updates.projection(guid, secondary.code)?.state === 'APPLICABILITY_SUCCESS',
  );
  assert.equal(
    primary.database.read(({ updates }) => updates.projection(guid, secondary.code)?.state),
    'APPLICABILITY_SUCCESS',
  );

  top.database.write(({ records }) => records.putOwn('site-releases', 'x', { packages: [] }, 1));
  await secondary.until(({ records }) => records.get(top.code, 'site-releases', 'x') !== undefined);
  happen(top, 'applicable');
  await secondary.until(({ updates }) => updates.projection(guid, top.code) !== undefined);
  assert.equal(secondary.manager.query().state, 'running');
  // What a site says of itself goes to those above it only.
  primary.database.write(({ records }) => records.putOwn('site-status', 'all', { ok: 1 }, 1));
  await top.until(({ records }) => records.get(primary.code, 'site-status', 'all') !== undefined);
  assert.equal(
    secondary.database.read(({ records }) => records.list({ kind: 'site-status' }).length),
    0,
  );
  assert.deepEqual(
    top.manager.childLinks().map(({ site, problem }) => ({ site, problem })),
    [{ site: siteCode('P01'), problem: undefined }],
  );
});

test('a child that was away while thousands of records were made catches up, and so does its parent', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  await child.log.line(/Linked with parent/);
  await child.stop();
  const many = 3_000;
  for (const [site, kind] of [
    [top, 'site-releases'],
    [child, 'site-status'],
  ] as const) {
    site.database.write(({ records }) => {
      for (let index = 0; index < many; index += 1) {
        records.putOwn(kind, `k${index}`, { index }, 1);
      }
    });
  }
  const again = await startChild(t, child.code, child.vault, child.database, top);
  await again.until(({ records }) => records.list({ kind: 'site-releases' }).length === many);
  await top.until(({ records }) => records.list({ kind: 'site-status' }).length === many);
});

test('a link comes back by itself when the parent was away, and says meanwhile why and when', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  await child.log.line(/Linked with parent/);
  await top.stop();
  await child.log.line(/is down \(UNREACHABLE\)/);
  const { state, reason, nextAt } = child.manager.query();
  assert.equal(state, 'waiting');
  assert.match(reason, /start its site server, or check address/);
  assert.ok(nextAt !== undefined);
  happen(child, 'applicable');
  const again = await startTopTier(t, top.code, top.vault, top.database, {
    port: Number(top.address.split(':').at(-1)),
  });
  await again.until(({ updates }) => updates.projection(guid, child.code) !== undefined);
});

test('a child that writes for another site or what only the top-tier site may is refused, and nothing of it stays', async (t) => {
  const { top, child, push } = await mutedChild(t);
  const good = record({ owner: child.code });
  const before = top.database.read(({ records }) => records.head());
  await assert.rejects(push(good, record({ owner: siteCode('P02') })) as Promise<void>, {
    code: 'REFUSED',
    message: /may not write records of P02/,
  });
  await assert.rejects(push(record({ owner: siteCode('CAS') })) as Promise<void>, { code: 'REFUSED' });
  await assert.rejects(push(record({ owner: child.code, kind: 'order' })) as Promise<void>, {
    code: 'REFUSED',
  });
  await assert.rejects(push({ ...good, body: { altered: 1 } }) as Promise<void>, {
    code: 'REFUSED',
    message: /altered on the way/,
  });
  await assert.rejects(
    push(record({ owner: child.code, kind: 'update-event', key: 'x', body: { guid } })) as Promise<void>,
    { code: 'REFUSED' },
  );
  assert.equal(
    top.database.read(({ records }) => records.head()),
    before,
  );
  await top.log.line(/Records of child site P01 are refused: .*forged/);
  await push(good);
  assert.equal(
    top.database.read(({ records }) => records.head()),
    before + 1,
  );
});

test('a child cannot fill its parent beyond its quota', async (t) => {
  const { top, child, push } = await mutedChild(t, { quota: { recordsMax: 3, sizeMaxBytes: 1000 } });
  const status = (key: string, body: unknown, n = 1) => record({ owner: child.code, key, body, n });
  await push(status('a', 1), status('b', 2), status('c', 3));
  await assert.rejects(push(status('d', 4)) as Promise<void>, {
    code: 'QUOTA',
    message: /4 records here, and 3 is the limit/,
  });
  await push(status('a', 5, 2));
  await assert.rejects(push(status('a', 'x'.repeat(2000), 3)) as Promise<void>, { code: 'QUOTA' });
  assert.equal(
    top.database.read(({ records }) => records.usage([child.code]).count),
    3,
  );
});

test('one version written twice is a fork: both sides stop, say so, and go on after a restore with a higher epoch', async (t) => {
  const { top, child, push } = await mutedChild(t);
  child.database.write(({ records }) => records.putOwn('site-status', 'all', 'mine', 1));
  await push(record({ owner: child.code, body: 'from the other copy' }));
  await assert.rejects(push(record({ owner: child.code, body: 'mine' })) as Promise<void>, { code: 'FORK' });
  assert.match(
    top.manager.childLinks().find(({ site }) => site === child.code)?.problem ?? '',
    /twice, differently/,
  );

  await child.stop();
  const halted = await startChild(t, child.code, child.vault, child.database, top);
  await halted.log.line(/is down \(FORK\)/);
  assert.equal(halted.manager.query().state, 'failing');
  assert.match(
    halted.manager.query().reason,
    /give the one that goes on a higher epoch with "sallyport site restore"/,
  );
  await halted.stop();

  halted.database.write(({ records }) => records.raiseEpoch(2));
  halted.database.write(({ records }) => records.putOwn('site-status', 'all', 'after the restore', 1));
  const restored = await startChild(t, child.code, child.vault, child.database, top);
  await top.until(
    ({ records }) => records.get(child.code, 'site-status', 'all')?.body === 'after the restore',
  );
  await restored.when(
    () => restored.view.current().roster.sites.find(({ code }) => code === child.code)?.epoch === 2,
  );
});

test('a child on an old copy of its database is found by what it has lost, and taken in again with a higher epoch', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  child.database.write(({ records }) => records.putOwn('site-status', 'all', 1, 1));
  await top.until(({ records }) => records.get(child.code, 'site-status', 'all') !== undefined);
  await child.stop();
  const old = memoryDatabase('P01');
  adoptHierarchy(old, child.view.current().documents);
  const copy = await startChild(t, child.code, child.vault, old, top);
  await copy.log.line(/is down \(FORK\): site P01 has \d+ changes, but CAS has already taken/);
  await top.log.line(/link of child site P01 is refused/);
  await copy.stop();
  old.write(({ records }) => {
    records.raiseEpoch(2);
    records.putOwn('site-status', 'all', 'restored', 1);
  });
  await startChild(t, child.code, child.vault, old, top);
  await top.until(({ records }) => records.get(child.code, 'site-status', 'all')?.body === 'restored');
});

test('an old top-tier site that returns after a restore is not followed, and goes read-only', async (t) => {
  const folder = await temporaryFolder(t);
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  await child.until(({ records }) => records.cursor(top.code) > 0);
  await top.database.backup(join(folder, 'old.db'));
  await top.stop();
  const port = Number(top.address.split(':').at(-1));

  top.database.write(({ records }) => records.raiseEpoch(2));
  const restored = await startTopTier(t, top.code, top.vault, top.database, { port });
  await child.when(
    () => child.view.current().roster.sites.find(({ code }) => code === top.code)?.epoch === 2,
  );
  await restored.stop();

  const old = await startTopTier(t, top.code, top.vault, fileDatabase(join(folder, 'old.db'), 'CAS'), {
    port,
  });
  await old.until((tables) => readOnlyReason(tables) !== undefined);
  await child.log.line(/is down \(READ_ONLY\): site CAS runs in epoch 1, but P01 has seen it in epoch 2/);
  assert.throws(() => old.authority.revokeSite(child.code, 'because'), { code: 'READ_ONLY' });
});

test(
  'a revoked child is cut off at once, with the reason, and its records go no further',
  { timeout: 60_000 },
  async (t) => {
    const top = await topTierSite(t);
    const primary = await joinedSite(t, top, top, 'P01', 'primary');
    const secondary = await joinedSite(t, top, primary, 'S01', 'secondary');
    // It waits for the next record already.
    while (primary.manager.childLinks()[0]?.behind !== 0) {
      await nextTurn();
    }
    top.authority.revokeSite(secondary.code, 'stolen from the branch office');
    await secondary.log.line(/is down \(REVOKED\): site S01 was revoked at .*stolen from the branch office/);
    assert.equal(secondary.manager.query().state, 'failing');
    assert.deepEqual(primary.manager.childLinks(), []);
    assert.equal(
      secondary.view.current().roster.version,
      3,
      'it is given nothing more, not even the roster that shuts it out',
    );
    happen(primary, 'applicable');
    await top.until(({ updates }) => updates.projection(guid, primary.code) !== undefined);
  },
);

test('a successor of the operating key reaches every site, and what the old key signs is refused', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  await replaceKey(top);
  await child.when(() => child.view.current().statement.sequence === 2);
  await child.when(() => child.view.current().roster.version === top.view.current().roster.version);
  const third = await joinedSite(t, top, top, 'P02', 'primary');
  await third.log.line(/Linked with parent/);
});
