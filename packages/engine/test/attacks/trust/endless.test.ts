import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultTrustLimits } from '@sallyport/core/domain/trust/limits';
import {
  type AttackedSite,
  attackedSite,
  catalogue,
  nowMs,
  vendorRepository,
  withstands,
} from '../../../test-support/attacked-trust.ts';
import {
  breakingOff,
  dripping,
  endless,
  raw,
  rawEvery,
  stalling,
} from '../../../test-support/hostile-answers.ts';
import type { Answer } from '../../../test-support/loopback-server.ts';

/** What lies in the buffers of a connection at most, beyond what the client has read. */
const bufferedMaxBytes = 8 * 1024 * 1024;

const limits = {
  root: defaultTrustLimits.rootMaxBytes,
  timestamp: defaultTrustLimits.timestampMaxBytes,
  snapshot: defaultTrustLimits.snapshotMaxBytes,
  targets: defaultTrustLimits.targetsMaxBytes,
  catalog: defaultTrustLimits.targetsMaxBytes,
};
type Role = keyof typeof limits;
const roles = Object.keys(limits) as Role[];

const believedBefore: Readonly<Record<Role, readonly string[]>> = {
  root: [],
  timestamp: [],
  snapshot: ['timestamp.json'],
  targets: ['snapshot.json', 'timestamp.json'],
  catalog: ['snapshot.json', 'targets.json', 'timestamp.json'],
};

/** Publishes everything anew, and answers for one role as given. */
function answering(role: Role, answer: Answer): (site: AttackedSite) => void {
  return (site) => {
    site.repo.publish('root');
    site.repo.publishTargets();
    if (role !== 'root') site.repo.metadataFiles.delete('2.root.json');
    site.twists.set(`metadata/${site.repo.fileName(role)}`, answer);
  };
}

const lengthless = (): ReturnType<typeof vendorRepository> => vendorRepository({ withHashes: false });

describe('an endless', () => {
  for (const role of roles) {
    for (const [how, headers] of [
      ['in chunks', {}],
      ['that announces a terabyte', { 'content-length': 2 ** 40 }],
    ] as const) {
      test(`${role} ${how} is cut off at the limit of its role`, async (t) => {
        const flood = endless(200, headers);
        await withstands(t, {
          repo: lengthless,
          does: answering(role, flood.answer),
          code: 'TOO_LARGE',
          says: new RegExp(`${role}.json is longer than the ${limits[role]} bytes allowed`),
          advances: believedBefore[role],
        });
        assert.ok(
          flood.sentBytes() < limits[role] + bufferedMaxBytes,
          `${flood.sentBytes()} bytes were sent`,
        );
        assert.equal(flood.allClosed(), true);
      });
    }
  }

  for (const role of ['snapshot', 'targets', 'catalog'] as const) {
    test(`${role} is cut off at the length that trusted metadata names`, async (t) => {
      const flood = endless();
      await withstands(t, {
        does: answering(role, flood.answer),
        code: 'TOO_LARGE',
        says: new RegExp(`${role}.json is longer than the \\d{3,4} bytes allowed`),
        advances: believedBefore[role],
      });
    });
  }

  test('target is cut off at its length, and read anew when the server is honest again', async (t) => {
    const site = await attackedSite(t);
    const client = site.refresher();
    const { signal } = new AbortController();
    await client.refresh(nowMs, signal);
    const flood = endless(200, {}, Buffer.from('the catalogue'));
    const [name] = [...site.repo.targetFiles.keys()];
    site.twists.set(`targets/${name}`, flood.answer);
    await assert.rejects(client.fetchTarget(catalogue, signal), { code: 'TOO_LARGE' });
    assert.ok(flood.sentBytes() < bufferedMaxBytes);
    site.twists.clear();
    assert.equal(Buffer.from(await client.fetchTarget(catalogue, signal)).toString(), 'the catalogue');
  });

  test('page about a root that is not there is not read', async (t) => {
    const flood = endless(404);
    const site = await attackedSite(t);
    site.twists.set('metadata/2.root.json', flood.answer);
    assert.equal(await site.exchange(), 'the catalogue');
    assert.ok(flood.sentBytes() < bufferedMaxBytes);
    assert.equal(flood.allClosed(), true);
  });

  test('error page is not read', async (t) => {
    const flood = endless(500);
    await withstands(t, {
      does: (site) => site.twists.set('metadata/timestamp.json', flood.answer) && undefined,
      code: 'BAD_STATUS',
      says: /timestamp\.json answered 500/,
    });
    assert.ok(flood.sentBytes() < bufferedMaxBytes);
    assert.equal(flood.allClosed(), true);
  });
});

describe('rightly signed metadata beyond the limit of its role is refused:', () => {
  for (const role of roles) {
    test(role, (t) =>
      withstands(t, {
        repo: lengthless,
        does: ({ repo }) => {
          repo.json(role)['padding'] = 'p'.repeat(limits[role]);
          if (role === 'root') repo.publish('root');
          repo.publishTargets();
        },
        code: 'TOO_LARGE',
        says: new RegExp(`${role}.json is longer than the ${limits[role]} bytes allowed`),
        advances: believedBefore[role],
      }),
    );
  }

  test('whatever length its snapshot promises', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        repo.targets()['padding'] = 'p'.repeat(limits.targets);
        repo.publishTargets();
      },
      code: 'TOO_LARGE',
      says: /targets.json is longer than the 5000000 bytes allowed/,
      advances: believedBefore.targets,
    }));
});

const honest = Buffer.from('{"signatures": [], "signed": {}}'.padEnd(4000));
const slow: Readonly<Record<string, Answer>> = {
  'never answers': () => undefined,
  'sends its head and then nothing': stalling(honest, 0),
  'stops in the middle': stalling(honest, 2000),
  'sends a byte now and then, for ever': dripping(honest, 20),
  'sends its head a byte at a time': rawEvery('HTTP/1.1 200 OK\r\nx-slow: ', 'x', 20),
  'sends one early hint after another, and never an answer': rawEvery(
    '',
    'HTTP/1.1 103 Early Hints\r\n\r\n',
    20,
  ),
  'sends a chunk’s extension for ever': rawEvery(
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;',
    'x',
    20,
  ),
};

describe('a timestamp is given up when the server', () => {
  for (const [name, answer] of Object.entries(slow)) {
    test(name, { timeout: 20_000 }, (t) =>
      withstands(t, {
        idleTimeoutMs: 150,
        does: (site) => {
          site.twists.set('metadata/timestamp.json', answer);
        },
        code: 'STALLED',
        says: /timestamp\.json sent too little for too long/,
      }),
    );
  }

  test('answers that it is not there, and then a byte now and then', (t) =>
    withstands(t, {
      idleTimeoutMs: 150,
      does: (site) => {
        site.twists.set('metadata/timestamp.json', dripping(honest, 20, 404));
      },
      code: 'NOT_FOUND',
      says: /has no timestamp\.json/,
    }));

  for (const [name, answer] of Object.entries({
    'hangs up at once': raw(''),
    'hangs up in the middle': breakingOff(honest, 2000),
    'is no web server': raw('220 mail.example ESMTP\r\n'),
    'sends a head of a megabyte': raw(`HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(1_000_000)}\r\n\r\n`),
    'names two lengths': raw('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}}'),
    'names a length and chunks': raw(
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    ),
    'sends a chunk of no size': raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n'),
    'ends before the last chunk': raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n'),
    'sends a chunk of 2^64 bytes': raw(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\n{}\r\n',
    ),
    'names a negative length': raw('HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}'),
  })) {
    test(name, { timeout: 20_000 }, (t) =>
      withstands(t, {
        idleTimeoutMs: 1000,
        does: (site) => {
          site.twists.set('metadata/timestamp.json', answer);
        },
        code: 'UNREACHABLE',
        says: /timestamp\.json cannot be reached/,
      }),
    );
  }
});
