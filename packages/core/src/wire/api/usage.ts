import { type Static, Type } from 'typebox';
import { usageLevels } from '../../domain/usage/level.ts';
import { closed, countField, digestField, siteCodeField, siteTypeField, textField } from '../fields.ts';

const time = Type.Integer({ description: 'Milliseconds since 1970-01-01T00:00:00Z' });
const level = Type.Enum([...usageLevels]);
const by = textField(200);

/** What an administrator can ask about usage data, by the name it has in the API. Only the top-tier site answers. */
export const usageInputs = {
  /** Without `level`: only shows it. */
  'usage-level': Type.Object({ level: Type.Optional(level), by }, closed),
  /** Has every site collect now. */
  'usage-collect': Type.Object({ by }, closed),
  'usage-reports': Type.Object({}, closed),
  'usage-history': Type.Object({ limit: Type.Optional(countField(1, 10_000)) }, closed),
  audit: Type.Object({ limit: Type.Optional(countField(1, 10_000)) }, closed),
} as const;

export type UsageApiName = keyof typeof usageInputs;
export type UsageApiInput<N extends UsageApiName> = Static<(typeof usageInputs)[N]>;

export const usageLevelResult = Type.Object({
  level,
  changedAt: Type.String(),
  changedBy: Type.String(),
  /** How many times somebody asked for a collection. */
  request: countField(),
  /** Each site, and the level and time of its last collection; absent until it has made one. */
  sites: Type.Array(
    Type.Object({
      site: siteCodeField,
      type: siteTypeField,
      level: Type.Optional(level),
      collectedAt: Type.Optional(Type.String()),
      /** It has collected since the last wish and at the level in force. */
      current: Type.Boolean(),
    }),
  ),
});

const reportState = Type.Enum(['acknowledged', 'dropped', 'refused', 'waiting']);

const reportSummary = Type.Object({
  epoch: countField(1),
  sequence: countField(1),
  level,
  fixedAt: time,
  payloadSha256: digestField,
  sizeBytes: countField(),
  state: reportState,
  sentAt: Type.Optional(time),
  settledAt: Type.Optional(time),
  reason: Type.Optional(Type.String()),
});

/** Reports with their bytes, as text: canonical JSON, exactly what is signed and sealed. */
const reportWithPayload = Type.Object({ ...reportSummary.properties, payload: Type.String() });

export const usageReportsResult = Type.Object({
  /** Absent where reports leave; else why none does. */
  nothingLeaves: Type.Optional(Type.String()),
  waiting: Type.Array(reportWithPayload),
  /** The last one that the vendor has acknowledged. */
  acknowledged: Type.Optional(reportWithPayload),
  /** Names by their hashes, for those who may see both: nothing of this leaves. */
  names: Type.Record(Type.String(), Type.String()),
  /** So much waits that nothing new is fixed. */
  quota: Type.Optional(Type.Object({ count: countField(), sizeBytes: countField() })),
});

export const usageHistoryResult = Type.Object({ reports: Type.Array(reportSummary) });

export const auditResult = Type.Object({
  entries: Type.Array(
    Type.Object({
      sequence: countField(1),
      at: time,
      by: Type.String(),
      action: Type.String(),
      text: Type.String(),
      data: Type.Record(Type.String(), Type.Unknown()),
    }),
  ),
});

export type UsageLevelResult = Static<typeof usageLevelResult>;
export type UsageReportsResult = Static<typeof usageReportsResult>;
export type UsageHistoryResult = Static<typeof usageHistoryResult>;
export type AuditResult = Static<typeof auditResult>;
