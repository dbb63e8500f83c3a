import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { describe, test } from 'node:test';
import type { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import {
  type AttackedSite,
  attackedSite,
  nowMs,
  vendorRepository,
  withstands,
} from '../../../test-support/attacked-trust.ts';

const { signal } = new AbortController();

/** A vendor that delegates `paths` to a role of an odd name, before everything else. */
function delegating(name: string, paths: readonly string[]): TufRepository {
  const repo = vendorRepository();
  repo.delegate('targets', name, { paths });
  // First in the list: before the catalogue's role.
  const { roles } = repo.targets().delegations ?? assert.fail('it delegates');
  roles.unshift(...roles.splice(-1));
  return repo;
}

async function find(site: AttackedSite, path: string, atMs = nowMs): Promise<string> {
  const client = site.refresher();
  await client.refresh(atMs, signal);
  const info = await client.targetInfo(path, signal);
  return info === undefined ? 'unknown' : Buffer.from(await client.fetchTarget(path, signal)).toString();
}

describe('a role', () => {
  for (const name of [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '0',
    '2147483648',
    '-1',
    '1.root',
    'timestamp.json',
    'Timestamp',
    'ROOT',
    'time-floor',
    'root_history/1.root',
    '../escaped',
    '..\\escaped',
    '/etc/escaped',
    '..',
    '%2e%2e%2fescaped',
    'a\0b',
    'a\nb',
    'NUL',
    'con.txt',
    'é (composed) é',
    '😀'.repeat(127),
    '#fragment?query',
    ' ',
  ]) {
    test(`called ${JSON.stringify(name.slice(0, 20))} is a role like any other, and stays in its folder`, async (t) => {
      const repo = delegating(name, ['odd/*']);
      repo.addTarget('odd/one', Buffer.from('found'), name);
      repo.publishTargets();
      const site = await attackedSite(t, { repo });
      const before = await site.files();
      const around = await readdir(dirname(site.folder));
      assert.equal(await find(site, 'odd/one'), 'found');
      assert.deepEqual(Buffer.from((await site.store.load(name)) ?? []), Buffer.from(repo.bytes(name)));
      // Nothing that was there before is replaced, also where letters are not told by their case.
      const after = await site.files();
      const added = Object.keys(after).filter((path) => !(path in before));
      assert.equal(added.length, 1);
      assert.deepEqual({ ...after, ...before }, after);
      const known = new Set(Object.keys(before).map((path) => path.toLowerCase()));
      assert.equal(known.has(String(added[0]).toLowerCase()), false, added[0]);
      assert.equal(basename(String(added[0])), added[0], 'lies in the folder itself');
      // Beside it other tests come and go, whose folders say whose they are.
      const beside = (await readdir(dirname(site.folder))).filter(
        (entry) => !around.includes(entry) && !entry.startsWith('sallyport-'),
      );
      assert.deepEqual(beside, []);
      // And it is found again without the server.
      const stored = site.refresher();
      await stored.openStored(nowMs);
      assert.equal((await stored.targetInfo('odd/one', signal))?.lengthBytes, 5);
    });
  }

  for (const name of ['root', 'timestamp', 'snapshot', 'targets']) {
    test(`delegated to under the name of the top-level role ${name} is refused`, (t) =>
      withstands(t, {
        does: ({ repo }) => {
          const delegations = repo.targets().delegations ?? assert.fail('it delegates');
          delegations.roles.push({ name, keyids: [], threshold: 1, terminating: false, paths: ['*'] });
          repo.publishTargets();
        },
        code: 'MALFORMED',
        says: new RegExp(`^targets metadata is malformed: it delegates to "${name}"`),
        advances: ['snapshot.json', 'timestamp.json'],
      }));
  }

  test('whose name is a megabyte is refused in a short sentence', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        const delegations = repo.targets().delegations ?? assert.fail('it delegates');
        delegations.roles.push({
          name: 'n'.repeat(1_000_000),
          keyids: [],
          threshold: 1,
          terminating: false,
          paths: ['*'],
        });
        repo.publishTargets();
      },
      code: 'MALFORMED',
      says: /^targets metadata is malformed: the name of a delegated role must have 1 to 255/,
      advances: ['snapshot.json', 'timestamp.json'],
    }));
});

describe('a path pattern', () => {
  for (const [pattern, path] of [
    ['{odd,catalog}/*', 'odd/one'],
    ['odd/{one,two}', 'odd/one'],
    ['odd/@(one|two)', 'odd/one'],
    ['odd/!(two)', 'odd/one'],
    ['odd/+(o|n|e)', 'odd/one'],
    ['odd/?(o)ne', 'odd/one'],
    ['odd/[o]ne', 'odd/one'],
    ['odd/[!x]ne', 'odd/one'],
    ['odd/[a-z]ne', 'odd/one'],
    [String.raw`odd/\one`, 'odd/one'],
    ['**', 'odd/one'],
    ['odd/**', 'odd/one/two'],
    ['**/one', 'odd/deep/one'],
    ['*', 'odd/one'],
    ['odd*', 'odd/one'],
    ['odd?one', 'odd/one'],
    ['ODD/*', 'odd/one'],
    ['./odd/*', 'odd/one'],
    ['/odd/*', 'odd/one'],
    ['odd/.*', 'odd/one'],
    ['!odd/x', 'odd/one'],
    ['odd/one ', 'odd/one'],
  ] as const) {
    test(`${pattern} does not speak for ${path}`, async (t) => {
      const repo = delegating('odd', [pattern]);
      repo.addTarget(path, Buffer.from('not its own'), 'odd');
      repo.publishTargets();
      const site = await attackedSite(t, { repo });
      assert.equal(await find(site, path), 'unknown');
      assert.equal(await site.store.load('odd'), undefined, 'is not even asked for');
    });
  }

  for (const [pattern, path] of [
    ['odd/{one,two}', 'odd/{one,two}'],
    ['odd/[o]ne', 'odd/[o]ne'],
    ['odd/@(one|two)', 'odd/@(one|two)'],
    [String.raw`odd/\*`, String.raw`odd/\one`],
    ['odd/*', 'odd/.hidden'],
    ['odd/?ne', 'odd/😀ne'],
    ['odd/one*', 'odd/one'],
  ] as const) {
    test(`${pattern} speaks for ${path}`, async (t) => {
      const repo = delegating('odd', [pattern]);
      repo.addTarget(path, Buffer.from('its own'), 'odd');
      repo.publishTargets();
      const site = await attackedSite(t, { repo });
      assert.equal(await find(site, path), 'its own');
    });
  }
});

describe('a target', () => {
  for (const path of ['__proto__', 'constructor', 'toString', 'valueOf']) {
    test(`called ${path} is unknown until somebody lists it`, async (t) => {
      const site = await attackedSite(t);
      assert.equal(await find(site, path), 'unknown');
      Object.defineProperty(site.repo.targets().targets, path, {
        value: undefined,
        writable: true,
        enumerable: true,
        configurable: true,
      });
      site.repo.addTarget(path, Buffer.from('listed'));
      site.repo.publishTargets();
      assert.equal(await find(site, path), 'listed');
    });
  }

  for (const path of ['../outside', 'a/../../outside', './here', 'a/..']) {
    test(`called ${path} is not asked for outside the repository`, async (t) => {
      const site = await attackedSite(t);
      site.repo.addTarget(path, Buffer.from('x'));
      site.repo.publishTargets();
      const client = site.refresher();
      await client.refresh(nowMs, signal);
      const asked = site.server.requests.length;
      const outcome = await client.fetchTarget(path, signal).then(
        () => 'fetched',
        (error: unknown) => (error as { code?: string }).code,
      );
      const paths = site.server.requests.slice(asked).map((request) => request.path);
      // `a/..` is harmless with its digest before the last part; the others would leave their folder.
      assert.equal(outcome, path === 'a/..' ? 'fetched' : 'BAD_NAME');
      assert.ok(paths.every((asking) => asking.startsWith('/targets/')));
    });
  }
});
