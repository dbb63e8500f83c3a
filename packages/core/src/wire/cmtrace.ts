import type { EpochMs } from '../shared/ids.ts';

/** One entry of a component log. */
export interface TraceEntry {
  readonly text: string;
  readonly component: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly at: EpochMs;
  /** Minutes to add to local time to get UTC (US Eastern in winter: 300). */
  readonly biasMinutes: number;
  readonly thread: number;
}

const severityNumber = { info: 1, warning: 2, error: 3 } as const;

/**
 * One line, newline included, in the format that CMTrace and its like read
 * (reference `service-connection-point.md`, section 5, client form).
 *
 * Line breaks inside the text are kept as `~`, as the original's logs have them; the end mark of an
 * entry inside the text is broken up, for a parser would end the entry there.
 */
export function formatTraceLine(entry: TraceEntry): string {
  const local = new Date(entry.at - entry.biasMinutes * 60_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const milliseconds = String(local.getUTCMilliseconds()).padStart(3, '0');
  const sign = entry.biasMinutes < 0 ? '-' : '+';
  const bias = `${sign}${String(Math.abs(entry.biasMinutes)).padStart(3, '0')}`;
  const time = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}.${milliseconds}${bias}`;
  const date = `${two(local.getUTCMonth() + 1)}-${two(local.getUTCDate())}-${local.getUTCFullYear()}`;
  const text = entry.text.replaceAll(/\r\n|\r|\n/g, '~').replaceAll(']LOG]!>', '] LOG]!>');
  return (
    `<![LOG[${text}]LOG]!><time="${time}" date="${date}" component="${attribute(entry.component)}"` +
    ` context="" type="${severityNumber[entry.severity]}" thread="${entry.thread}" file="">\n`
  );
}

/** The text of one line that `formatTraceLine` made; undefined for anything else. */
export function traceLineText(line: string): string | undefined {
  return /^<!\[LOG\[(.*)\]LOG\]!><time="/.exec(line)?.[1];
}

function attribute(text: string): string {
  return text.replaceAll('"', "'");
}
