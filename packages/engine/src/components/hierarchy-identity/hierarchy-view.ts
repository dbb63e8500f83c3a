import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import type { OperatingKeyStatement, Roster } from '@sallyport/core/domain/sites/site';
import type { Order } from '@sallyport/core/domain/updates/order';
import type { HierarchyId } from '@sallyport/core/shared/ids';
import {
  verifyOperatingKey,
  verifyOrder,
  verifyRoster,
  type VerificationTools,
} from '@sallyport/core/wire/hierarchy-documents';
import type { SettingReads, SiteDatabase } from '../../ports/site-database.ts';
import { type HierarchySetting, readHierarchy } from './hierarchy-setting.ts';

/** Who belongs to the hierarchy and whose signature counts in it, verified. */
export interface Hierarchy {
  readonly hierarchyId: HierarchyId;
  readonly statement: OperatingKeyStatement;
  readonly roster: Roster;
  /** The signed documents themselves, to be passed on as they are. */
  readonly documents: HierarchySetting;
}

/** The hierarchy as this site knows it: read from the database and verified again from the pinned id. */
export class HierarchyView {
  readonly tools: VerificationTools;
  readonly #database: SiteDatabase;
  #memo:
    | { readonly documents: HierarchySetting; readonly text: string; readonly hierarchy: Hierarchy }
    | undefined;

  constructor(options: { readonly database: SiteDatabase } & VerificationTools) {
    this.#database = options.database;
    this.tools = { check: options.check, digestOf: options.digestOf };
  }

  /**
   * @throws {HierarchyError} NOT_JOINED, FORGED, BAD_ROSTER
   */
  current(): Hierarchy {
    const documents = this.#database.read(({ settings }) => this.documentsIn(settings));
    // Asked at every message of every link: a database that answers the same value as before is not even compared.
    if (this.#memo?.documents === documents) return this.#memo.hierarchy;
    const text = JSON.stringify(documents);
    const hierarchy =
      this.#memo?.text === text ? this.#memo.hierarchy : verifyHierarchy(documents, this.tools);
    this.#memo = { documents, text, hierarchy };
    return hierarchy;
  }

  /** The documents within the caller's transaction. @throws {HierarchyError} NOT_JOINED */
  documentsIn(settings: SettingReads): HierarchySetting {
    const documents = readHierarchy(settings);
    if (documents === undefined) {
      throw new HierarchyError(
        'NOT_JOINED',
        'this site belongs to no hierarchy yet: set it up with "sallyport site setup"',
      );
    }
    return documents;
  }

  /**
   * The order in a record's body, as far as its signature goes.
   *
   * @throws {HierarchyError} FORGED, NOT_JOINED
   */
  verifyOrder(body: unknown): Order {
    return verifyOrder(body, this.current().statement, this.tools);
  }
}

/**
 * Follows the chain: the pinned id, the recovery key, the operating key, the roster.
 *
 * @throws {HierarchyError} FORGED, BAD_ROSTER
 */
export function verifyHierarchy(documents: HierarchySetting, tools: VerificationTools): Hierarchy {
  const statement = verifyOperatingKey(documents.operatingKey, documents.hierarchyId, tools);
  const roster = verifyRoster(documents.roster, statement, tools);
  return { hierarchyId: documents.hierarchyId, statement, roster, documents };
}
