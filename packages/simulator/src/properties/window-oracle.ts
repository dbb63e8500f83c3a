import type { ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { minutes } from '@sallyport/core/shared/units';

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Whether a window is open, found out the slow way: minute by minute back from `at`, asking what clocks on the wall
 * showed. Shares nothing with the code that it judges.
 */
export function wasOpen(windows: readonly ServiceWindow[], at: EpochMs): boolean {
  if (windows.length === 0) return true;
  const minute = Math.floor(at / minutes(1)) * minutes(1);
  return windows.some((window) => {
    for (let back = 0; back < window.durationMinutes + 1; back += 1) {
      const start = minute - minutes(back);
      if (at < start + minutes(window.durationMinutes) && begins(window, start)) return true;
    }
    return false;
  });
}

/** Whether the wall shows the window's start at that minute, or a clock change has just skipped it. */
function begins(window: ServiceWindow, minute: EpochMs): boolean {
  const now = shown(window.timeZone, minute);
  if (window.days.some((day) => day === now.weekday) && now.time === window.startsAt) return true;
  const before = shown(window.timeZone, minute - minutes(1));
  const isJump = minutesOf(now.time) - minutesOf(before.time) > 1 && now.weekday === before.weekday;
  return (
    isJump &&
    window.days.some((day) => day === now.weekday) &&
    before.time < window.startsAt &&
    window.startsAt < now.time
  );
}

function shown(timeZone: string, at: EpochMs): { readonly weekday: string; readonly time: string } {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'long',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return {
    weekday: (parts.get('weekday') ?? '').toLowerCase(),
    time: `${parts.get('hour') ?? ''}:${parts.get('minute') ?? ''}`,
  };
}

function minutesOf(time: string): number {
  const [hour = '0', minute = '0'] = time.split(':');
  return Number(hour) * 60 + Number(minute);
}
