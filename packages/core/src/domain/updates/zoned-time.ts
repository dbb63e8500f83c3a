import type { EpochMs } from '../../shared/ids.ts';
import { days, hours, minutes } from '../../shared/units.ts';

/** A day of a calendar, without a time zone; `dayNumber` counts days since 1970-01-01. */
export type DayNumber = number;

/** Formatters are slow to make and hold no state that anybody sees. */
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Whether the runtime's time zone data knows an IANA name. */
export function isTimeZone(name: string): boolean {
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

/** The local day on which an instant falls. @throws {RangeError} for an unknown time zone */
export function localDay(at: EpochMs, timeZone: string): DayNumber {
  return Math.floor((at + offsetAt(at, timeZone)) / days(1));
}

/** 0 for Sunday to 6 for Saturday. */
export function weekdayOf(day: DayNumber): number {
  // 1970-01-01 was a Thursday.
  return (((day + 4) % 7) + 7) % 7;
}

/**
 * The instant at which clocks of a time zone show a time of a day. A time that occurs twice (clocks are set back)
 * means the first one; a time that is skipped (clocks are set forward) means the end of the gap.
 *
 * @param minuteOfDay 0 to 1439
 * @throws {RangeError} for an unknown time zone
 */
export function instantOf(day: DayNumber, minuteOfDay: number, timeZone: string): EpochMs {
  const local = days(day) + minutes(minuteOfDay);
  // Offsets lie between -14 and +14 h: 36 h to each side is before and after any change that matters here.
  const offsets = [offsetAt(local - hours(36), timeZone), offsetAt(local + hours(36), timeZone)];
  const candidates = offsets
    .map((offset) => local - offset)
    .filter((instant) => instant + offsetAt(instant, timeZone) === local);
  if (candidates.length > 0) {
    return Math.min(...candidates);
  }
  return gapEnd(local - Math.max(...offsets), local - Math.min(...offsets), timeZone);
}

/** The instant in (before, after] at which the offset changes. */
function gapEnd(before: EpochMs, after: EpochMs, timeZone: string): EpochMs {
  const old = offsetAt(before, timeZone);
  let low = before;
  let high = after;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, timeZone) === old) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return high;
}

/** How far local time is ahead of UTC at an instant, in milliseconds. */
function offsetAt(at: EpochMs, timeZone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatterOf(timeZone).formatToParts(at)) {
    parts[type] = Number(value);
  }
  const local = Date.UTC(
    parts['year'] ?? 0,
    (parts['month'] ?? 1) - 1,
    parts['day'] ?? 1,
    parts['hour'] ?? 0,
    parts['minute'] ?? 0,
    parts['second'] ?? 0,
  );
  return local - Math.floor(at / 1000) * 1000;
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}
