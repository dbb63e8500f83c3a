import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { days, hours, minutes } from '../../shared/units.ts';
import {
  isOpen,
  nextOpening,
  type ServiceWindow,
  serviceWindowProblems,
  weekdays,
  windowAt,
} from './service-window.ts';

function at(text: string): number {
  return Date.parse(text);
}

function window(change: Partial<ServiceWindow>): ServiceWindow {
  return { days: ['saturday'], startsAt: '02:00', durationMinutes: 240, timeZone: 'UTC', ...change };
}

function iso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

test('is always open without windows', () => {
  assert.deepEqual(windowAt([], 0), { open: true });
  assert.equal(nextOpening([], 5), 5);
});

test('opens at its start, and is closed again at its end', () => {
  const saturday = [window({})];
  assert.equal(isOpen(saturday, at('2025-09-06T01:59:59.999Z')), false);
  assert.deepEqual(windowAt(saturday, at('2025-09-06T02:00:00Z')), {
    open: true,
    closesAt: at('2025-09-06T06:00:00Z'),
  });
  assert.equal(isOpen(saturday, at('2025-09-06T05:59:59.999Z')), true);
  assert.deepEqual(windowAt(saturday, at('2025-09-06T06:00:00Z')), {
    open: false,
    nextAt: at('2025-09-13T02:00:00Z'),
  });
});

test('lasts across midnight and into the next week', () => {
  const late = [window({ days: ['sunday'], startsAt: '23:00', durationMinutes: 180 })];
  assert.equal(isOpen(late, at('2025-09-08T01:59:00Z')), true);
  assert.equal(isOpen(late, at('2025-09-08T02:00:00Z')), false);
  const week = [window({ days: ['wednesday'], startsAt: '12:00', durationMinutes: 7 * 24 * 60 })];
  assert.equal(isOpen(week, at('2025-09-09T11:00:00Z')), true);
  assert.deepEqual(windowAt(week, at('2025-09-09T11:00:00Z')), { open: true });
});

test('is open while any of several windows is, and closes when the last one does', () => {
  const two = [
    window({}),
    window({ startsAt: '05:00', durationMinutes: 180 }),
    window({ days: ['monday'], durationMinutes: 30 }),
  ];
  assert.deepEqual(windowAt(two, at('2025-09-06T03:00:00Z')), {
    open: true,
    closesAt: at('2025-09-06T08:00:00Z'),
  });
  assert.equal(iso(nextOpening(two, at('2025-09-06T08:00:00Z'))), '2025-09-08T02:00:00.000Z');
});

test('goes by the clocks of its time zone', () => {
  const tokyo = [window({ timeZone: 'Asia/Tokyo' })];
  assert.equal(iso(nextOpening(tokyo, at('2025-09-05T00:00:00Z'))), '2025-09-05T17:00:00.000Z');
  const kathmandu = [window({ timeZone: 'Asia/Kathmandu' })];
  assert.equal(iso(nextOpening(kathmandu, at('2025-09-05T00:00:00Z'))), '2025-09-05T20:15:00.000Z');
});

test('moves a start that a clock change skips to the end of the gap', () => {
  const cases = [
    // Europe/Berlin skips 02:00-03:00 on 2025-03-30.
    ['Europe/Berlin', '02:30', '2025-03-28T12:00:00Z', '2025-03-30T01:00:00.000Z'],
    // America/New_York skips 02:00-03:00 on 2025-03-09.
    ['America/New_York', '02:00', '2025-03-07T12:00:00Z', '2025-03-09T07:00:00.000Z'],
    // Lord Howe moves by half an hour: 02:00-02:30 on 2025-10-05.
    ['Australia/Lord_Howe', '02:15', '2025-10-03T12:00:00Z', '2025-10-04T15:30:00.000Z'],
    // Samoa left out the whole of 2011-12-30, a Friday.
    ['Pacific/Apia', '12:00', '2011-12-29T12:00:00Z', '2011-12-30T10:00:00.000Z'],
  ] as const;
  for (const [timeZone, startsAt, from, expected] of cases) {
    const day = timeZone === 'Pacific/Apia' ? 'friday' : 'sunday';
    const one = [window({ days: [day], startsAt, durationMinutes: 60, timeZone })];
    assert.equal(iso(nextOpening(one, at(from))), expected, timeZone);
    assert.equal(isOpen(one, at(expected) + minutes(59)), true, timeZone);
    assert.equal(isOpen(one, at(expected) + minutes(60)), false, timeZone);
  }
});

test('counts an hour that clocks show twice once, the first time', () => {
  const cases = [
    // Europe/Berlin shows 02:00-03:00 twice on 2025-10-26.
    [
      'Europe/Berlin',
      '02:30',
      '2025-10-25T12:00:00Z',
      '2025-10-26T00:30:00.000Z',
      '2025-11-02T01:30:00.000Z',
    ],
    [
      'America/New_York',
      '01:30',
      '2025-11-01T12:00:00Z',
      '2025-11-02T05:30:00.000Z',
      '2025-11-09T06:30:00.000Z',
    ],
    [
      'Australia/Lord_Howe',
      '01:45',
      '2025-04-04T12:00:00Z',
      '2025-04-05T14:45:00.000Z',
      '2025-04-12T15:15:00.000Z',
    ],
  ] as const;
  for (const [timeZone, startsAt, from, first, second] of cases) {
    const one = [window({ days: ['sunday'], startsAt, durationMinutes: 20, timeZone })];
    assert.equal(iso(nextOpening(one, at(from))), first, timeZone);
    assert.equal(iso(nextOpening(one, at(first) + minutes(20))), second, timeZone);
  }
});

test('keeps its length through a clock change', () => {
  const night = [
    window({ days: ['saturday'], startsAt: '23:00', durationMinutes: 300, timeZone: 'Europe/Berlin' }),
  ];
  for (const start of ['2025-03-29T22:00:00Z', '2025-10-25T21:00:00Z']) {
    assert.deepEqual(windowAt(night, at(start)), { open: true, closesAt: at(start) + hours(5) });
  }
});

test('reports everything that is wrong with a window', () => {
  assert.deepEqual(serviceWindowProblems(window({})), []);
  const bad: ServiceWindow = {
    days: ['someday' as 'monday'],
    startsAt: '24:00',
    durationMinutes: 0,
    timeZone: 'Mars/Olympus',
  };
  assert.deepEqual(
    serviceWindowProblems(bad).map((problem) => problem.split(':')[0]),
    ['days', 'startsAt', 'durationMinutes', 'timeZone'],
  );
  assert.equal(serviceWindowProblems(window({ days: [] })).length, 1);
  for (const durationMinutes of [10_081, 1.5, Number.NaN, -1]) {
    assert.equal(serviceWindowProblems(window({ durationMinutes })).length, 1);
  }
});

const anyWindow: fc.Arbitrary<ServiceWindow> = fc
  .record({
    days: fc.subarray([...weekdays], { minLength: 1 }),
    minute: fc.nat(24 * 60 - 1),
    durationMinutes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 7 * 24 * 60 })),
    timeZone: fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'America/Santiago',
      'UTC',
    ),
  })
  .map(({ minute, ...rest }) => ({
    ...rest,
    startsAt: `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`,
  }));

/** Instants around the clock changes of 2025, and any other. */
const anyTime = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        '2025-03-09T07:00Z',
        '2025-03-30T01:00Z',
        '2025-04-05T15:00Z',
        '2025-10-04T15:30Z',
        '2025-10-26T01:00Z',
        '2025-11-02T06:00Z',
      ),
      fc.integer({ min: -days(2), max: days(2) }),
    )
    .map(([change, offset]) => at(change) + offset),
  fc.integer({ min: at('2024-01-01'), max: at('2027-01-01') }),
);

test('opens within nine days, is open then, and was closed the moment before', () => {
  fc.assert(
    fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 3 }), anyTime, (windows, time) => {
      const opening = nextOpening(windows, time);
      assert.ok(opening >= time && opening <= time + days(9));
      assert.equal(isOpen(windows, opening), true);
      if (opening > time) {
        assert.equal(isOpen(windows, time), false);
        assert.equal(isOpen(windows, opening - 1), false);
      }
    }),
    { numRuns: 300 },
  );
});

test('invents no gap where the days it looks at end', () => {
  const berlin = window({
    days: ['friday', 'saturday', 'sunday'],
    startsAt: '00:00',
    durationMinutes: 1_440,
    timeZone: 'Europe/Berlin',
  });
  const newYork = window({
    days: ['monday', 'tuesday', 'saturday'],
    startsAt: '18:01',
    durationMinutes: 2_880,
    timeZone: 'America/New_York',
  });
  assert.deepEqual(windowAt([berlin, newYork], at('2025-12-19T05:00Z')), { open: true });
});

test('closes when it says so', () => {
  fc.assert(
    fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 3 }), anyTime, (windows, time) => {
      const state = windowAt(windows, time);
      if (state.open && state.closesAt !== undefined) {
        assert.ok(state.closesAt > time);
        assert.equal(isOpen(windows, state.closesAt), false);
        assert.equal(isOpen(windows, state.closesAt - 1), true);
      }
    }),
    { numRuns: 300 },
  );
});

test('opens exactly where its clocks say, checked against them', () => {
  fc.assert(
    fc.property(anyWindow, anyTime, (one, time) => {
      const single = [{ ...one, durationMinutes: 1 }];
      const opening = nextOpening(single, isOpen(single, time) ? time + minutes(1) : time);
      const shown = new Intl.DateTimeFormat('en-GB', {
        timeZone: one.timeZone,
        weekday: 'long',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      });
      const parts = Object.fromEntries(shown.formatToParts(opening).map(({ type, value }) => [type, value]));
      const clock = `${parts['hour']}:${parts['minute']}`;
      // Either the clocks show the start, or they jumped over it just now.
      const before = Object.fromEntries(
        shown.formatToParts(opening - 1).map(({ type, value }) => [type, value]),
      );
      const clockBefore = `${before['hour']}:${before['minute']}`;
      assert.ok(
        clock === one.startsAt || (clockBefore < one.startsAt && one.startsAt < clock) || clockBefore > clock,
        `${clock} ${one.startsAt}`,
      );
      assert.ok(one.days.some((day) => day === parts['weekday']?.toLowerCase()));
    }),
    { numRuns: 300 },
  );
});
