import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { hierarchyId, siteCode } from '@sallyport/core/shared/ids';
import { parseJoinToken, printJoinToken } from '@sallyport/core/wire/join';
import {
  joinedSite,
  startChild,
  tokenFor,
  topTierSite,
  tryJoin,
} from '../../../test-support/site-network.ts';
import { MemoryVault } from '../../storage/memory/vault.ts';
import { systemClock } from '../../compute/clock.ts';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { adoptHierarchy } from './hierarchy-setting.ts';

async function refusalOf(
  token: string,
  code: string,
  type: 'primary' | 'secondary',
  vault = new MemoryVault(),
) {
  const { outcome } = await tryJoin(token, code, type, vault);
  assert.equal(outcome.state, 'refused');
  return outcome.state === 'refused' ? outcome : assert.fail();
}

/** A top-tier site whose clock a test can move on. */
async function movableTop(t: TestContext) {
  let aheadMs = 0;
  const top = await topTierSite(t, 'CAS', { clock: { ...systemClock, now: () => Date.now() + aheadMs } });
  return {
    top,
    later: (ms: number) => {
      aheadMs += ms;
    },
  };
}

test('a site joins directly at the top-tier site and pins its hierarchy', async (t) => {
  const top = await topTierSite(t);
  const { outcome } = await tryJoin(tokenFor(top, top, 'P01', 'primary'), 'P01', 'primary');
  assert.equal(outcome.state, 'joined');
  assert.ok(outcome.state === 'joined');
  assert.equal(outcome.hierarchy.hierarchyId, top.view.current().hierarchyId);
  assert.deepEqual(
    outcome.hierarchy.roster.sites.map(({ code, type, parent }) => [code, type, parent]),
    [
      ['CAS', 'central', undefined],
      ['P01', 'primary', 'CAS'],
    ],
  );
});

test('a token is good once: for the same site again it answers the same, for another it is used', async (t) => {
  const top = await topTierSite(t);
  const token = tokenFor(top, top, 'P01', 'primary');
  const { vault } = await tryJoin(token, 'P01', 'primary');
  const { outcome: again } = await tryJoin(token, 'P01', 'primary', vault);
  assert.equal(again.state, 'joined');
  assert.equal((await refusalOf(token, 'P01', 'primary')).code, 'TOKEN_USED');
  assert.equal(top.view.current().roster.version, 2);
});

test('a token that is expired, unknown, altered or of another hierarchy is refused with the reason', async (t) => {
  const { top, later } = await movableTop(t);
  const token = parseJoinToken(tokenFor(top, top, 'P01', 'primary'));
  const altered = printJoinToken({ ...token, secret: 'ab'.repeat(32) });
  assert.equal((await refusalOf(altered, 'P01', 'primary')).code, 'TOKEN_WRONG');
  assert.equal(
    (await refusalOf(printJoinToken({ ...token, id: 'cd'.repeat(16) }), 'P01', 'primary')).code,
    'TOKEN_UNKNOWN',
  );
  assert.equal(
    (
      await refusalOf(
        printJoinToken({ ...token, hierarchyId: hierarchyId('ef'.repeat(32)) }),
        'P01',
        'primary',
      )
    ).code,
    'WRONG_PARENT',
  );
  later(3_600_001);
  assert.match(
    (await refusalOf(printJoinToken(token), 'P01', 'primary')).reason,
    /expired at .* Issue a new one/,
  );
  assert.equal(top.view.current().roster.version, 1);
});

test('a token is for one site code and type', async (t) => {
  const top = await topTierSite(t);
  const token = tokenFor(top, top, 'P01', 'primary');
  assert.equal((await refusalOf(token, 'P02', 'primary')).code, 'TOKEN_MISMATCH');
  assert.match(
    (await refusalOf(token, 'P01', 'secondary')).reason,
    /for site P01 \(primary\), not for P01 \(secondary\)/,
  );
});

test('a code that was taken since, and a copied data folder, are refused', async (t) => {
  const top = await topTierSite(t);
  const first = tokenFor(top, top, 'P01', 'primary');
  const second = tokenFor(top, top, 'P01', 'primary');
  const third = tokenFor(top, top, 'P02', 'primary');
  const { vault } = await tryJoin(first, 'P01', 'primary');
  assert.equal((await refusalOf(second, 'P01', 'primary')).code, 'CODE_TAKEN');
  assert.equal((await refusalOf(third, 'P02', 'primary', vault)).code, 'KEY_TAKEN');
});

test('no token is issued that names a place where no site can be reached', async (t) => {
  const top = await topTierSite(t);
  for (const address of ['x', '1.1.1.1:99999', '1.1.1.1:0', 'a b:1', ':10123', 'host:', 'http://host:1']) {
    assert.throws(
      () => tokenFor(top, { code: top.code, address }, 'P01', 'primary'),
      { code: 'BAD_ADDRESS', message: /is not where a site can be reached: write host:port/ },
      address,
    );
  }
  assert.ok(tokenFor(top, { code: top.code, address: '[::1]:10123' }, 'P01', 'primary'));
});

test('no token is issued for a site that could not stand there', async (t) => {
  const top = await topTierSite(t);
  assert.throws(() => tokenFor(top, top, 'S01', 'secondary'), {
    code: 'PLACEMENT',
    message: /stands under a primary site/,
  });
  assert.throws(() => tokenFor(top, top, 'CAS', 'primary'), { code: 'PLACEMENT', message: /taken/ });
});

test('under a parent that is not the top-tier site, the request travels up and the answer down', async (t) => {
  const { top, later } = await movableTop(t);
  const primary = await joinedSite(t, top, top, 'P01', 'primary');
  const good = tokenFor(top, primary, 'S01', 'secondary');
  const late = tokenFor(top, primary, 'S02', 'secondary');
  const { outcome } = await tryJoin(good, 'S01', 'secondary');
  assert.equal(outcome.state, 'joined');
  assert.equal((await refusalOf(good, 'S01', 'secondary')).code, 'TOKEN_USED');
  later(3_600_001);
  assert.equal((await refusalOf(late, 'S02', 'secondary')).code, 'TOKEN_EXPIRED');
});

test('a parent keeps no more requests than it has room for, and goes on when they are answered', async (t) => {
  const top = await topTierSite(t);
  const primary = await joinedSite(t, top, top, 'P01', 'primary');
  await primary.log.line(/Linked with parent/);
  const token = parseJoinToken(tokenFor(top, primary, 'S01', 'secondary'));
  const request = (index: number) => ({
    schema: 1 as const,
    hierarchyId: token.hierarchyId,
    tokenId: index.toString(16).padStart(32, '0'),
    code: siteCode('S01'),
    type: 'secondary' as const,
    parent: siteCode('P01'),
    key: 'ab'.repeat(32),
    mac: 'cd'.repeat(32),
  });
  await primary.manager.stop();
  const asked = Array.from({ length: 40 }, (_, index) =>
    primary.manager.children.join(request(index), request(index).key),
  );
  assert.ok(asked.every(({ state }) => state === 'pending'));
  assert.equal(
    primary.database.read(({ records }) => records.list({ kind: 'join-request' }).length),
    32,
  );
  assert.match(
    asked.at(-1)?.state === 'pending' ? (asked.at(-1) as { reason: string }).reason : '',
    /waits for answers to 32 requests/,
  );
  await primary.manager.start();
  const { outcome } = await tryJoin(printJoinToken(token), 'S01', 'secondary');
  assert.equal(outcome.state, 'joined');
});

test('a request for another key than the connection proves is refused', async (t) => {
  const top = await topTierSite(t);
  const token = parseJoinToken(tokenFor(top, top, 'P01', 'primary'));
  const { parent, code, type } = token;
  const request = {
    schema: 1 as const,
    hierarchyId: token.hierarchyId,
    tokenId: token.id,
    code,
    type,
    parent,
    key: 'ab'.repeat(32),
    mac: 'cd'.repeat(32),
  };
  assert.deepEqual(top.manager.children.join(request, 'ef'.repeat(32)).state, 'refused');
});

test('a site that joined while its parent was restarted comes up from what it was given', async (t) => {
  const top = await topTierSite(t);
  const { outcome, vault } = await tryJoin(tokenFor(top, top, 'P01', 'primary'), 'P01', 'primary');
  assert.ok(outcome.state === 'joined');
  const database = memoryDatabase('P01');
  adoptHierarchy(database, outcome.hierarchy.documents);
  const site = await startChild(t, siteCode('P01'), vault, database, top);
  await site.log.line(/Linked with parent site CAS/);
});
