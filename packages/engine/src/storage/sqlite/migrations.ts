import { auditSchema } from './audit.ts';
import type { Migration } from './migrate.ts';
import { recordSchema } from './records.ts';
import { settingSchema } from './settings.ts';
import { updateSchema } from './updates.ts';
import { usageReportSchema } from './usage-reports.ts';

/** The schema of a site's database, oldest step first. Released steps never change; add one at the end. */
export const siteMigrations: readonly Migration[] = [
  { number: 1, name: 'settings', breaking: true, sql: settingSchema },
  { number: 2, name: 'records', breaking: true, sql: recordSchema },
  { number: 3, name: 'updates', breaking: true, sql: updateSchema },
  { number: 4, name: 'usage reports', breaking: false, sql: usageReportSchema },
  { number: 5, name: 'audit', breaking: false, sql: auditSchema },
];
