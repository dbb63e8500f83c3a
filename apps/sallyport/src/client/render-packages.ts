import type {
  CheckResult,
  ExchangeResult,
  ListResult,
  PackageResult,
  ShowResult,
  WhyResult,
} from '@sallyport/core/wire/api';
import { formatBytes } from '@sallyport/core/shared/units';
import { formatTable, plain } from '../output/table.ts';
import { formatInstant } from '../output/instant.ts';
import { titleOf } from '@sallyport/core/domain/updates/title';

/** Packages as a table, the newest first as the server gives them. */
export function renderList({ exchange, problem, packages }: ListResult): string {
  const parts = [renderExchange(exchange)];
  if (problem !== undefined) parts.push(`Nothing new is available: ${plain(problem.message)}`);
  parts.push(
    packages.length === 0
      ? 'No packages are known yet. Check for updates with "sallyport update check".'
      : packageTable(packages),
  );
  return parts.join('\n\n');
}

export function renderCheck({ exchange, available }: CheckResult): string {
  const found = available.length === 0 ? 'Nothing new is available.' : packageTable(available);
  return `${renderExchange(exchange)}\n\n${found}`;
}

function packageTable(packages: readonly PackageResult[]): string {
  return formatTable(
    ['product', 'version', 'kind', 'state', 'size', 'released', 'name', 'guid'],
    packages.map(({ product, version, kind, state, withdrawn, totalBytes, releasedAt, name, guid }) => [
      product,
      version,
      kind,
      withdrawn === undefined ? state : `${state} (withdrawn)`,
      totalBytes === undefined ? '–' : formatBytes(totalBytes),
      releasedAt?.slice(0, 10) ?? '–',
      name,
      guid,
    ]),
  );
}

/** How the last exchange with the vendor went, channel by channel. */
function renderExchange({
  mode,
  metadata,
  facts,
  offer,
  usage,
  offline,
  finishedAt,
  nextAt,
}: ExchangeResult): string {
  if (mode === 'parent') return 'The top-tier site exchanges with the vendor for this one.';
  const channels = [
    ['metadata', metadata],
    ['facts', facts],
    ['offer', offer],
    ['usage', usage],
  ] as const;
  const lines = channels
    .filter(([name]) => mode === 'vendor' || name === 'metadata')
    .map(
      ([name, { result, error }]) => `  ${name}: ${result}${error === undefined ? '' : ` – ${plain(error)}`}`,
    );
  const last =
    offline !== undefined
      ? renderOffline(offline)
      : finishedAt === undefined
        ? 'No exchange has taken place yet'
        : `Last exchange ${formatInstant(finishedAt)}`;
  const next = nextAt === undefined ? '' : `, next ${formatInstant(nextAt)}`;
  const local =
    mode === 'none' ? ['  nothing leaves this hierarchy: packages are judged by local applicability'] : [];
  return [`${last}${next}`, ...lines, ...local].join('\n');
}

/** An offline site: when the last medium came, and whether a request is on its way. */
export function renderOffline({
  preparedAt,
  importedAt,
  writtenAt,
}: NonNullable<ExchangeResult['offline']>): string {
  const last =
    importedAt === undefined
      ? 'no medium has come yet'
      : `the last medium came ${formatInstant(Date.parse(importedAt))} (written ${formatInstant(Date.parse(writtenAt ?? importedAt))})`;
  const request =
    preparedAt === undefined ? '' : `, the last request was prepared ${formatInstant(preparedAt)}`;
  return `Offline: ${last}${request}`;
}

export function renderShow(shown: ShowResult): string {
  const {
    licence,
    prerequisites = [],
    features = [],
    requires = [],
    supersedes = [],
    appliesTo,
    withdrawn,
  } = shown;
  const range = [
    appliesTo?.lowest === undefined ? '' : `from ${appliesTo.lowest}`,
    appliesTo?.highest === undefined ? '' : `to ${appliesTo.highest}`,
  ];
  const rows: [string, string | undefined][] = [
    ['guid', shown.guid],
    ['product', shown.product],
    ['version', shown.version],
    ['kind', shown.kind],
    [
      'state',
      `${shown.state} (${shown.stateCode})${shown.since === undefined ? '' : ` since ${formatInstant(shown.since)}`}`,
    ],
    ['reason', shown.reason],
    ['released', shown.releasedAt],
    ['support ends', shown.supportEndsAt],
    ['ring', shown.ring],
    ['impact', shown.impact?.join(', ')],
    ['applies to', range.filter((end) => end !== '').join(' ') || undefined],
    ['requires', requires.join(', ') || undefined],
    ['supersedes', supersedes.join(', ') || undefined],
    [
      'size',
      shown.totalBytes === undefined
        ? undefined
        : `${formatBytes(shown.totalBytes)} in ${shown.fileCount ?? 0} files`,
    ],
    ['more', shown.moreInfo],
    ['withdrawn', withdrawn === undefined ? undefined : `${withdrawn.at}: ${withdrawn.reason}`],
  ];
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  const parts = [
    plain(shown.name),
    known.map(([name, value]) => `${name.padEnd(width)}  ${plain(value)}`).join('\n'),
  ];
  if (shown.description !== undefined) parts.push(plain(shown.description));
  if (prerequisites.length > 0) {
    parts.push(
      formatTable(
        ['prerequisite', 'severity', 'title', 'remedy'],
        prerequisites.map(({ id, severity, title, remedy }) => [id, severity, title, remedy]),
      ),
    );
  }
  if (features.length > 0)
    parts.push(
      formatTable(
        ['feature', 'kind', 'name'],
        features.map(({ id, kind, name }) => [id, kind, name]),
      ),
    );
  if (licence !== undefined)
    parts.push(`Licence: ${plain(licence.name)}\n\n${licence.text.split('\n').map(plain).join('\n')}`);
  return parts.join('\n\n');
}

export function renderWhy({ package: subject, verdict, reasons, since, exchange }: WhyResult): string {
  const head = `${plain(titleOf(subject.name, subject.version))} is ${verdict} (since ${formatInstant(since)})`;
  const lines = reasons.map(({ source, sentence, rule, fact, value, change, code }) => {
    const rest = [
      rule === undefined ? undefined : `rule: ${rule}`,
      fact === undefined ? undefined : `fact: ${fact}${value === undefined ? ' is unknown' : ` is ${value}`}`,
      `what would change it: ${change}`,
    ];
    return [
      `  ${source}: ${plain(sentence)} (${code})`,
      ...rest.filter((line) => line !== undefined).map((line) => `    ${plain(line)}`),
    ].join('\n');
  });
  return [
    head,
    lines.length === 0 ? '  nothing stands against it' : lines.join('\n'),
    renderExchange(exchange),
  ].join('\n\n');
}
