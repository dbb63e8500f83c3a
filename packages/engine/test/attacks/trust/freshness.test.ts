import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { referenceTime } from '@sallyport/core/domain/trust/reference-time';
import { timeText, type TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import {
  type AttackedSite,
  attackedSite,
  dayMs,
  nowMs,
  vendorRepository,
  withstands,
} from '../../../test-support/attacked-trust.ts';

const believedBefore: Readonly<Record<string, readonly string[]>> = {
  root: ['root.json', 'root_history/2.root.json'],
  timestamp: [],
  snapshot: ['timestamp.json'],
  targets: ['snapshot.json', 'timestamp.json'],
  catalog: ['snapshot.json', 'targets.json', 'timestamp.json'],
};

/** Everything below root anew, one role as `change` makes it. */
function publishWith(repo: TufRepository, role: string, change: () => void): void {
  change();
  if (role === 'root') {
    repo.publish('root');
  }
  repo.publishTargets();
}

describe('a refresh refuses', () => {
  for (const [role, advances] of Object.entries(believedBefore)) {
    test(`a new ${role} that has expired`, (t) =>
      withstands(t, {
        does: ({ repo }) =>
          publishWith(repo, role, () => {
            repo.json(role).expires = timeText(nowMs);
          }),
        code: 'EXPIRED',
        says: new RegExp(`^${role} version \\d expired at 2026-11-24T00:00:00.000Z: .*check the clock`),
        advances,
      }));
  }

  test('a server that serves nothing but yesterday’s files, once those have expired', (t) =>
    withstands(t, {
      does: () => undefined,
      atMs: nowMs + 30 * dayMs,
      code: 'EXPIRED',
      says: /^timestamp version 2 expired at/,
    }));

  test('an older root in the place of the next one', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        repo.metadataFiles.set('2.root.json', repo.metadataFiles.get('1.root.json') ?? new Uint8Array());
      },
      code: 'ROLLED_BACK',
      says: /^root version 1 came where version 2 must follow/,
    }));

  test('a root that skips a version', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        repo.root.version = 2;
        repo.metadataFiles.set('2.root.json', signedAs(repo, 'root', 3));
      },
      code: 'WRONG_VERSION',
      says: /^root version 3 came where version 2 must follow/,
    }));

  test('an older timestamp', (t) =>
    withstands(t, {
      does: ({ repo }) => repo.serve('timestamp', signedAs(repo, 'timestamp', 1)),
      code: 'ROLLED_BACK',
      says: /^timestamp came with version 1, but version 2 was trusted/,
    }));

  test('a newer timestamp that names an older snapshot', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        repo.snapshot.version = 0;
        repo.publish('snapshot', 'timestamp');
      },
      code: 'ROLLED_BACK',
      says: /^snapshot \(as the timestamp names it\) came with version 1/,
    }));

  for (const role of ['targets', 'catalog']) {
    test(`a newer snapshot that names an older ${role}`, (t) =>
      withstands(t, {
        does: ({ repo }) => {
          repo.targets(role).version = 0;
          repo.publish(role, 'snapshot', 'timestamp');
        },
        // Versions published under other keys later on must be higher than both.
        code: 'ROLLED_BACK',
        says: new RegExp(`^${role}.json \\(as the snapshot names it\\) came with version 1`),
        advances: ['timestamp.json'],
        repo: () => publishedTwice(),
      }));
  }

  test('a newer snapshot that drops a delegated role', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        delete repo.snapshot.meta['catalog.json'];
        repo.publish('snapshot', 'timestamp');
      },
      code: 'ROLLED_BACK',
      says: /^catalog.json \(as the snapshot names it\) is gone/,
      advances: ['timestamp.json'],
    }));
});

function publishedTwice(): TufRepository {
  const repo = vendorRepository();
  repo.publishTargets();
  return repo;
}

function signedAs(repo: TufRepository, role: string, version: number): Uint8Array {
  const json = repo.json(role);
  const kept = json.version;
  json.version = version;
  const bytes = repo.sign(role);
  json.version = kept;
  return bytes;
}

/** What a site that was attacked makes of the vendor when it looks at the time given. */
async function verdict(site: AttackedSite, atMs: number): Promise<string> {
  try {
    return await site.exchange(atMs);
  } catch (error) {
    assert.ok(error instanceof TrustError, String(error));
    return error.code;
  }
}

test('a thief who drove timestamp and snapshot up to 2^53-1 is shaken off by new keys', async (t) => {
  const site = await attackedSite(t);
  const { repo } = site;
  repo.timestamp.version = Number.MAX_SAFE_INTEGER - 1;
  repo.snapshot.version = Number.MAX_SAFE_INTEGER - 1;
  repo.publish('snapshot', 'timestamp');
  assert.equal(await verdict(site, nowMs), 'the catalogue');
  repo.timestamp.version = 10;
  repo.snapshot.version = 10;
  repo.publish('snapshot', 'timestamp');
  assert.equal(await verdict(site, nowMs), 'ROLLED_BACK');
  repo.rotateKeys('timestamp');
  repo.rotateKeys('snapshot');
  repo.publish('root', 'snapshot', 'timestamp');
  assert.equal(await verdict(site, nowMs), 'the catalogue');
});

test('setting the clock back does not revive what expired by a time that was signed', async (t) => {
  const repo = vendorRepository();
  const site = await attackedSite(t, { repo });
  const old = new Map(repo.metadataFiles);
  const floorMs = nowMs + 40 * dayMs;
  for (const role of ['targets', 'catalog', 'snapshot', 'timestamp']) {
    repo.json(role).expires = timeText(nowMs + 90 * dayMs);
  }
  repo.timestamp['x-sallyport-issued'] = timeText(floorMs);
  repo.publishTargets();
  assert.equal(await verdict(site, floorMs), 'the catalogue');
  assert.equal(await site.store.timeFloor(), floorMs);

  // Somebody takes the site's metadata back to the old state, and sets its clock back to when that was fresh.
  for (const role of ['timestamp', 'snapshot', 'targets', 'catalog']) {
    await site.store.save(role, old.get(`2.${role}.json`) ?? old.get(`${role}.json`) ?? new Uint8Array());
  }
  repo.metadataFiles.clear();
  for (const [name, bytes] of old) repo.metadataFiles.set(name, bytes);
  const clockMs = nowMs - 400 * dayMs;
  assert.equal(await verdict(site, referenceTime(clockMs, await site.store.timeFloor())), 'EXPIRED');
  // What makes the difference is the floor: by the clock alone it would have been believed.
  assert.equal(await verdict(site, nowMs), 'the catalogue');
});

test('a stolen timestamp key cannot say a time that makes the vendor’s own later metadata expired', async (t) => {
  const site = await attackedSite(t);
  const { repo } = site;
  const honestExpiry = repo.timestamp.expires;
  repo.timestamp.expires = timeText(nowMs + 9000 * dayMs);
  repo.timestamp['x-sallyport-issued'] = timeText(nowMs + 8000 * dayMs);
  repo.publish('timestamp');
  await site.exchange();
  assert.ok((await site.store.timeFloor()) < Date.parse(repo.root.expires), 'not beyond the root’s expiry');
  // The vendor's way out: a root that lives longer, new keys, and metadata that do.
  repo.timestamp.expires = honestExpiry;
  delete repo.timestamp['x-sallyport-issued'];
  for (const role of ['root', 'timestamp', 'snapshot', 'targets', 'catalog']) {
    repo.json(role).expires = timeText(nowMs + 800 * dayMs);
  }
  repo.rotateKeys('timestamp');
  repo.publish('root');
  repo.publishTargets();
  const atMs = referenceTime(nowMs, await site.store.timeFloor());
  assert.equal(await verdict(site, atMs), 'the catalogue');
});
