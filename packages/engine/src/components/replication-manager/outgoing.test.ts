import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordKind } from '@sallyport/core/domain/sites/site';
import { siteCode } from '@sallyport/core/shared/ids';
import type { Change } from '../../ports/site-database.ts';
import { mayGoDown, mayGoUp } from './outgoing.ts';

const [CAS, PR1, SE1] = [siteCode('CAS'), siteCode('PR1'), siteCode('SE1')];

function change({ records = [], updates = [] }: { records?: RecordKind[]; updates?: string[] }): Change {
  return { records: new Set(records), updates: new Set(updates.map(siteCode)), settings: new Set() };
}

test('what comes from above, or is said to those below, is news for them', () => {
  for (const kind of ['roster', 'operating-key', 'order', 'join-answer', 'site-releases'] as const)
    assert.equal(mayGoDown(change({ records: [kind] }), PR1, [CAS]), true, kind);
  for (const kind of ['site-status', 'site-facts', 'join-request'] as const)
    assert.equal(mayGoDown(change({ records: [kind] }), PR1, [CAS]), false, kind);
});

test('what is said to those above is news for them', () => {
  for (const kind of ['site-status', 'site-facts', 'join-request'] as const)
    assert.equal(mayGoUp(change({ records: [kind] }), [CAS]), true, kind);
  for (const kind of ['roster', 'operating-key', 'order', 'join-answer', 'site-releases'] as const)
    assert.equal(mayGoUp(change({ records: [kind] }), [CAS]), false, kind);
});

test('updates go down from a site and those above it, and up from it and those below it', () => {
  const of = (site: string): Change => change({ records: ['update-event'], updates: [site] });
  assert.deepEqual(
    [of('CAS'), of('PR1'), of('SE1')].map((each) => mayGoDown(each, PR1, [CAS])),
    [true, true, false],
  );
  assert.deepEqual(
    [of('CAS'), of('PR1'), of('SE1')].map((each) => mayGoUp(each, [CAS])),
    [false, true, true],
  );
  assert.equal(mayGoUp(of(SE1), [CAS, PR1]), true);
});
