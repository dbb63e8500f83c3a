import type { EpochMs } from '../../shared/ids.ts';
import { days, minutes } from '../../shared/units.ts';
import { instantOf, isTimeZone, localDay, weekdayOf } from './zoned-time.ts';

/** In the order of `weekdayOf`. */
export const weekdays = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const;

export type Weekday = (typeof weekdays)[number];

/**
 * A recurring span of time in which a site may install. It begins on each of `days` when clocks of `timeZone` show
 * `startsAt`, and lasts `durationMinutes` of real time, across midnight and clock changes alike.
 */
export interface ServiceWindow {
  readonly days: readonly Weekday[];
  /** `HH:MM`, 24 hours. Skipped by a clock change: the first moment after it. Shown twice: the first time. */
  readonly startsAt: string;
  /** 1 to 10080 (7 days). */
  readonly durationMinutes: number;
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
}

export type WindowState =
  /** `closesAt` is absent when nothing closes it for two weeks: there are no windows, or they leave no gap. */
  { readonly open: true; readonly closesAt?: EpochMs } | { readonly open: false; readonly nextAt: EpochMs };

const windowLimits = { windowsMax: 50, durationMinutesMax: 7 * 24 * 60 } as const;

/** Two turns of the week: who sees no gap in them is told of none. */
const daysAhead = 14;

const timePattern = /^([01]\d|2[0-3]):([0-5]\d)$/;

/**
 * Everything that is wrong with a window, in sentences; empty when it can be used. The other functions here
 * expect windows without problems.
 */
export function serviceWindowProblems(window: ServiceWindow): readonly string[] {
  const problems: string[] = [];
  if (window.days.length === 0) {
    problems.push('days: name at least one day of the week, or the window never opens');
  }
  for (const day of window.days) {
    if (!weekdays.includes(day)) {
      problems.push(`days: "${day}" is no day of the week: use ${weekdays.join(', ')}`);
    }
  }
  if (!timePattern.test(window.startsAt)) {
    problems.push(`startsAt: "${window.startsAt}" is no time of day: write HH:MM, from 00:00 to 23:59`);
  }
  const { durationMinutes } = window;
  if (
    !Number.isSafeInteger(durationMinutes) ||
    durationMinutes < 1 ||
    durationMinutes > windowLimits.durationMinutesMax
  ) {
    problems.push(
      `durationMinutes: ${durationMinutes} is not between 1 and ${windowLimits.durationMinutesMax} whole minutes`,
    );
  }
  if (!isTimeZone(window.timeZone)) {
    problems.push(`timeZone: "${window.timeZone}" is unknown: use an IANA name such as Europe/Berlin`);
  }
  return problems;
}

/** Whether the union of the windows is open, and until or from when. No windows: always open. */
export function windowAt(windows: readonly ServiceWindow[], at: EpochMs): WindowState {
  if (windows.length === 0) {
    return { open: true };
  }
  // Every window opens once a week, and lasts a week at most.
  const spans = windows
    .flatMap((window) => spansAround(window, at, 8, daysAhead + 1))
    .toSorted((a, b) => a.startsAt - b.startsAt);
  const next = spans.find(({ endsAt }) => endsAt > at);
  if (next === undefined || next.startsAt > at) {
    return { open: false, nextAt: next?.startsAt ?? at + days(daysAhead) };
  }
  let closesAt = next.endsAt;
  for (const span of spans) {
    if (span.startsAt <= closesAt) {
      closesAt = Math.max(closesAt, span.endsAt);
    }
  }
  // Beyond the days looked at, a gap may be one that a window not looked at fills.
  return closesAt > at + days(daysAhead) ? { open: true } : { open: true, closesAt };
}

/** Whether a site may start an install now. */
export function isOpen(windows: readonly ServiceWindow[], at: EpochMs): boolean {
  return windowAt(windows, at).open;
}

/** The first instant from `at` on at which a window is open: `at` itself when one is. */
export function nextOpening(windows: readonly ServiceWindow[], at: EpochMs): EpochMs {
  const state = windowAt(windows, at);
  return state.open ? at : state.nextAt;
}

interface Span {
  readonly startsAt: EpochMs;
  /** Not included. */
  readonly endsAt: EpochMs;
}

function spansAround(window: ServiceWindow, at: EpochMs, daysBefore: number, daysAfter: number): Span[] {
  const [, hour = '0', minute = '0'] = timePattern.exec(window.startsAt) ?? [];
  const minuteOfDay = Number(hour) * 60 + Number(minute);
  const today = localDay(at, window.timeZone);
  const spans: Span[] = [];
  for (let day = today - daysBefore; day <= today + daysAfter; day += 1) {
    const name = weekdays[weekdayOf(day)];
    if (name !== undefined && window.days.includes(name)) {
      const startsAt = instantOf(day, minuteOfDay, window.timeZone);
      spans.push({ startsAt, endsAt: startsAt + minutes(window.durationMinutes) });
    }
  }
  return spans;
}
