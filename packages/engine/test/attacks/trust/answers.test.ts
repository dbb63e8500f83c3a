import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { attackedSite, catalogue, nowMs, withstands } from '../../../test-support/attacked-trust.ts';
import { type Answer, loopbackServer } from '../../../test-support/loopback-server.ts';

const { signal } = new AbortController();

describe('a refresh follows no redirect', () => {
  for (const status of [300, 301, 302, 303, 307, 308]) {
    test(`of status ${status} to another server`, async (t) => {
      const elsewhere = await loopbackServer(t, (_, response) => response.end('{}'));
      await withstands(t, {
        does: (site) => {
          site.twists.set('metadata/timestamp.json', (_, response) =>
            response.writeHead(status, { location: `${elsewhere.url}timestamp.json` }).end(),
          );
        },
        code: 'BAD_STATUS',
        says: new RegExp(`timestamp\\.json answered ${status} where 200 or 404 was expected`),
      });
      assert.deepEqual(elsewhere.requests, []);
    });
  }

  for (const location of [
    'timestamp.json',
    '/metadata/other.json',
    'file:///etc/passwd',
    'https://127.0.0.1:9/timestamp.json',
    'data:application/json,{}',
    '//127.0.0.1:9/timestamp.json',
    '',
  ]) {
    test(`to ${location === '' ? 'nowhere' : location}`, async (t) => {
      let asked = 0;
      await withstands(t, {
        does: (site) => {
          site.twists.set('metadata/timestamp.json', (_, response) => {
            asked += 1;
            response.writeHead(302, location === '' ? {} : { location }).end();
          });
        },
        code: 'BAD_STATUS',
        says: /timestamp\.json answered 302/,
      });
      assert.equal(asked, 1);
    });
  }
});

describe('a refresh takes nothing from a server that', () => {
  for (const [encoding, pack] of Object.entries({
    gzip: gzipSync,
    br: brotliCompressSync,
    deflate: deflateSync,
    zstd: zstdCompressSync,
  })) {
    test(`answers in ${encoding}, which nobody asked for`, (t) =>
      withstands(t, {
        does: ({ repo, twists }) => {
          repo.publish('timestamp');
          twists.set('metadata/timestamp.json', (_, response) =>
            response.writeHead(200, { 'content-encoding': encoding }).end(pack(repo.bytes('timestamp'))),
          );
        },
        code: 'BAD_STATUS',
        says: new RegExp(`timestamp\\.json comes in content encoding "${encoding}"`),
      }));
  }

  test('answers with a bomb of 10 kB that unpacks to 10 MB', (t) =>
    withstands(t, {
      does: ({ twists }) => {
        twists.set('metadata/2.root.json', (_, response) =>
          response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000))),
        );
      },
      code: 'BAD_STATUS',
      says: /2\.root\.json comes in content encoding "gzip"/,
    }));

  for (const [name, status, headers] of [
    ['gives a part that nobody asked for', 206, { 'content-range': 'bytes 0-9/10' }],
    ['says that it has no content', 204, {}],
    ['says that nothing has changed', 304, {}],
    ['wants a password', 401, { 'www-authenticate': 'Basic realm="x"' }],
    ['is gone', 410, {}],
    ['is overloaded', 503, { 'retry-after': '99999999' }],
  ] as const) {
    test(name, (t) =>
      withstands(t, {
        does: (site) => {
          site.repo.publish('timestamp');
          site.twists.set('metadata/timestamp.json', (_, response) =>
            response
              .writeHead(status, headers)
              .end(status === 206 ? site.repo.bytes('timestamp') : undefined),
          );
        },
        code: 'BAD_STATUS',
        says: new RegExp(`timestamp\\.json answered ${status}`),
      }),
    );
  }

  test('names a length below that of the file', (t) =>
    withstands(t, {
      does: ({ repo, twists }) => {
        repo.publish('timestamp');
        const bytes = repo.bytes('timestamp');
        twists.set('metadata/timestamp.json', ({ socket }) =>
          socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 300\r\n\r\n'), bytes])),
        );
      },
      code: 'MALFORMED',
      says: /^timestamp metadata cannot be read/,
    }));
});

test('a target that comes packed, redirected or in part is refused, and taken when the server is honest', async (t) => {
  const site = await attackedSite(t);
  const client = site.refresher();
  await client.refresh(nowMs, signal);
  const [name = ''] = [...site.repo.targetFiles.keys()];
  const bytes = site.repo.targetFiles.get(name) ?? new Uint8Array();
  const answers: readonly (readonly [Answer, string])[] = [
    [
      (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)),
      'BAD_STATUS',
    ],
    [(_, response) => response.writeHead(302, { location: '/targets/x' }).end(), 'BAD_STATUS'],
    [(_, response) => response.writeHead(206, { 'content-range': 'bytes 0-12/13' }).end(bytes), 'BAD_STATUS'],
    [(_, response) => response.end(bytes.subarray(1)), 'MISMATCH'],
    [(_, response) => response.end(Buffer.from('the catalogae')), 'MISMATCH'],
    [(_, response) => response.end(Buffer.concat([bytes, Buffer.of(10)])), 'TOO_LARGE'],
    [(_, response) => response.end(), 'MISMATCH'],
    [(_, response) => response.writeHead(404).end(), 'NOT_FOUND'],
  ];
  for (const [answer, code] of answers) {
    site.twists.set(`targets/${name}`, answer);
    await assert.rejects(client.fetchTarget(catalogue, signal), { code });
  }
  site.twists.clear();
  assert.equal(Buffer.from(await client.fetchTarget(catalogue, signal)).toString(), 'the catalogue');
});
