import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import { digest, type EpochMs } from '@sallyport/core/shared/ids';
import type {
  FixedUsageReport,
  ReportId,
  ReportReads,
  ReportState,
  ReportWrites,
  StoredReport,
} from '../../ports/usage-reports.ts';
import type { Connection, Row } from './connection.ts';

export const usageReportSchema = `
  CREATE TABLE usage_report (
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    level TEXT NOT NULL CHECK (level IN ('basic', 'enhanced', 'full')),
    fixed_at INTEGER NOT NULL,
    payload_sha256 TEXT NOT NULL CHECK (length(payload_sha256) = 64),
    payload BLOB,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'acknowledged', 'refused', 'dropped')),
    sent_at INTEGER,
    settled_at INTEGER,
    reason TEXT,
    PRIMARY KEY (epoch, sequence),
    CHECK ((state = 'waiting') = (settled_at IS NULL)),
    CHECK (state <> 'waiting' OR payload IS NOT NULL),
    CHECK (state NOT IN ('refused', 'dropped') OR reason IS NOT NULL)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_report_state ON usage_report (state, epoch, sequence)`;

const columns =
  'epoch, sequence, level, fixed_at, payload_sha256, size_bytes, state, sent_at, settled_at, reason';
const newestFirst = 'ORDER BY epoch DESC, sequence DESC LIMIT 1';

/** The reports of a top-tier site: fixed as bytes, sent until they are settled. */
export class UsageReportTables implements ReportReads, ReportWrites {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  waiting(): readonly (StoredReport & { readonly payload: Uint8Array })[] {
    return this.#connection
      .all(`SELECT ${columns}, payload FROM usage_report WHERE state = 'waiting' ORDER BY epoch, sequence`)
      .map((row) => ({ ...reportOf(row), payload: bytesOf(row) }));
  }

  backlog(): { readonly count: number; readonly sizeBytes: number } {
    const row = this.#connection.get(
      `SELECT count(*) AS count, coalesce(sum(size_bytes), 0) AS size FROM usage_report WHERE state = 'waiting'`,
    );
    return { count: Number(row?.['count']), sizeBytes: Number(row?.['size']) };
  }

  newest(): StoredReport | undefined {
    const row = this.#connection.get(`SELECT ${columns} FROM usage_report ${newestFirst}`);
    return row && reportOf(row);
  }

  newestAcknowledged(): StoredReport | undefined {
    const row = this.#connection.get(
      `SELECT ${columns}, payload FROM usage_report WHERE state = 'acknowledged' ${newestFirst}`,
    );
    return row && { ...reportOf(row), ...(row['payload'] === null ? {} : { payload: bytesOf(row) }) };
  }

  history(limit: number): readonly StoredReport[] {
    return this.#connection
      .all(`SELECT ${columns} FROM usage_report ORDER BY epoch DESC, sequence DESC LIMIT ?`, limit)
      .map(reportOf);
  }

  add({ epoch, sequence, level, fixedAt, payloadSha256, payload }: FixedUsageReport): void {
    this.#connection.run(
      `INSERT INTO usage_report (epoch, sequence, level, fixed_at, payload_sha256, payload, size_bytes, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting')`,
      epoch,
      sequence,
      level,
      Math.round(fixedAt),
      payloadSha256,
      payload,
      payload.length,
    );
  }

  replace({ epoch, sequence, level, fixedAt, payloadSha256, payload }: FixedUsageReport): void {
    this.#connection.run(
      `UPDATE usage_report SET level = ?, fixed_at = ?, payload_sha256 = ?, payload = ?, size_bytes = ?
       WHERE epoch = ? AND sequence = ? AND state = 'waiting' AND sent_at IS NULL`,
      level,
      Math.round(fixedAt),
      payloadSha256,
      payload,
      payload.length,
      epoch,
      sequence,
    );
  }

  noteSent({ epoch, sequence }: ReportId, at: EpochMs): void {
    this.#connection.run(
      'UPDATE usage_report SET sent_at = ? WHERE epoch = ? AND sequence = ? AND sent_at IS NULL',
      Math.round(at),
      epoch,
      sequence,
    );
  }

  settle(
    { epoch, sequence }: ReportId,
    {
      state,
      at,
      reason,
    }: { readonly state: Exclude<ReportState, 'waiting'>; readonly at: EpochMs; readonly reason?: string },
  ): void {
    this.#connection.run(
      `UPDATE usage_report SET state = ?, settled_at = ?, reason = ?
       WHERE epoch = ? AND sequence = ? AND state = 'waiting'`,
      state,
      Math.round(at),
      reason ?? null,
      epoch,
      sequence,
    );
    this.#connection.run(
      `UPDATE usage_report SET payload = NULL WHERE state <> 'waiting' AND payload IS NOT NULL
       AND (epoch, sequence) IS NOT (SELECT epoch, sequence FROM usage_report WHERE state = 'acknowledged' ${newestFirst})`,
    );
  }
}

function reportOf(row: Row): StoredReport {
  const [sentAt, settledAt, reason] = [row['sent_at'], row['settled_at'], row['reason']];
  return {
    epoch: Number(row['epoch']),
    sequence: Number(row['sequence']),
    level: String(row['level']) as UsageLevel,
    fixedAt: Number(row['fixed_at']),
    payloadSha256: digest(String(row['payload_sha256'])),
    sizeBytes: Number(row['size_bytes']),
    state: String(row['state']) as ReportState,
    ...(sentAt === null ? {} : { sentAt: Number(sentAt) }),
    ...(settledAt === null ? {} : { settledAt: Number(settledAt) }),
    ...(typeof reason === 'string' ? { reason } : {}),
  };
}

function bytesOf(row: Row): Uint8Array {
  const { payload } = row;
  if (payload instanceof Uint8Array) return payload;
  throw new TypeError('a report that waits has lost its bytes: restore the site database');
}
