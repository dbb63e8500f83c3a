/** Milliseconds of a number of seconds. */
export function seconds(count: number): number {
  return count * 1000;
}

/** Milliseconds of a number of minutes. */
export function minutes(count: number): number {
  return seconds(count * 60);
}

/** Milliseconds of a number of hours. */
export function hours(count: number): number {
  return minutes(count * 60);
}

/** Milliseconds of a number of days of 24 hours. */
export function days(count: number): number {
  return hours(count * 24);
}

/** Bytes of a number of KiB. */
export function kibibytes(count: number): number {
  return count * 1024;
}

/** Bytes of a number of MiB. */
export function mebibytes(count: number): number {
  return kibibytes(count * 1024);
}

/** Bytes of a number of GiB. */
export function gibibytes(count: number): number {
  return mebibytes(count * 1024);
}

const byteUnits = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** A size for people, in decimal units and three digits: `999 B`, `4.38 MB`, `228 kB`. */
export function formatBytes(sizeBytes: number): string {
  if (Math.abs(sizeBytes) < 1000) {
    return `${sizeBytes} B`;
  }
  let value = sizeBytes;
  let unit: string = 'B';
  for (const next of byteUnits) {
    if (Math.abs(value) < 999.5) {
      break;
    }
    value /= 1000;
    unit = next;
  }
  return `${threeDigits(value)} ${unit}`;
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/** A span of time for people: `350 ms`, `12.3 s`, `4 min 05 s`, `3 h 20 min`, `2 d 4 h`. */
export function formatDuration(spanMs: number): string {
  if (spanMs < 0) {
    return `-${formatDuration(-spanMs)}`;
  }
  if (spanMs < 999.5) {
    return `${Math.round(spanMs)} ms`;
  }
  if (spanMs < 59_950) {
    return `${(spanMs / 1000).toFixed(1)} s`;
  }
  const secondCount = Math.round(spanMs / 1000);
  if (secondCount < 3600) {
    return `${Math.floor(secondCount / 60)} min ${twoDigits(secondCount % 60)} s`;
  }
  const minuteCount = Math.floor(secondCount / 60);
  if (minuteCount < 1440) {
    return `${Math.floor(minuteCount / 60)} h ${twoDigits(minuteCount % 60)} min`;
  }
  return `${Math.floor(minuteCount / 1440)} d ${Math.floor((minuteCount % 1440) / 60)} h`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
