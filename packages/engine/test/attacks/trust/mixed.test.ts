import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import {
  type AttackedSite,
  attackedSite,
  nowMs,
  vendorRepository,
  withstands,
} from '../../../test-support/attacked-trust.ts';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { FolderRepository } from '../../../src/storage/files/folder-repository.ts';

/** Another vendor, whose repository looks the same and has gone on a little further. */
function foreignVendor(): TufRepository {
  const repo = vendorRepository();
  repo.publishTargets();
  repo.publishTargets();
  return repo;
}

function serveFrom(site: AttackedSite, other: TufRepository, names: RegExp): void {
  for (const [name, bytes] of other.metadataFiles) {
    if (names.test(name)) site.repo.metadataFiles.set(name, bytes);
  }
}

describe('a refresh refuses', () => {
  test('another vendor’s repository where its own was', (t) =>
    withstands(t, {
      does: (site) => {
        const foreign = foreignVendor();
        foreign.publish('root');
        site.repo.metadataFiles.clear();
        serveFrom(site, foreign, /./);
      },
      code: 'BELOW_THRESHOLD',
      says: /^root version 2 is signed by 0 of the 1 keys that root version 1 asks for/,
    }));

  test('another vendor’s repository that has no newer root', (t) =>
    withstands(t, {
      does: (site) => {
        site.repo.metadataFiles.clear();
        serveFrom(site, foreignVendor(), /./);
      },
      code: 'BELOW_THRESHOLD',
      says: /^timestamp version 4 is signed by 0 of the 1 keys/,
    }));

  for (const [role, advances] of [
    ['snapshot', ['timestamp.json']],
    ['targets', ['snapshot.json', 'timestamp.json']],
    ['catalog', ['snapshot.json', 'targets.json', 'timestamp.json']],
  ] as const) {
    test(`another vendor’s ${role} under its own timestamp`, (t) =>
      withstands(t, {
        does: (site) => {
          site.repo.publishTargets();
          const name = site.repo.fileName(role);
          const foreign = foreignVendor().metadataFiles.get(name);
          site.repo.metadataFiles.set(name, foreign ?? assert.fail(`no ${name}`));
        },
        code: 'MISMATCH',
        says: new RegExp(`^${role} is not the file that trusted metadata names: its sha256 is`),
        advances,
      }));

    test(`another vendor’s ${role} where no digest tells`, (t) =>
      withstands(t, {
        repo: () => vendorRepository({ withHashes: false }),
        does: (site) => {
          site.repo.publishTargets();
          const name = site.repo.fileName(role);
          const foreign = foreignVendor().metadataFiles.get(name);
          site.repo.metadataFiles.set(name, foreign ?? assert.fail(`no ${name}`));
        },
        code: 'BELOW_THRESHOLD',
        says: new RegExp(`^${role} version \\d is signed by 0 of the 1 keys`),
        advances,
      }));

    test(`its own ${role} of the version before, where no digest tells`, (t) =>
      withstands(t, {
        repo: () => vendorRepository({ withHashes: false }),
        does: ({ repo }) => {
          const before = repo.bytes(role);
          repo.publishTargets();
          repo.metadataFiles.set(repo.fileName(role), before);
        },
        code: 'WRONG_VERSION',
        says: new RegExp(
          `^${role} has version \\d, but the trusted \\w+ names version \\d: .*mixes versions`,
        ),
        advances,
      }));
  }

  test('a delegated role in the place of the role that delegates to it', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        repo.publish('targets');
        repo.serve('targets', repo.bytes('catalog'));
        repo.publish('snapshot', 'timestamp');
      },
      code: 'BELOW_THRESHOLD',
      says: /^targets version 1 is signed by 0 of the 1 keys/,
      advances: ['snapshot.json', 'timestamp.json'],
    }));

  for (const [served, wanted, advances] of [
    ['timestamp', 'snapshot', ['timestamp.json']],
    ['snapshot', 'targets', ['snapshot.json', 'timestamp.json']],
    ['root', 'timestamp', []],
  ] as const) {
    test(`its own ${served} in the place of its ${wanted}`, (t) =>
      withstands(t, {
        repo: () => vendorRepository({ withHashes: false }),
        does: ({ repo }) => {
          repo.publishTargets();
          repo.metadataFiles.set(repo.fileName(wanted), repo.bytes(served));
        },
        code: 'WRONG_TYPE',
        says: new RegExp(`^${wanted} should be ${wanted} metadata, but the file says it is ${served}`),
        advances,
      }));
  }

  test('a snapshot that its timestamp names but the server does not have', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        repo.publishTargets();
        repo.metadataFiles.delete('3.snapshot.json');
      },
      code: 'NOT_FOUND',
      says: /has no 3\.snapshot\.json, which trusted metadata names/,
      advances: ['timestamp.json'],
    }));

  test('a second snapshot of the version it has, and stays with the first', async (t) => {
    const site = await attackedSite(t);
    const before = await site.files();
    // The thief of the snapshot key signs another one; the timestamp, whose key he lacks, still names the first.
    site.repo.snapshot.meta['catalog.json'] = { version: 9 };
    site.repo.metadataFiles.set('2.snapshot.json', site.repo.sign('snapshot'));
    assert.equal(await site.exchange(), 'the catalogue');
    assert.deepEqual(await site.files(), before);
  });
});

test('a medium of another vendor is refused as his server is, and the site’s store stays', async (t) => {
  const site = await attackedSite(t);
  const foreign = foreignVendor();
  const medium = await temporaryFolder(t);
  for (const [name, bytes] of [
    ...[...foreign.metadataFiles].map(([path, content]) => [`metadata/${path}`, content] as const),
    ...[...foreign.targetFiles].map(([path, content]) => [`targets/${path}`, content] as const),
  ]) {
    await mkdir(dirname(join(medium, name)), { recursive: true });
    await writeFile(join(medium, name), bytes);
  }
  const before = await site.files();
  const source = new FolderRepository({
    metadata: join(medium, 'metadata'),
    targets: join(medium, 'targets'),
  });
  await assert.rejects(site.exchange(nowMs, { source }), (error) => {
    assert.ok(error instanceof TrustError);
    assert.equal(error.code, 'BELOW_THRESHOLD');
    assert.match(
      error.message,
      /timestamp version 4 is signed by 0 of the 1 keys that root version 1 asks for/,
    );
    assert.ok(error.message.includes(medium), error.message);
    return true;
  });
  assert.deepEqual(await site.files(), before);
  await site.repair();
  assert.equal(await site.exchange(), 'the catalogue');
});
