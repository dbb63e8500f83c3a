import { RecordError } from '@sallyport/core/domain/sites/record-error';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import { joinAnswerFormat, relayedRequestFormat } from '@sallyport/core/wire/join';
import { recordFormat } from '@sallyport/core/wire/record';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { siteFactsFormat } from '@sallyport/core/wire/facts';
import {
  componentsStatusFormat,
  contentStatusFormat,
  linksStatusFormat,
  ordersStatusFormat,
} from '@sallyport/core/wire/site-status';
import { updateEventFormat } from '@sallyport/core/wire/update-event';
import { siteUsageFormat, usagePolicyFormat } from '@sallyport/core/wire/usage';
import { WireError } from '@sallyport/core/wire/wire-error';
import type { Digests } from '../../ports/digests.ts';
import { contentRecordKey } from '../distribution-manager/content-status.ts';
import { componentsRecordKey, linksRecordKey, ordersRecordKey } from '../hierarchy-manager/own-records.ts';

/** Bodies that must read before anybody here looks at them; those of other kinds are judged by who uses them. */
const bodyFormats: { readonly [kind in ReplicatedRecord['kind']]?: { check(value: unknown): unknown } } = {
  'update-event': updateEventFormat,
  'site-facts': siteFactsFormat,
  'join-request': relayedRequestFormat,
  'join-answer': joinAnswerFormat,
  'site-usage': siteUsageFormat,
  'usage-policy': usagePolicyFormat,
};

/** By their keys; nobody looks at other ones. */
const statusFormats: { readonly [key: string]: { check(value: unknown): unknown } } = {
  [ordersRecordKey]: ordersStatusFormat,
  [componentsRecordKey]: componentsStatusFormat,
  [contentRecordKey]: contentStatusFormat,
  [linksRecordKey]: linksStatusFormat,
};

/**
 * A record as it came over a link, once form, hash and body are right. Whether its owner may write it is another
 * question.
 *
 * @throws {RecordError} MALFORMED, HASH_MISMATCH
 */
export function checkRecord(value: unknown, digests: Digests): ReplicatedRecord {
  try {
    const record = recordFormat.check(value);
    if (recordHash(record, digests.of) !== record.hash) {
      throw new RecordError(
        'HASH_MISMATCH',
        `the record ${record.owner}/${record.kind}/${record.key} does not have the content that its hash says: it was altered on the way`,
        { owner: record.owner, kind: record.kind, key: record.key },
      );
    }
    const format = record.kind === 'site-status' ? statusFormats[record.key] : bodyFormats[record.kind];
    format?.check(record.body);
    return record;
  } catch (cause) {
    if (cause instanceof WireError) {
      throw new RecordError('MALFORMED', `a record cannot be taken: ${cause.message}`, cause.details, {
        cause,
      });
    }
    throw cause;
  }
}
