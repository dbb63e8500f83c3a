import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { UpdateEvent, UpdateEventName } from '@sallyport/core/domain/updates/event';
import { allowedEvents, canCancel, nextEvent, refold } from '@sallyport/core/domain/updates/state';
import { packageGuid, siteCode } from '@sallyport/core/shared/ids';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { everyDatabase } from './test-support/databases.ts';
import { eventRecord, foreign } from './test-support/foreign-records.ts';

const PRI = siteCode('PRI');
const CAS = siteCode('CAS');
const guid = packageGuid('11111111-2222-3333-4444-555555555555');
const other = packageGuid('99999999-2222-3333-4444-555555555555');

/** Appends what leads to a running install of a package at a site. */
function startInstall(database: SiteDatabase, id: typeof guid): void {
  const names: UpdateEventName[] = [
    'ordered',
    'replication-started',
    'replication-succeeded',
    'prerequisites-started',
    'prerequisites-passed',
    'install-started',
  ];
  for (const event of names) {
    database.write(({ updates }) =>
      updates.append(
        nextEvent(updates.projection(id, PRI), {
          guid: id,
          site: PRI,
          event,
          at: 5,
          ...(event === 'ordered' ? { attempt: 1 } : {}),
        }),
      ),
    );
  }
}

for (const [where, open] of Object.entries(everyDatabase())) {
  describe(`a site database ${where}`, () => {
    test('keeps settings, and forgets removed ones', () => {
      const database = open('PRI');
      database.write(({ settings }) => settings.put('site', { ring: 'general', share: 0.5 }));
      assert.deepEqual(
        database.read(({ settings }) => settings.get('site')),
        { ring: 'general', share: 0.5 },
      );
      database.write(({ settings }) => settings.remove('site'));
      assert.equal(
        database.read(({ settings }) => settings.get('site')),
        undefined,
      );
      database.close();
    });

    test('takes all of a transaction or nothing', () => {
      const database = open('PRI');
      assert.throws(() =>
        database.write(({ settings, records }) => {
          settings.put('site', 1);
          records.putOwn('site-status', 'all', { ok: 1 }, 1);
          throw new RangeError('stop');
        }),
      );
      assert.equal(
        database.read(({ settings }) => settings.get('site')),
        undefined,
      );
      assert.deepEqual(
        database.read(({ records }) => ({ head: records.head(), usage: records.usage([PRI]) })),
        {
          head: 0,
          usage: { count: 0, sizeBytes: 0 },
        },
      );
      database.close();
    });

    test('answers new records of one kind alone', () => {
      const database = open('PRI');
      database.write(({ records }) => {
        records.putOwn('site-status', 'all', 1, 1);
        records.apply(CAS, [foreign(), foreign({ key: 'x' })], 1);
      });
      const found = database.read(({ records }) =>
        [records.after(0, 10, 'order'), records.after(2, 10, 'order'), records.after(0, 1, 'order')].map(
          (some) => some.map(({ record }) => record.key),
        ),
      );
      assert.deepEqual(found, [['0000000001', 'x'], ['x'], ['0000000001']]);
      database.close();
    });

    test('refuses work inside work, and any work once it is closed', () => {
      const database = open('PRI');
      assert.throws(() => database.write(() => database.read(() => 1)), { code: 'NESTED' });
      assert.equal(
        database.read(() => 1),
        1,
      );
      database.close();
      database.close();
      assert.throws(() => database.read(() => 1), { code: 'CLOSED' });
    });

    test('an own record rises by one with each change, and not for an equal body', () => {
      const database = open('PRI');
      const put = (body: unknown) =>
        database.write(({ records }) => records.putOwn('site-status', 'all', body, 1));
      assert.deepEqual([put({ a: 1, b: 2 }).n, put({ b: 2, a: 1 }).n, put({ a: 2 }).n], [1, 1, 2]);
      assert.deepEqual(
        database.read(({ records }) => [records.head(), records.after(0, 10).map(({ arrival }) => arrival)]),
        [2, [2]],
      );
      database.write(({ records }) => records.raiseEpoch(3));
      assert.deepEqual([put({ a: 3 }).epoch, put({ a: 3 }).n], [3, 3]);
      database.close();
    });

    test('applying keeps the higher version, moves the cursor, and answers what changed', () => {
      const database = open('PRI');
      const apply = (...records: ReplicatedRecord[]) =>
        database.write((tables) => tables.records.apply(CAS, records, 7).length);
      assert.equal(apply(foreign({ n: 2, body: 2 }), foreign({ key: 'x' })), 2);
      assert.equal(apply(foreign({ n: 2, body: 2 }), foreign({ n: 1, body: 1 })), 0);
      assert.equal(apply(foreign({ epoch: 2, n: 1, body: 3 })), 1);
      assert.equal(
        database.read(({ records }) => records.get(CAS, 'order', '0000000001')?.body),
        3,
      );
      assert.equal(
        database.read(({ records }) => records.cursor(CAS)),
        7,
      );
      assert.deepEqual(
        database.read(({ records }) => records.list({ kind: 'order' }).map(({ key }) => key)),
        ['0000000001', 'x'],
      );
      database.close();
    });

    test('equal versions with other content are a fork, and nothing of the batch stays', () => {
      const database = open('PRI');
      database.write(({ records }) => records.apply(CAS, [foreign()], 1));
      assert.throws(
        () =>
          database.write(({ records }) =>
            records.apply(CAS, [foreign({ key: 'new' }), foreign({ body: 'other' })], 2),
          ),
        { code: 'FORK' },
      );
      assert.deepEqual(
        database.read(({ records }) => [records.head(), records.cursor(CAS)]),
        [1, 1],
      );
      database.close();
    });

    test('a peer that knows newer writes of this site than the site itself shows an old copy', () => {
      const database = open('PRI');
      const own = database.write(({ records }) => records.putOwn('site-status', 'all', 1, 1));
      database.write(({ records }) => records.apply(CAS, [own], 1));
      const lost = foreign({ owner: PRI, kind: 'site-status', key: 'all', n: 2, body: 2 });
      assert.throws(() => database.write(({ records }) => records.apply(CAS, [lost], 2)), { code: 'FORK' });
      database.write(({ records }) => records.raiseEpoch(2));
      assert.equal(
        database.write(({ records }) => records.apply(CAS, [lost], 2).length),
        0,
      );
      database.close();
    });

    test('counts what is held of each owner', () => {
      const database = open('PRI');
      const sizeBytes = (body: unknown, key: string) => JSON.stringify(body).length + key.length;
      database.write(({ records }) => records.apply(CAS, [foreign({ body: 'é' }), foreign({ key: 'x' })], 1));
      database.write(({ records }) => records.apply(CAS, [foreign({ n: 2, body: 'longer' })], 1));
      assert.deepEqual(
        database.read(({ records }) => records.usage([CAS, PRI])),
        {
          count: 2,
          sizeBytes: sizeBytes('longer', '0000000001') + sizeBytes({ action: 'install' }, 'x'),
        },
      );
      database.close();
    });

    test('an own event becomes a record in the same transaction, an event of another site does not', () => {
      const database = open('PRI');
      database.write(({ updates }) =>
        updates.append(nextEvent(undefined, { guid, site: PRI, event: 'applicable', at: 5 })),
      );
      const [record] = database.read(({ records }) => records.list({ kind: 'update-event' }));
      assert.equal(record?.key, `${guid}/0000000001`);
      assert.deepEqual(record.body, nextEvent(undefined, { guid, site: PRI, event: 'applicable', at: 5 }));
      assert.throws(
        () =>
          database.write(({ updates }) =>
            updates.append(nextEvent(undefined, { guid, site: PRI, event: 'applicable', at: 6 })),
          ),
        {
          code: 'SEQUENCE_CONFLICT',
        },
      );
      database.close();
    });

    test('an event of another site enters log and projection with its record, once', () => {
      const database = open('PRI');
      const first = nextEvent(undefined, { guid, site: CAS, event: 'applicable', at: 5 });
      const records = [eventRecord(first), eventRecord({ ...first, sequence: 2, event: 'download-started' })];
      database.write((tables) => tables.records.apply(CAS, records, 2));
      database.write((tables) => tables.records.apply(CAS, records, 2));
      assert.equal(
        database.read(({ updates }) => updates.projection(guid, CAS)?.state),
        'DOWNLOAD_IN_PROGRESS',
      );
      assert.deepEqual(
        database.read(({ updates }) => updates.events({ site: CAS }).map(({ sequence }) => sequence)),
        [1, 2],
      );
      database.close();
    });

    test('an event that its own key or the state machine denies is refused with its batch', () => {
      const database = open('PRI');
      const first = nextEvent(undefined, { guid, site: CAS, event: 'applicable', at: 5 });
      const wrongSite = { ...eventRecord(first), body: { ...first, site: PRI } };
      const illegal = eventRecord({ ...first, sequence: 2, event: 'install-succeeded' });
      assert.throws(() => database.write(({ records }) => records.apply(CAS, [wrongSite], 1)), {
        code: 'MALFORMED',
      });
      assert.throws(
        () => database.write(({ records }) => records.apply(CAS, [eventRecord(first), illegal], 2)),
        { code: 'ILLEGAL_TRANSITION' },
      );
      assert.deepEqual(
        database.read(({ updates }) => updates.events({})),
        [],
      );
      database.close();
    });

    test('a restored site tells another history from where its backup ended', () => {
      const database = open('PRI');
      const event = (sequence: number, name: UpdateEventName): UpdateEvent => ({
        guid,
        site: CAS,
        attempt: 0,
        sequence,
        event: name,
        at: sequence,
        data: {},
      });
      const lost = [
        event(1, 'applicable'),
        event(2, 'download-started'),
        event(3, 'download-failed'),
        event(4, 'download-started'),
      ];
      database.write(({ records }) =>
        records.apply(
          CAS,
          lost.map((item) => eventRecord(item)),
          4,
        ),
      );
      const again = eventRecord(event(2, 'not-applicable'), 2);
      database.write(({ records }) => records.apply(CAS, [again], 5));
      assert.equal(
        database.read(({ updates }) => updates.projection(guid, CAS)?.state),
        'APPLICABILITY_NA',
      );
      assert.deepEqual(
        database.read(({ updates }) => updates.events({ guid }).map((item) => item.event)),
        ['applicable', 'not-applicable'],
      );
      // Whoever takes everything from here at cursor 0 gets a history without gaps.
      const fresh = open('S01');
      const everything = database.read(({ records }) => records.after(0, 100).map(({ record }) => record));
      fresh.write(({ records }) => records.apply(PRI, everything, 5));
      assert.equal(
        fresh.read(({ updates }) => updates.projection(guid, CAS)?.state),
        'APPLICABILITY_NA',
      );
      fresh.close();
      database.close();
    });

    test('a second install at a site is refused while one runs', () => {
      const database = open('PRI');
      startInstall(database, guid);
      assert.throws(
        () => startInstall(database, other),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'INSTALL_RUNNING');
          assert.match(error.message, new RegExp(guid));
          return true;
        },
      );
      assert.equal(
        database.read(({ updates }) => updates.projection(other, PRI)?.state),
        'PREREQ_SUCCESS',
      );
      database.write(({ updates }) => {
        const before = updates.projection(guid, PRI);
        updates.append(
          nextEvent(before, {
            guid,
            site: PRI,
            event: 'install-failed',
            at: 9,
            data: { reason: 'no', code: 'X' },
          }),
        );
        updates.append(
          nextEvent(updates.projection(other, PRI), {
            guid: other,
            site: PRI,
            event: 'install-started',
            at: 9,
          }),
        );
      });
      database.close();
    });

    test('whatever legal history is appended, the projection is the fold of the log', () => {
      fc.assert(
        fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 30 }), (choices) => {
          const database = open('PRI');
          for (const choice of choices) {
            database.write(({ updates }) => {
              const before = updates.projection(guid, PRI);
              const names = allowedEvents(before?.state ?? 'UNKNOWN').filter(
                (name) => name !== 'cancelled' || (before !== undefined && canCancel(before)),
              );
              const event = names[choice % Math.max(1, names.length)];
              if (event === undefined || event === 'step-finished') {
                return;
              }
              const attempt = (before?.attempt ?? 0) + (event === 'ordered' ? 1 : 0);
              updates.append(
                nextEvent(before, { guid, site: PRI, event, at: choice, attempt, data: { nextAt: choice } }),
              );
            });
          }
          database.read(({ updates }) => {
            assert.deepEqual(updates.projection(guid, PRI), refold(updates.events({ guid, site: PRI })));
          });
          database.close();
        }),
        { numRuns: where === 'in memory' ? 60 : 10 },
      );
    });
  });
}
