import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsagePolicy } from '@sallyport/core/domain/usage/report';
import { days } from '@sallyport/core/shared/units';
import { type CollectorState, corrected, judgeDue } from './collector-state.ts';

const setUpAt = Date.UTC(2026, 0, 1, 9, 30);
const policy: UsagePolicy = { schema: 1, level: 'enhanced', changedAt: '', changedBy: 'set-up', request: 0 };

function state(at?: number, more: Partial<NonNullable<CollectorState['last']>> = {}): CollectorState {
  if (at === undefined) return { schema: 1, setUpAt };
  return {
    schema: 1,
    setUpAt,
    last: { at, ms: 1, level: 'enhanced', request: 0, failedItems: 0, count: 1, ...more },
  };
}

const nextAt = (verdict: ReturnType<typeof judgeDue>) => (verdict.due ? 'now' : verdict.nextAt);

test('the first collection is due a week after the set-up', () => {
  assert.equal(nextAt(judgeDue(state(), policy, setUpAt)), setUpAt + days(7));
  assert.equal(nextAt(judgeDue(state(), policy, setUpAt + days(7) - 1)), setUpAt + days(7));
  assert.equal(nextAt(judgeDue(state(), policy, setUpAt + days(7))), 'now');
});

test('weeks begin at the set-up, whenever the site collected in between', () => {
  const asked = setUpAt + days(9);
  assert.equal(nextAt(judgeDue(state(asked), policy, asked + 1)), setUpAt + days(14));
  assert.equal(nextAt(judgeDue(state(setUpAt + days(7)), policy, setUpAt + days(7))), setUpAt + days(14));
});

test('a site that slept through many weeks collects once', () => {
  const now = setUpAt + days(7 * 30 + 1);
  assert.equal(nextAt(judgeDue(state(setUpAt + days(7)), policy, now)), 'now');
  assert.equal(nextAt(judgeDue(state(now), policy, now)), setUpAt + days(7 * 31));
});

test('another level or request number is due at once, also one that a restored top-tier site counts from again', () => {
  const at = setUpAt + days(1);
  const due = (change: Partial<UsagePolicy>, of = state(at)) =>
    nextAt(judgeDue(of, { ...policy, ...change }, at + 1));
  assert.equal(due({ level: 'basic' }), 'now');
  assert.equal(due({ level: 'full' }), 'now');
  assert.equal(due({ request: 1 }), 'now');
  assert.equal(due({ request: 1 }, state(at, { request: 1 })), setUpAt + days(7));
  assert.equal(due({ request: 1 }, state(at, { request: 4 })), 'now');
  assert.equal(
    due({ level: 'basic' }, state()),
    setUpAt + days(7),
    'nothing is collected that would be wrong',
  );
  assert.equal(due({ request: 1 }, state()), 'now');
});

test('a clock that was set back neither silences the site nor makes it collect', () => {
  const ahead = state(setUpAt + days(5000));
  const now = setUpAt + days(3);
  assert.equal(corrected(ahead, now).last?.at, now);
  assert.equal(nextAt(judgeDue(corrected(ahead, now), policy, now)), setUpAt + days(7));
  const fine = state(now);
  assert.equal(corrected(fine, now), fine);
});

test('a site that was set up by a clock far ahead collects within a week all the same', () => {
  for (const now of [setUpAt - days(4000), setUpAt - 1, setUpAt - days(7)]) {
    const verdict = judgeDue(state(), policy, now);
    assert.ok(!verdict.due && verdict.nextAt > now && verdict.nextAt <= now + days(7));
    const next = judgeDue(state(now), policy, now);
    assert.ok(!next.due && next.nextAt > now && next.nextAt <= now + days(7));
  }
});
