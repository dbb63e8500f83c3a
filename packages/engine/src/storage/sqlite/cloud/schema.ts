import type { Generated } from 'kysely';

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
}
