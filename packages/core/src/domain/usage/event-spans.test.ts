import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageGuid, siteCode } from '../../shared/ids.ts';
import type { UpdateEvent, UpdateEventName } from '../updates/event.ts';
import { spansOf } from './event-spans.ts';

function event(name: UpdateEventName, at: number, digit = '0'): UpdateEvent {
  const guid = packageGuid(`00000000-0000-4000-8000-00000000000${digit}`);
  return { guid, site: siteCode('PR1'), attempt: 1, sequence: 1, event: name, at, data: {} };
}

test('pairs each end with the last beginning of the same package', () => {
  const spans = spansOf(
    [
      event('install-started', 10),
      event('install-started', 20, '1'),
      event('install-failed', 25),
      event('install-succeeded', 50, '1'),
      event('install-started', 60),
      event('install-started', 70),
      event('install-succeeded', 75),
    ],
    'install-started',
    ['install-succeeded', 'install-failed'],
  );
  assert.deepEqual(
    spans.map(({ end, ms }) => [end.event, ms]),
    [
      ['install-failed', 15],
      ['install-succeeded', 30],
      ['install-succeeded', 5],
    ],
  );
});

test('leaves out an end without its beginning, and a span over which the clock was set back', () => {
  assert.deepEqual(
    spansOf(
      [event('install-succeeded', 5), event('install-started', 10), event('install-succeeded', 5)],
      'install-started',
      ['install-succeeded'],
    ),
    [],
  );
});
