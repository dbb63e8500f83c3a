import type { Generated } from 'kysely';
import type { SiteType } from '@sallyport/core/domain/sites/site';
import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import type { CopySign } from '../../../ports/usage-intake.ts';
import type { AuditAct } from '../../../ports/usage-ledger.ts';

/** The cloud's tables. Times are milliseconds since 1970; digests, ids and keys are lower-case hexadecimal. */
export interface CloudTables {
  readonly cloud_migration: { readonly number: number; readonly name: string };
  readonly enrolment_code: {
    readonly sha256: string;
    readonly created_at: number;
    readonly expires_at: number | null;
    readonly used_by: string | null;
    readonly used_at: number | null;
  };
  readonly hierarchy: {
    readonly id: string;
    readonly operating_key: string;
    readonly statement: Uint8Array;
    readonly statement_sequence: number;
    readonly enrolled_at: number;
    readonly offer_sequence: Generated<number>;
  };
  readonly accepted_facts: {
    readonly hierarchy_id: string;
    readonly epoch: number;
    readonly sequence: number;
    readonly payload_sha256: string;
    readonly payload: Uint8Array;
    readonly accepted_at: number;
  };
  readonly usage_report: {
    readonly id: Generated<number>;
    readonly hierarchy_id: string;
    readonly epoch: number;
    readonly sequence: number;
    readonly payload_sha256: string;
    readonly previous_sha256: string | null;
    readonly level: UsageLevel;
    readonly fixed_at: number;
    readonly accepted_at: number;
    readonly size_bytes: number;
  };
  readonly usage_site: {
    readonly id: Generated<number>;
    readonly report_id: number;
    /** Keyed hash of the site code. */
    readonly site: string;
    readonly type: SiteType;
    readonly level: UsageLevel;
    readonly collected_at: number;
  };
  readonly usage_row: {
    readonly site_id: number;
    /** Its id in the registry. */
    readonly item: string;
    /** From 0 within the item. */
    readonly number: number;
    /** JSON object: columns by name. */
    readonly cells: string;
  };
  readonly usage_quarantine: {
    readonly hierarchy_id: string;
    readonly since: number;
    readonly sign: CopySign;
    readonly epoch: number;
    readonly sequence: number;
    readonly stored_sha256: string;
    readonly refused_sha256: string;
  };
  readonly usage_floor: {
    readonly hierarchy_id: string;
    readonly kind: 'facts' | 'report';
    readonly epoch: number;
    readonly sequence: number;
  };
  readonly cloud_audit: {
    readonly id: Generated<number>;
    readonly at: number;
    readonly who: string;
    readonly act: AuditAct;
    readonly hierarchy_id: string | null;
    readonly package: string | null;
    /** JSON object. */
    readonly details: string;
  };
  readonly cloud_setting: { readonly name: string; readonly value: string };
  readonly stop_limit: {
    readonly package: string;
    readonly percent: number;
    readonly of_at_least: number;
    readonly set_at: number;
    readonly tripped_at: number | null;
  };
}
