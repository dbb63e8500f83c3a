import type { HierarchyId } from '../../shared/ids.ts';

/**
 * How a hierarchy without a line registers with its vendor: the vendor's word and the operating key's statement, as
 * one more envelope among those that go out. Signed by that operating key, and only ever sealed.
 */
export interface Enrolment {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  readonly code: string;
  /** The statement's envelope, in base64. */
  readonly statement: string;
}
