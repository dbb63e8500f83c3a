import { isDeepStrictEqual } from 'node:util';
import { type Command, Option } from 'commander';
import { siteCode, type SiteCode } from '@sallyport/core/shared/ids';
import { positiveNumber, siteCodeArgument, wholeNumber } from '../command/arguments.ts';
import { standardOutput } from '../command/output.ts';
import { type Weekday, weekdays } from '@sallyport/core/domain/updates/service-window';
import type { MediaAgeResult, SitesResult, WindowsResult } from '@sallyport/core/wire/api';
import { formatDuration } from '@sallyport/core/shared/units';
import { formatInstant } from '../output/instant.ts';
import { formatTable } from '../output/table.ts';
import { renderSites } from './render-status.ts';
import { query } from './query.ts';
import { administrator } from '../command/administrator.ts';
import type { SiteClient } from './site-client.ts';

interface TokenOptions {
  readonly code: SiteCode;
  readonly type: 'primary' | 'secondary';
  readonly parent?: SiteCode;
  readonly address?: string;
  readonly validHours: number;
}

interface WindowOptions {
  readonly days?: readonly Weekday[];
  readonly from: string;
  readonly minutes: number;
  readonly timeZone: string;
}

/** The commands of `sallyport site …` that ask a running site server. */
export function addSiteQueries(site: Command): void {
  query(
    site,
    'show',
    'Every site of the hierarchy: versions, components, what is wrong',
    (server) => server.ask<SitesResult>('sites', {}),
    renderSites,
  );
  query(site, 'token', 'A word by which one new site joins, once', issueToken, ({ token }) => token)
    .requiredOption('--code <code>', 'the new site’s code', siteCodeArgument)
    .addOption(
      new Option('--type <type>', 'the new site’s type')
        .choices(['primary', 'secondary'])
        .makeOptionMandatory(),
    )
    .option('--parent <code>', 'the site it joins; this one when not given', siteCodeArgument)
    .option(
      '--address <host:port>',
      'where the new site reaches its parent; where this site listens when not given',
    )
    .option('--valid-hours <hours>', 'how long the token may be used', positiveNumber(8_760), 24);
  query(
    site,
    'revoke <code>',
    'Shut a site out for good',
    (server, { reason }: { reason: string }, code) =>
      server.ask<{ code: string }>('revoke-site', { code: siteCode(code ?? ''), reason }),
    ({ code }) => `site ${code} is revoked: its links are refused as soon as the roster has arrived`,
  ).requiredOption('--reason <text>', 'why; the site is told');
  query(
    site,
    'media-age',
    'Offline: how long past their expiry the timestamp and snapshot of media still count, for every site of the hierarchy',
    (server, { days }: { days?: number }) =>
      days === undefined
        ? server.ask<MediaAgeResult>('media-age', {})
        : server.ask<MediaAgeResult>('set-media-age', {
            maxAgeMs: Math.round(days * 86_400_000),
            by: administrator(),
          }),
    renderMediaAge,
  ).option('--days <days>', 'let them count so long; your name is recorded', positiveNumber(3650));
  const windows = site
    .command('windows')
    .description('Service windows: when installs may start at this site');
  query(
    windows,
    'list',
    'The windows of this site',
    (server) => server.ask<WindowsResult>('windows', {}),
    renderWindows,
  );
  query(windows, 'add', 'Add a window; the windows of a site are a union', addWindow, renderWindows)
    .addOption(
      new Option('--days <day...>', 'days on which it begins; every day when not given').choices(weekdays),
    )
    .requiredOption('--from <HH:MM>', 'when it begins, 24 hours')
    .requiredOption('--minutes <minutes>', 'how long it lasts, across midnight too', wholeNumber(10_080))
    .option('--time-zone <name>', 'IANA name', Intl.DateTimeFormat().resolvedOptions().timeZone);
  query(
    windows,
    'clear',
    'Remove all windows: installs may start at any time',
    (server) => server.ask<WindowsResult>('set-windows', { windows: [] }),
    renderWindows,
  );
}

function renderMediaAge({ maxAgeMs, changedAt, changedBy }: MediaAgeResult): string {
  const since =
    changedAt === undefined
      ? ''
      : `, since ${formatInstant(Date.parse(changedAt))} by ${changedBy ?? 'nobody known'}`;
  return `Media count ${formatDuration(maxAgeMs)} past the expiry of their timestamp and snapshot${since}. Roots and catalogues are never extended.`;
}

async function issueToken(
  server: SiteClient,
  { code, type, parent, address, validHours }: TokenOptions,
): Promise<{ token: string }> {
  const issued = await server.ask<{ token: string }>('join-token', {
    code,
    type,
    expiresAfterMs: Math.round(validHours * 3_600_000),
    ...(parent === undefined ? {} : { parent }),
    ...(address === undefined ? {} : { address }),
  });
  standardOutput.ifNotShown(
    `the token for site ${code} is issued, but only its digest is kept: one that nobody has read lets nobody in and lapses after ${validHours} hours, so ask for another`,
  );
  return issued;
}

async function addWindow(
  server: SiteClient,
  { days = weekdays, from, minutes, timeZone }: WindowOptions,
): Promise<WindowsResult> {
  const { windows } = await server.ask<WindowsResult>('windows', {});
  const added = { days: [...days], startsAt: from, durationMinutes: minutes, timeZone };
  const others = windows.filter((window) => !isDeepStrictEqual(window, added));
  return server.ask('set-windows', { windows: [...others, added] });
}

function renderWindows({ windows, open, changesAt }: WindowsResult): string {
  if (windows.length === 0) return 'This site has no service windows: installs may start at any time.';
  const table = formatTable(
    ['days', 'from', 'minutes', 'time zone'],
    windows.map(({ days, startsAt, durationMinutes, timeZone }) => [
      days.join(' '),
      startsAt,
      String(durationMinutes),
      timeZone,
    ]),
  );
  const change =
    changesAt === undefined ? '' : ` ${open ? 'until' : 'opens next'} ${formatInstant(changesAt)}`;
  return `${table}\n\nNow ${open ? 'open' : 'closed'}${change === '' ? '.' : `,${change}.`}`;
}
