import { RecordError } from '@sallyport/core/domain/sites/record-error';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import { joinAnswerFormat, relayedRequestFormat } from '@sallyport/core/wire/join';
import { recordFormat } from '@sallyport/core/wire/record';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { siteFactsFormat } from '@sallyport/core/wire/facts';
import { updateEventFormat } from '@sallyport/core/wire/update-event';
import { WireError } from '@sallyport/core/wire/wire-error';
import type { Digests } from '../../ports/digests.ts';

/** Bodies that must read before anybody here looks at them; those of other kinds are judged by who uses them. */
const bodyFormats: { readonly [kind in ReplicatedRecord['kind']]?: { check(value: unknown): unknown } } = {
  'update-event': updateEventFormat,
  'site-facts': siteFactsFormat,
  'join-request': relayedRequestFormat,
  'join-answer': joinAnswerFormat,
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
    if (record.epoch < 1) {
      throw new RecordError('MALFORMED', `a record of site ${record.owner} has no epoch`, {
        owner: record.owner,
      });
    }
    if (recordHash(record, digests.of) !== record.hash) {
      throw new RecordError(
        'HASH_MISMATCH',
        `the record ${record.owner}/${record.kind}/${record.key} does not have the content that its hash says: it was altered on the way`,
        { owner: record.owner, kind: record.kind, key: record.key },
      );
    }
    bodyFormats[record.kind]?.check(record.body);
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
