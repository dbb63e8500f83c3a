import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { UpdateEvent } from '@sallyport/core/domain/updates/event';
import { siteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '../../../compute/digest.ts';

/** A record as it comes from another site: the first order of CAS, but for what is given. */
export function foreign(fields: Partial<ReplicatedRecord> = {}): ReplicatedRecord {
  const record = {
    owner: siteCode('CAS'),
    kind: 'order' as const,
    key: '0000000001',
    epoch: 1,
    n: 1,
    body: { action: 'install' },
    ...fields,
  };
  return { ...record, hash: recordHash(record, nodeDigests.of) };
}

/** The record that carries an event of another site. */
export function eventRecord(event: UpdateEvent, epoch = 1): ReplicatedRecord {
  const key = `${event.guid}/${String(event.sequence).padStart(10, '0')}`;
  return foreign({ owner: event.site, kind: 'update-event', key, epoch, body: { ...event } });
}
