import { Type, type TSchema } from 'typebox';
import type { ReportedSite, SiteUsage, UsagePolicy, UsageReport } from '../domain/usage/report.ts';
import { usageLevels } from '../domain/usage/level.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import {
  closed,
  countField,
  digestField,
  duplicates,
  epochField,
  hierarchyIdField,
  instantField,
  siteTypeField,
  textField,
} from './fields.ts';

const levelField = Type.Enum([...usageLevels]);
// Keys are judged by their patterns alone, so lengths stand in them.
const itemIdField = Type.String({ pattern: '^[a-z]{1,20}\\.[a-z][A-Za-z0-9]{0,42}$' });
const columnField = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,63}$' });
const cellField = Type.Union([
  Type.Boolean(),
  Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
  Type.String({ maxLength: 300 }),
]);
/** Rows of one item: enough for a table of every site or package there may be. */
const rowsField = Type.Array(Type.Record(columnField, cellField, closed), { maxItems: 10_000 });
/** Closed: what is under no item id would be looked at by nobody, and might be anything. */
const itemsField = Type.Record(itemIdField, rowsField, closed);

/** A policy of another release may say more. */
export const usagePolicyFormat: DocumentFormat<UsagePolicy> = documentFormat({
  name: 'usage policy',
  schema: Type.Object({
    schema: Type.Literal(1),
    level: levelField,
    changedAt: instantField,
    changedBy: textField(200),
    request: countField(),
  } satisfies Record<keyof UsagePolicy, TSchema>),
  maxBytes: 4096,
});

/** Not closed: a newer child may collect more than its parent knows of; that does not leave. */
export const siteUsageFormat: DocumentFormat<SiteUsage> = documentFormat({
  name: 'usage data of a site',
  schema: Type.Object({
    schema: Type.Literal(1),
    level: levelField,
    collectedAt: instantField,
    request: countField(),
    items: itemsField,
  } satisfies Record<keyof SiteUsage, TSchema>),
  maxBytes: mebibytes(4),
});

const reportedSiteField = Type.Object(
  {
    site: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    type: siteTypeField,
    level: levelField,
    collectedAt: instantField,
    items: itemsField,
  } satisfies Record<keyof ReportedSite, TSchema>,
  closed,
);

/** Closed: what leaves is what is listed here and in the registry. Which items and columns there are, the registry says. */
export const usageReportFormat: DocumentFormat<UsageReport> = documentFormat({
  name: 'usage report',
  schema: Type.Object(
    {
      schema: Type.Literal(1),
      hierarchyId: hierarchyIdField,
      epoch: epochField,
      sequence: countField(1),
      previous: Type.Optional(digestField),
      level: levelField,
      fixedAt: instantField,
      sites: Type.Array(reportedSiteField, { maxItems: 1000 }),
    } satisfies Record<keyof UsageReport, TSchema>,
    closed,
  ),
  maxBytes: mebibytes(8),
  rules: (report) =>
    duplicates(
      report.sites,
      ({ site }) => site,
      (index) => `/sites/${index}/site`,
    ),
});
