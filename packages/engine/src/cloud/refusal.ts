import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { Digest, EpochMs, HierarchyId } from '@sallyport/core/shared/ids';
import { JsonError } from '@sallyport/core/wire/canonical-json';
import { WireError } from '@sallyport/core/wire/wire-error';
import type { CloudDatabase, Hierarchy } from '../ports/cloud-database.ts';
import type { RefusalCode } from '../ports/exchange-service.ts';

/** Something accepted, and to be receipted. */
export interface Accepted {
  readonly hierarchyId: HierarchyId;
  readonly payloadSha256: Digest;
  readonly acceptedAt: EpochMs;
  /** The newest facts of the hierarchy: an offer answers them. */
  readonly facts?: TargetingFacts;
  /** A usage report that was not stored before. */
  readonly isReport?: true;
}

/** An envelope that is not accepted, and why: it never leaves the desk as an error. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What an envelope is refused for. Anything else is a fault of ours, and ends the request. */
export function refusalOf(error: unknown): { readonly code: RefusalCode; readonly message: string } {
  if (error instanceof Refusal) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof WireError || error instanceof JsonError) {
    return { code: error.code === 'TOO_LARGE' ? 'TOO_LARGE' : 'MALFORMED', message: error.message };
  }
  if (error instanceof TrustError) {
    const malformed = error.code === 'MALFORMED' || error.code === 'TOO_LARGE';
    return { code: malformed ? error.code : 'FORGED', message: error.message };
  }
  if (error instanceof HierarchyError) {
    return { code: 'FORGED', message: error.message };
  }
  throw error;
}

/** The hierarchy that something says it is of. @throws {Refusal} NOT_ENROLLED */
export async function enrolled(
  database: Pick<CloudDatabase, 'hierarchy'>,
  id: HierarchyId,
): Promise<Hierarchy> {
  const hierarchy = await database.hierarchy(id);
  if (hierarchy === undefined) throw notEnrolled(id);
  return hierarchy;
}

export function notEnrolled(id: HierarchyId): Refusal {
  return new Refusal(
    'NOT_ENROLLED',
    `the hierarchy ${id} is not enrolled here: enrol it with a code from the vendor`,
  );
}
