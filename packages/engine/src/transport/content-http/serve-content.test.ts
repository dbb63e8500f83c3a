import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { digest } from '@sallyport/core/shared/ids';
import fastify, { type FastifyInstance } from 'fastify';
import { Agent } from 'undici';
import { collected, never, noise, refOf } from '../../../test-support/bytes.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { FileBlobs } from '../../storage/files/blobs.ts';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { HttpContentSource } from './content-source.ts';
import { serveContent } from './serve-content.ts';

const bytes = noise(700_000);

async function serving(t: TestContext): Promise<{
  readonly server: FastifyInstance;
  readonly blobs: FileBlobs;
  readonly blob: BlobRef;
  readonly url: string;
}> {
  const blobs = await FileBlobs.open({ folder: await temporaryFolder(t) });
  const blob = await blobs.putBytes(bytes);
  const server = fastify();
  await server.register(serveContent, { blobs });
  t.after(() => server.close());
  return { server, blobs, blob, url: `/blobs/sha256/${blob.sha256}` };
}

test('a blob is served whole, with a strong ETag, for good', async (t) => {
  const { server, blob, url } = await serving(t);
  const answer = await server.inject({ url });
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(new Uint8Array(answer.rawPayload), bytes);
  const {
    etag,
    'accept-ranges': ranges,
    'cache-control': caching,
    'content-length': length,
    'content-type': type,
  } = answer.headers;
  assert.deepEqual(
    { etag, ranges, caching, length, type },
    {
      etag: `"${blob.sha256}"`,
      ranges: 'bytes',
      caching: 'public, max-age=31536000, immutable',
      length: '700000',
      type: 'application/octet-stream',
    },
  );
});

test('HEAD says what GET would, without the bytes', async (t) => {
  const { server, url } = await serving(t);
  const answer = await server.inject({ method: 'HEAD', url, headers: { range: 'bytes=10-' } });
  assert.deepEqual(
    [
      answer.statusCode,
      answer.headers['content-range'],
      answer.headers['content-length'],
      answer.rawPayload.length,
    ],
    [206, 'bytes 10-699999/700000', '699990', 0],
  );
});

test('ranges are served as asked, unless If-Range names something else', async (t) => {
  const { server, blob, url } = await serving(t);
  const ask = (headers: Record<string, string>) => server.inject({ url, headers });
  const part = await ask({ range: 'bytes=300000-399999' });
  assert.deepEqual(
    [part.statusCode, part.headers['content-range'], part.headers['content-length']],
    [206, 'bytes 300000-399999/700000', '100000'],
  );
  assert.deepEqual(new Uint8Array(part.rawPayload), bytes.slice(300_000, 400_000));
  assert.equal((await ask({ range: 'bytes=5-', 'if-range': `"${blob.sha256}"` })).statusCode, 206);
  for (const other of ['"other"', `W/"${blob.sha256}"`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
    assert.equal((await ask({ range: 'bytes=5-', 'if-range': other })).statusCode, 200);
  }
  const beyond = await ask({ range: 'bytes=700000-' });
  assert.deepEqual([beyond.statusCode, beyond.headers['content-range']], [416, 'bytes */700000']);
  assert.equal((await ask({ 'if-none-match': `"x", "${blob.sha256}"` })).statusCode, 304);
});

test('what is not held, or is no digest, is not found and not cached', async (t) => {
  const { server } = await serving(t);
  for (const name of ['0'.repeat(64), 'A'.repeat(64), 'README', '..%2F..%2Fetc%2Fpasswd', '0'.repeat(63)]) {
    const answer = await server.inject({ url: `/blobs/sha256/${name}` });
    assert.deepEqual([answer.statusCode, answer.headers['cache-control']], [404, 'no-store'], name);
  }
});

test('which of many digests are held is answered at once, within limits', async (t) => {
  const { server, blob } = await serving(t);
  const ask = (digests: unknown) =>
    server.inject({ method: 'POST', url: '/blobs/have', payload: { digests } });
  const answer = await ask([blob.sha256, '0'.repeat(64)]);
  assert.deepEqual([answer.statusCode, answer.json()], [200, { held: [blob.sha256] }]);
  const many = Array.from({ length: 10_001 }, (_, index) => index.toString(16).padStart(64, '0'));
  assert.equal((await ask(many.slice(1))).statusCode, 200);
  assert.equal((await ask(many)).statusCode, 400);
  assert.equal((await ask(['../../etc/passwd'])).statusCode, 400);
  assert.equal((await ask('x')).statusCode, 400);
  assert.equal((await ask(['0'.repeat(64), 'x'.repeat(2_000_000)])).statusCode, 413);
});

test('the client of this house gets along with it', async (t) => {
  const { server, blob } = await serving(t);
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  const dispatcher = new Agent();
  t.after(() => dispatcher.close());
  const source = new HttpContentSource({ baseUrl: address, dispatcher, clock: new ManualClock() });
  const unknown = digest('0'.repeat(64));
  assert.deepEqual([...(await source.offers([unknown, blob.sha256], never()))], [blob.sha256]);
  for (const offset of [0, 650_000]) {
    const { startsAt, chunks } = await source.open(blob, offset, never());
    assert.equal(startsAt, offset);
    assert.deepEqual(await collected(chunks), bytes.slice(offset));
  }
  await assert.rejects(source.open(refOf(noise(3)), 0, never()), /is not there/);
});
