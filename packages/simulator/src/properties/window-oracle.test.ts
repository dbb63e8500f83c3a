import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOpen, type ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import { minutes } from '@sallyport/core/shared/units';
import { Chance } from '../world/chance.ts';
import { wasOpen } from './window-oracle.ts';

const night: ServiceWindow = {
  days: ['sunday'],
  startsAt: '02:30',
  durationMinutes: 60,
  timeZone: 'Europe/Berlin',
};

test('a window that a clock change skips begins with the first moment after it', () => {
  const jump = Date.UTC(2026, 2, 29, 1);
  assert.equal(wasOpen([night], jump - minutes(1)), false);
  assert.equal(wasOpen([night], jump), true);
  assert.equal(wasOpen([night], jump + minutes(59)), true);
  assert.equal(wasOpen([night], jump + minutes(61)), false);
});

test('an open window by the rules of service windows is one by the wall, clock changes included', () => {
  const chance = new Chance(11);
  const around = [Date.UTC(2026, 2, 29), Date.UTC(2026, 9, 25), Date.UTC(2026, 2, 8), Date.UTC(2026, 3, 5)];
  for (let run = 0; run < 150; run += 1) {
    const window: ServiceWindow = {
      days: chance.pick([['sunday'], ['saturday', 'sunday'], ['monday', 'saturday']]),
      startsAt: `${chance.pick(['00', '01', '02', '03', '23'])}:${chance.pick(['00', '15', '30'])}`,
      durationMinutes: chance.pick([15, 60, 240]),
      timeZone: chance.pick(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC']),
    };
    const at = chance.pick(around) + minutes(chance.between(-1_500, 1_500));
    if (isOpen([window], at)) {
      assert.ok(wasOpen([window], at), `${JSON.stringify(window)} at ${new Date(at).toISOString()}`);
    }
  }
});
