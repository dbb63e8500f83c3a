import assert from 'node:assert/strict';
import { test } from 'node:test';
import { productId, siteCode } from '@sallyport/core/shared/ids';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import {
  componentsRecordKey,
  type LinkProblem,
  linksRecordKey,
  type NamedStatus,
  OwnRecords,
} from './own-records.ts';
import { MemoryReleases } from './test-support/memory-releases.ts';
import { guidOf } from './test-support/test-vendor.ts';

const code = siteCode('CAS');
const minute = 60_000;

test('what a component waits for travels every five minutes, also after the clock was years ahead; that it fails, at once', (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  let status: NamedStatus = { name: 'A', state: 'waiting', reason: 'first', since: 0 };
  const records = new OwnRecords({
    site: { code, type: 'central' },
    database,
    releases: new MemoryReleases(),
    platform: { os: 'linux', arch: 'x64' },
    components: () => [status],
    linkProblems: () => [],
  });
  const said = (at: number, next: Partial<NamedStatus>): unknown => {
    status = { ...status, ...next };
    records.writeStatus(at);
    return database.read((tables) => tables.records.get(code, 'site-status', componentsRecordKey)?.body);
  };
  const saying = (reason: string, state: NamedStatus['state'] = 'waiting'): unknown => ({
    schema: 1,
    components: [{ name: 'A', state, reason, since: 0 }],
  });
  const ahead = 900 * 1440 * minute;
  assert.deepEqual(said(0, {}), saying('first'));
  assert.deepEqual(said(4 * minute, { reason: 'second' }), saying('first'));
  assert.deepEqual(said(5 * minute, {}), saying('second'));
  assert.deepEqual(said(ahead, { reason: 'years ahead' }), saying('years ahead'));
  assert.deepEqual(said(6 * minute, { reason: 'right again' }), saying('right again'));
  assert.deepEqual(said(7 * minute, { reason: 'breaks', state: 'failing' }), saying('breaks', 'failing'));
});

test('the sites above are told of a link below that is halted, and when it goes again', (t) => {
  const database = memoryDatabase('PR1');
  t.after(() => database.close());
  const site = { code: siteCode('PR1'), type: 'primary', parent: code } as const;
  let problems: readonly LinkProblem[] = [];
  const begun = (): OwnRecords =>
    new OwnRecords({
      site,
      database,
      releases: new MemoryReleases(),
      platform: { os: 'linux', arch: 'x64' },
      components: () => [],
      linkProblems: () => problems,
    });
  const told = (records: OwnRecords): unknown => {
    records.writeLinks(0);
    return database.read((tables) => tables.records.get(site.code, 'site-status', linksRecordKey)?.body);
  };
  assert.equal(told(begun()), undefined, 'nothing to tell');
  problems = [{ site: siteCode('SE1'), problem: 'a fork' }];
  assert.deepEqual(told(begun()), { schema: 1, links: problems });
  problems = [];
  assert.deepEqual(told(begun()), { schema: 1, links: [] }, 'also after a new start');
});

test('a release in force that has gone is named, and so is a pointer', async (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  const releases = new MemoryReleases();
  const product = productId('hello');
  const records = new OwnRecords({
    site: { code, type: 'central' },
    database,
    releases,
    platform: { os: 'linux', arch: 'x64' },
    components: () => [],
    linkProblems: () => [],
  });
  assert.equal(await records.writeFacts(0), undefined, 'nothing was there yet');
  const installed = [guidOf(1)];
  await releases.switchTo({
    product,
    guid: guidOf(1),
    version: '1.0',
    folder: '1.0',
    treeSha256: '0'.repeat(64),
    installed,
  });
  assert.equal(await records.writeFacts(0), undefined);
  const facts = (): unknown =>
    database.read((tables) => tables.records.get(code, 'site-facts', 'facts')?.body);
  const said = facts();
  releases.list = async () => [];
  assert.match((await records.writeFacts(0)) ?? '', /hello\/releases\/1\.0, has gone: put it back/);
  releases.current = async () => undefined;
  assert.match((await records.writeFacts(0)) ?? '', /hello\/current\.json has gone, .*1\.0 was in force/);
  assert.deepEqual(facts(), said, 'what is told above stays');
});
