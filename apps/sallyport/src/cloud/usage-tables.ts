import type {
  AuditEntry,
  ErrorRate,
  HierarchyUsage,
  ProblemCluster,
  StateCount,
  StoredReport,
  VersionCount,
} from '@sallyport/engine/ports/usage-ledger';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { days } from '@sallyport/core/shared/units';
import type { CsvCell } from '../output/csv.ts';

/** A table for people, for programs for tables, and for others: the same columns in all three. */
export interface UsageTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly CsvCell[])[];
}

function table<T>(
  things: readonly T[],
  columns: Readonly<Record<string, (thing: T) => CsvCell>>,
): UsageTable {
  return {
    columns: Object.keys(columns),
    rows: things.map((thing) => Object.values(columns).map((cell) => cell(thing))),
  };
}

/** @param now for how long a hierarchy has been silent */
export function hierarchyTable(hierarchies: readonly HierarchyUsage[], now: EpochMs): UsageTable {
  return table(hierarchies, {
    hierarchy: ({ id }) => id,
    level: ({ newest }) => newest?.level ?? '',
    sites: ({ newest }) => newest?.sites ?? 0,
    reports: ({ reports }) => reports,
    'newest report': ({ newest }) => (newest === undefined ? 'never' : `${newest.epoch}.${newest.sequence}`),
    fixed: ({ newest }) => instant(newest?.fixedAt),
    'heard last': ({ heardAt }) => instant(heardAt) || 'never',
    'silent days': ({ heardAt, enrolledAt }) =>
      Math.max(0, Math.floor((now - (heardAt ?? enrolledAt)) / days(1))),
    state: ({ quarantine }) =>
      quarantine === undefined ? '' : `quarantined since ${instant(quarantine.since)}`,
  });
}

export function versionTable(versions: readonly VersionCount[]): UsageTable {
  return table(versions, {
    product: ({ product }) => product,
    version: ({ version }) => version,
    hierarchies: ({ hierarchies }) => hierarchies,
    sites: ({ sites }) => sites,
  });
}

export function levelTable(
  levels: readonly { readonly level: string; readonly hierarchies: number }[],
): UsageTable {
  return table(levels, { level: ({ level }) => level, hierarchies: ({ hierarchies }) => hierarchies });
}

export function stateTable(states: readonly StateCount[]): UsageTable {
  return table(states, {
    product: ({ product }) => product,
    version: ({ version }) => version,
    state: ({ state }) => state,
    hierarchies: ({ hierarchies }) => hierarchies,
    sites: ({ sites }) => sites,
    package: (each) => each.package,
  });
}

export function errorTable(rates: readonly ErrorRate[]): UsageTable {
  return table(rates, {
    product: ({ product }) => product,
    version: ({ version }) => version,
    hierarchies: ({ hierarchies }) => hierarchies,
    succeeded: ({ succeeded }) => succeeded,
    failed: ({ failed }) => failed,
    'failed %': ({ succeeded, failed }) => Math.round((failed * 1000) / (succeeded + failed)) / 10,
    package: (each) => each.package,
  });
}

/** @param idLength how much of each id is shown */
export function problemTable(problems: readonly ProblemCluster[], idLength = 64): UsageTable {
  return table(problems, {
    product: ({ product }) => product,
    version: ({ version }) => version,
    'what failed': ({ event }) => event,
    code: ({ code }) => code,
    step: ({ step }) => step,
    times: ({ times }) => times,
    sites: ({ sites }) => sites,
    hit: ({ hierarchies }) => hierarchies.length,
    hierarchies: ({ hierarchies }) => hierarchies.map((id) => id.slice(0, idLength)).join(' '),
  });
}

export function reportTable(reports: readonly StoredReport[]): UsageTable {
  return table(reports, {
    epoch: ({ epoch }) => epoch,
    report: ({ sequence }) => sequence,
    level: ({ level }) => level,
    fixed: ({ fixedAt }) => instant(fixedAt),
    accepted: ({ acceptedAt }) => instant(acceptedAt),
    sites: ({ sites }) => sites,
    rows: ({ rows }) => rows,
    bytes: ({ sizeBytes }) => sizeBytes,
    before: ({ gap }) => (gap ? 'missing' : ''),
    sha256: ({ payloadSha256 }) => payloadSha256,
  });
}

export function auditTable(entries: readonly AuditEntry[]): UsageTable {
  return table(entries, {
    at: ({ at }) => instant(at),
    who: ({ who }) => who,
    act: ({ act }) => act,
    about: ({ hierarchyId, package: named }) => hierarchyId ?? named ?? '',
    details: ({ details }) => details,
  });
}

/** UTC, so that tables of different people can be laid side by side. */
function instant(at: EpochMs | undefined): string {
  return at === undefined ? '' : `${new Date(at).toISOString().slice(0, 19)}Z`;
}
