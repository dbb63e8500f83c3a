import { topTierOf } from '@sallyport/core/domain/sites/roster';
import type { Roster } from '@sallyport/core/domain/sites/site';
import { isTold, type UsageLevel } from '@sallyport/core/domain/usage/level';
import type { SiteUsage, UsagePolicy } from '@sallyport/core/domain/usage/report';
import { SallyportError } from '@sallyport/core/shared/errors';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type {
  AuditResult,
  UsageApiInput,
  UsageHistoryResult,
  UsageLevelResult,
  UsageReportsResult,
} from '@sallyport/core/wire/api';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { ReadTables, SiteDatabase } from '../../ports/site-database.ts';
import type { StoredReport } from '../../ports/usage-reports.ts';
import type { HierarchyReads } from '../hierarchy-manager/order-desk.ts';
import { isTopTierSite, type SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import { putPolicy, readPolicy } from '../usage-collector/policy.ts';
import { usageRecordKey } from '../usage-collector/usage-collector.ts';
import { quotaReached, type ReportDesk } from './report-desk.ts';

class UsageOperationError extends SallyportError<'NOT_TOP_TIER'> {}

export interface UsageOperationsPorts {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly hierarchy: HierarchyReads;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent where nothing leaves: local applicability, and every site below the top. */
  readonly reports?: ReportDesk;
  readonly hashName?: (text: string) => string;
}

/** Entries and reports that are shown when nobody says how many. */
const shownMax = 100;

/** What an administrator can see and decide of usage data. Deciding is the top-tier site's; each decision is audited. */
export class UsageOperations {
  readonly #ports: UsageOperationsPorts;

  constructor(ports: UsageOperationsPorts) {
    this.#ports = ports;
  }

  /** The level in force; with `level` it is changed first. Lowering it withdraws what waits and is above, at once. */
  level({ level, by }: UsageApiInput<'usage-level'>): UsageLevelResult {
    this.#requireTopTier();
    if (level !== undefined) this.#change(level, by);
    return this.#levelResult();
  }

  /** Every site collects as soon as it hears of it. */
  collect({ by }: UsageApiInput<'usage-collect'>): UsageLevelResult {
    this.#requireTopTier();
    const { database, site, clock, log } = this.#ports;
    const at = clock.now();
    database.write(({ records, audit }) => {
      const policy = readPolicy(records, site.code);
      const request = policy.request + 1;
      putPolicy(records, { ...policy, request }, at);
      const text = `${by} had every site collect usage data now`;
      audit.append({ at, by, action: 'usage-collect', text, data: { request } });
    });
    log.info('Usage data are collected at every site now: asked for by {by}', { by });
    return this.#levelResult();
  }

  /** What waits, byte by byte, and what was acknowledged last. What is shown is fixed by it. */
  reports(): UsageReportsResult {
    this.#requireTopTier();
    const { database, reports } = this.#ports;
    const waiting = reports?.waiting() ?? database.read((tables) => tables.reports.waiting());
    const names = this.#names();
    return database.read((tables) => {
      const acknowledged = tables.reports.newestAcknowledged();
      const quota = quotaReached(tables);
      return {
        ...(reports === undefined ? { nothingLeaves: nothingLeaves } : {}),
        waiting: waiting.map(({ payload, ...report }) => ({ ...report, payload: textOf(payload) })),
        ...(acknowledged?.payload === undefined
          ? {}
          : { acknowledged: { ...summaryOf(acknowledged), payload: textOf(acknowledged.payload) } }),
        names,
        ...(quota === undefined ? {} : { quota }),
      };
    });
  }

  history({ limit = shownMax }: UsageApiInput<'usage-history'>): UsageHistoryResult {
    this.#requireTopTier();
    const reports = this.#ports.database.read((tables) => tables.reports.history(limit));
    return { reports: reports.map(summaryOf) };
  }

  audit({ limit = shownMax }: UsageApiInput<'audit'>): AuditResult {
    const entries = this.#ports.database.read((tables) => tables.audit.entries(limit));
    return { entries: entries.map((entry) => ({ ...entry, data: { ...entry.data } })) };
  }

  #change(level: UsageLevel, by: string): void {
    const { database, site, clock, log, reports } = this.#ports;
    const at = clock.now();
    const before = database.write(({ records, audit }) => {
      const policy = readPolicy(records, site.code);
      if (policy.level === level) return undefined;
      const changedAt = new Date(at).toISOString();
      putPolicy(records, { ...policy, level, changedAt, changedBy: by }, at);
      const text = `${by} changed the level of usage data from ${policy.level} to ${level}`;
      audit.append({ at, by, action: 'usage-level', text, data: { from: policy.level, to: level } });
      return policy;
    });
    if (before === undefined) return;
    log.info('The level of usage data was changed from {from} to {to} by {by}', {
      from: before.level,
      to: level,
      by,
    });
    // What is above leaves no more from now on, not from the next exchange on.
    reports?.waiting();
  }

  #levelResult(): UsageLevelResult {
    const { roster } = this.#ports.hierarchy.current();
    return this.#ports.database.read((tables) => this.#levelIn(tables, roster));
  }

  #levelIn(tables: ReadTables, roster: Roster): UsageLevelResult {
    const policy = readPolicy(tables.records, this.#ports.site.code);
    const { level, changedAt, changedBy, request } = policy;
    const sites = roster.sites
      .filter(({ revoked }) => revoked === undefined)
      .map(({ code, type }) => {
        const usage = tables.records.get(code, 'site-usage', usageRecordKey)?.body as SiteUsage | undefined;
        return {
          site: code,
          type,
          ...(usage === undefined ? {} : { level: usage.level, collectedAt: usage.collectedAt }),
          current: usage !== undefined && isCurrent(usage, policy),
        };
      });
    return { level, changedAt, changedBy, request, sites };
  }

  /** Site codes are all that identifying columns hold. */
  #names(): Readonly<Record<string, string>> {
    const { hierarchy, hashName } = this.#ports;
    if (hashName === undefined) return {};
    return Object.fromEntries(
      hierarchy.current().roster.sites.map(({ code }: { readonly code: SiteCode }) => [hashName(code), code]),
    );
  }

  #requireTopTier(): void {
    const { site, hierarchy } = this.#ports;
    if (isTopTierSite(site)) return;
    const top = topTierOf(hierarchy.current().roster)?.code ?? 'unknown';
    throw new UsageOperationError(
      'NOT_TOP_TIER',
      `usage data of the whole hierarchy are kept at its top-tier site ${top}: ask there`,
      { site: site.code },
    );
  }
}

const nothingLeaves =
  'this hierarchy is configured for local applicability: sites collect for its own administrators, and no report is made';

function isCurrent(usage: SiteUsage, policy: UsagePolicy): boolean {
  return usage.request >= policy.request && isTold(usage.level, policy.level);
}

function textOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

function summaryOf(report: StoredReport): Omit<StoredReport, 'payload'> {
  const { payload, ...summary } = report;
  return payload === undefined ? report : summary;
}
