import { judgeDownward } from '@sallyport/core/domain/sites/record-flow';
import { RecordError } from '@sallyport/core/domain/sites/record-error';
import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { restoreRemedy } from '@sallyport/core/domain/sites/epoch';
import { compareRosters } from '@sallyport/core/domain/sites/roster';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import {
  verifyOperatingKey,
  verifyRoster,
  type VerificationTools,
} from '@sallyport/core/wire/hierarchy-documents';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { Hierarchy } from '../hierarchy-identity/hierarchy-view.ts';

/** What may be applied of a parent's batch, and the hierarchy as it is afterwards. */
export interface Admitted {
  readonly records: readonly ReplicatedRecord[];
  readonly hierarchy: Hierarchy;
  /** Replaced documents and such: left out, for the log. */
  readonly ignored: readonly string[];
}

/**
 * Judges a parent's batch: who wrote each record, and the signatures of roster and operating key. A newer roster
 * counts for the records that come after it.
 *
 * @throws {RecordError} NOT_ALLOWED
 * @throws {HierarchyError} FORGED, BAD_ROSTER
 */
export function admitFromParent(
  self: SiteCode,
  records: readonly ReplicatedRecord[],
  before: Hierarchy,
  tools: VerificationTools,
): Admitted {
  const admitted: ReplicatedRecord[] = [];
  const ignored: string[] = [];
  let hierarchy = before;
  for (const record of records) {
    const verdict = judgeDownward(hierarchy.roster, self, record);
    if (verdict.kind === 'refused') {
      throw new RecordError('NOT_ALLOWED', `a record from the parent site is forged: ${verdict.reason}`, {
        owner: record.owner,
        kind: record.kind,
      });
    }
    const next = take(record, hierarchy, tools);
    if (next === 'replaced') {
      ignored.push(
        `${record.kind} ${record.epoch}.${record.n} of site ${record.owner} has been replaced already`,
      );
    } else {
      hierarchy = next;
      admitted.push(record);
    }
  }
  return { records: admitted, hierarchy, ignored };
}

function take(
  record: ReplicatedRecord,
  hierarchy: Hierarchy,
  tools: VerificationTools,
): Hierarchy | 'replaced' {
  const { documents, hierarchyId } = hierarchy;
  if (record.kind === 'operating-key') {
    const operatingKey = record.body as EnvelopeJson;
    const statement = verifyOperatingKey(operatingKey, hierarchyId, tools);
    if (statement.sequence < hierarchy.statement.sequence) {
      return 'replaced';
    }
    if (
      statement.sequence === hierarchy.statement.sequence &&
      statement.operatingKey !== hierarchy.statement.operatingKey
    ) {
      throw new HierarchyError(
        'FORGED',
        `two different operating keys have the sequence ${statement.sequence}: the recovery key was used twice; sign one with a higher sequence`,
        { sequence: statement.sequence },
      );
    }
    return { ...hierarchy, statement, documents: { ...documents, operatingKey } };
  }
  if (record.kind === 'roster') {
    return takeRoster(record, hierarchy, tools);
  }
  return hierarchy;
}

function takeRoster(
  record: ReplicatedRecord,
  hierarchy: Hierarchy,
  tools: VerificationTools,
): Hierarchy | 'replaced' {
  const { documents } = hierarchy;
  const envelope = record.body as EnvelopeJson;
  if (envelope.payload === documents.roster.payload) {
    return { ...hierarchy, documents: { ...documents, roster: envelope } };
  }
  const roster = verifyRoster(envelope, hierarchy.statement, tools);
  const order = compareRosters(roster, hierarchy.roster);
  if (order < 0) {
    return 'replaced';
  }
  if (order === 0) {
    throw new RecordError(
      'FORK',
      `two different rosters have the version ${roster.version}: the top-tier site went on from an old copy of its database; ${restoreRemedy}`,
      { version: roster.version },
    );
  }
  return { ...hierarchy, roster, documents: { ...documents, roster: envelope } };
}
