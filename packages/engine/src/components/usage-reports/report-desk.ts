import { isTold, lowerLevel, type UsageLevel } from '@sallyport/core/domain/usage/level';
import { hashIdentifying } from '@sallyport/core/domain/usage/hashing';
import { usageItem } from '@sallyport/core/domain/usage/registry';
import type { ReportedSite, SiteUsage, UsageReport } from '@sallyport/core/domain/usage/report';
import { topTierOf } from '@sallyport/core/domain/sites/roster';
import type { Roster } from '@sallyport/core/domain/sites/site';
import { digest, type Digest, type SiteCode } from '@sallyport/core/shared/ids';
import { formatBytes, mebibytes } from '@sallyport/core/shared/units';
import { usageReportFormat } from '@sallyport/core/wire/usage';
import type { Clock } from '../../ports/clock.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { ReadTables, SiteDatabase, WriteTables } from '../../ports/site-database.ts';
import type { StoredReport } from '../../ports/usage-reports.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import { readPolicy } from '../usage-collector/policy.ts';
import { usageRecordKey } from '../usage-collector/usage-collector.ts';

export interface ReportDeskOptions {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly roster: () => Roster;
  /** A name of the hierarchy's own under the hierarchy's own key: 43 characters of base64url. */
  readonly hashName: (text: string) => string;
  readonly digests: Digests;
  readonly clock: Clock;
  /** `Dmpuploader.log`. */
  readonly log: Log;
}

/** As many as a year has weeks, and one. */
export const reportsWaitingMax = 53;
const bytesWaitingMax = mebibytes(64);

/** The setting `usage-reported`: which collection of each site has gone into a report. */
const reportedSetting = 'usage-reported';

type Reported = Readonly<Record<string, string>>;

/** A report that waits, with its bytes. */
export type WaitingReport = StoredReport & { readonly payload: Uint8Array };

/** Why nothing new is fixed. */
export interface QuotaReached {
  readonly count: number;
  readonly sizeBytes: number;
}

/**
 * The hierarchy's usage reports: what sites have collected is fixed as bytes, once, and waits until the vendor has
 * acknowledged it. Each collection goes into one report. What is shown are these bytes, and what leaves are these bytes.
 *
 * Promise: a report that is fixed is kept until the vendor has it, or until its level is withdrawn, which is audited.
 * When too much waits nothing new is fixed, and that is said; nothing is dropped for it.
 */
export class ReportDesk {
  readonly #options: ReportDeskOptions;

  constructor(options: ReportDeskOptions) {
    this.#options = options;
  }

  /** Brings what waits in line with level and collections, and answers it, oldest first. */
  waiting(): readonly WaitingReport[] {
    const { database } = this.#options;
    const roster = this.#options.roster();
    const { reports, made } = database.write((tables) => {
      this.#withdrawAbove(tables, this.#level(tables, roster));
      const report = this.#make(tables, roster);
      if (report !== undefined) tables.reports.add(report);
      return { reports: tables.reports.waiting(), made: report };
    });
    if (made !== undefined) {
      this.#options.log.info('Usage report {sequence} was fixed: {size} at level {level}, SHA-256 {sha256}', {
        sequence: made.sequence,
        size: formatBytes(made.payload.length),
        level: made.level,
        sha256: made.payloadSha256,
      });
    }
    return reports;
  }

  /** What waits as it is now, oldest first. */
  stored(): readonly WaitingReport[] {
    return this.#options.database.read((tables) => tables.reports.waiting());
  }

  /** Whether so much waits that nothing new is fixed. */
  quotaReached(): QuotaReached | undefined {
    return this.#options.database.read(quotaReached);
  }

  /** They are tried to be sent now: their bytes do not change any more. */
  noteSent(reports: readonly WaitingReport[]): void {
    const at = this.#options.clock.now();
    this.#options.database.write((tables) => {
      for (const report of reports) tables.reports.noteSent(report, at);
    });
  }

  /** The vendor has it durably. */
  received(report: WaitingReport): void {
    const at = this.#options.clock.now();
    this.#options.database.write((tables) => tables.reports.settle(report, { state: 'acknowledged', at }));
    this.#options.log.info('Usage report {sequence} was acknowledged', { sequence: report.sequence });
  }

  /** The vendor does not want it, and will not if it is sent again. */
  refused(report: WaitingReport, code: string, message: string): void {
    const at = this.#options.clock.now();
    const reason = `${code}: ${message}`;
    this.#options.database.write((tables) => {
      tables.reports.settle(report, { state: 'refused', at, reason });
      tables.audit.append({
        at,
        by: 'SMS_DMP_UPLOADER',
        action: 'usage-report-refused',
        text: `The vendor refused usage report ${report.sequence} of epoch ${report.epoch}: ${reason}`,
        data: { epoch: report.epoch, sequence: report.sequence, code },
      });
    });
    this.#options.log.warn('Usage report {sequence} was refused: {reason}', {
      sequence: report.sequence,
      reason,
    });
  }

  /**
   * What is above the level in force leaves no more: made anew without it, or dropped where it may have left already.
   * A report that follows one that was made anew names it by its new digest.
   */
  #withdrawAbove(tables: WriteTables, level: UsageLevel): void {
    const waiting = tables.reports.waiting();
    if (waiting.every((report) => isTold(report.level, level))) return;
    const renamed = new Map<string, Digest>();
    for (const report of waiting) {
      const above = !isTold(report.level, level);
      if (report.sentAt !== undefined) {
        if (above) this.#drop(tables, report, level);
        continue;
      }
      const held = usageReportFormat.parse(report.payload);
      const previous = held.previous && renamed.get(held.previous);
      if (!above && previous === undefined) continue;
      const anew = { ...(above ? loweredTo(held, level) : held), ...(previous && { previous }) };
      const fixed = this.#fixed(anew);
      tables.reports.replace({ ...fixed, fixedAt: report.fixedAt });
      renamed.set(report.payloadSha256, fixed.payloadSha256);
      if (above)
        this.#audit(tables, 'usage-report-lowered', report, level, 'was made anew without what is above');
    }
  }

  #drop(tables: WriteTables, report: WaitingReport, level: UsageLevel): void {
    const at = this.#options.clock.now();
    const reason = `the level was lowered to ${level} before the vendor had acknowledged it`;
    tables.reports.settle(report, { state: 'dropped', at, reason });
    this.#audit(tables, 'usage-report-dropped', report, level, 'was dropped unacknowledged');
  }

  #audit(tables: WriteTables, action: string, report: WaitingReport, level: UsageLevel, what: string): void {
    const { epoch, sequence, payloadSha256 } = report;
    tables.audit.append({
      at: this.#options.clock.now(),
      by: 'SMS_DMP_UPLOADER',
      action,
      text: `Usage report ${sequence} of epoch ${epoch}, fixed at level ${report.level}, ${what}: the level is ${level} now`,
      data: { epoch, sequence, from: report.level, to: level, payloadSha256 },
    });
  }

  /** Undefined when there is nothing that has not been reported, or too much waits. */
  #make(tables: WriteTables, roster: Roster) {
    const { clock } = this.#options;
    if (quotaReached(tables) !== undefined) return undefined;
    const level = this.#level(tables, roster);
    const reported = (tables.settings.get(reportedSetting) as Reported | undefined) ?? {};
    const active = roster.sites.filter(({ revoked }) => revoked === undefined);
    const fresh = active.flatMap(({ code, type }) => {
      const body = tables.records.get(code, 'site-usage', usageRecordKey)?.body as SiteUsage | undefined;
      return body === undefined || body.collectedAt === reported[code] ? [] : [{ code, type, body }];
    });
    if (fresh.length === 0) return undefined;
    const newest = tables.reports.newest();
    const epoch = tables.records.epoch();
    const fixedAt = Math.round(clock.now());
    const report: UsageReport = {
      schema: 1,
      hierarchyId: roster.hierarchyId,
      epoch,
      sequence: newest?.epoch === epoch ? newest.sequence + 1 : 1,
      ...(newest === undefined ? {} : { previous: newest.payloadSha256 }),
      level,
      fixedAt: new Date(fixedAt).toISOString(),
      sites: fresh.map(({ code, type, body }) => this.#reportedSite(code, type, body, level)),
    };
    const marks = Object.fromEntries(fresh.map(({ code, body }) => [code, body.collectedAt]));
    tables.settings.put(reportedSetting, { ...reported, ...marks });
    return { ...this.#fixed(report), fixedAt };
  }

  #reportedSite(
    code: SiteCode,
    type: ReportedSite['type'],
    body: SiteUsage,
    chosen: UsageLevel,
  ): ReportedSite {
    const level = lowerLevel(body.level, chosen);
    return {
      site: this.#options.hashName(code),
      type,
      level,
      collectedAt: body.collectedAt,
      items: hashIdentifying(toldAt(body.items, level), this.#options.hashName),
    };
  }

  #fixed(report: UsageReport) {
    const payload = usageReportFormat.print(usageReportFormat.check(report));
    const payloadSha256: Digest = digest(this.#options.digests.of('sha256', payload));
    const { epoch, sequence, level } = report;
    return { epoch, sequence, level, payload, payloadSha256 };
  }

  #level(tables: ReadTables, roster: Roster): UsageLevel {
    const topTier = topTierOf(roster)?.code ?? this.#options.site.code;
    return readPolicy(tables.records, topTier).level;
  }
}

/** Whether so much waits that nothing new is fixed. */
export function quotaReached(tables: ReadTables): QuotaReached | undefined {
  const { count, sizeBytes } = tables.reports.backlog();
  return count >= reportsWaitingMax || sizeBytes >= bytesWaitingMax ? { count, sizeBytes } : undefined;
}

/** Its items that are told at a level; items that this release does not know stay here. */
function toldAt(items: SiteUsage['items'], level: UsageLevel): SiteUsage['items'] {
  return Object.fromEntries(
    Object.entries(items).filter(([id]) => {
      const item = usageItem(id);
      return item !== undefined && isTold(item.level, level);
    }),
  );
}

function loweredTo(report: UsageReport, level: UsageLevel): UsageReport {
  return {
    ...report,
    level: lowerLevel(report.level, level),
    sites: report.sites.map((site) => ({
      ...site,
      level: lowerLevel(site.level, level),
      items: toldAt(site.items, level),
    })),
  };
}
