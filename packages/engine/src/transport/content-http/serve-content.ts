import { Readable } from 'node:stream';
import { type Digest, digest } from '@sallyport/core/shared/ids';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Blobs } from '../../ports/blobs.ts';
import { byteRange } from './byte-range.ts';
import { haveDigestsMax } from './have.ts';

export interface ServeContentOptions {
  readonly blobs: Blobs;
}

const hexPattern = '^[0-9a-f]{64}$';
/** Ten thousand digests in JSON, with room. */
const haveMaxBytes = 1024 * 1024;

const haveBody = {
  type: 'object',
  required: ['digests'],
  properties: {
    digests: { type: 'array', maxItems: haveDigestsMax, items: { type: 'string', pattern: hexPattern } },
  },
} as const;

/**
 * Serves a content library: `GET` and `HEAD /blobs/sha256/<hex>` with single ranges, a strong ETag (the digest) and
 * immutable caching, and `POST /blobs/have {digests}`, which answers `{held}`.
 *
 * Who may ask is the business of the scope it is registered in.
 */
export const serveContent: FastifyPluginAsync<ServeContentOptions> = async (server, { blobs }) => {
  server.route<{ Params: { hex: string } }>({
    method: ['GET', 'HEAD'],
    url: '/blobs/sha256/:hex',
    schema: { params: { type: 'object', properties: { hex: { type: 'string', maxLength: 100 } } } },
    handler: (request, reply) => sendBlob(blobs, request, reply),
  });

  server.post<{ Body: { digests: Digest[] } }>(
    '/blobs/have',
    { bodyLimit: haveMaxBytes, schema: { body: haveBody } },
    async (request) => ({ held: [...(await blobs.held(request.body.digests))] }),
  );
};

async function sendBlob(
  blobs: Blobs,
  request: FastifyRequest<{ Params: { hex: string } }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { hex } = request.params;
  const sha256 = new RegExp(hexPattern).test(hex) ? digest(hex) : undefined;
  const sizeBytes = sha256 === undefined ? undefined : await blobs.sizeOf(sha256);
  if (sha256 === undefined || sizeBytes === undefined) {
    return reply
      .code(404)
      .header('cache-control', 'no-store')
      .send({ error: 'NOT_FOUND', message: `no blob ${hex} is held here` });
  }
  const etag = `"${sha256}"`;
  void reply
    .header('etag', etag)
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'public, max-age=31536000, immutable')
    .header('content-type', 'application/octet-stream')
    .header('x-content-type-options', 'nosniff');
  if (isNamed(request.headers['if-none-match'], etag)) {
    return reply.code(304).send();
  }
  const range =
    request.headers['if-range'] === undefined || request.headers['if-range'] === etag
      ? request.headers.range
      : undefined;
  const part = byteRange(range, sizeBytes);
  if (part.kind === 'unsatisfiable') {
    return reply
      .code(416)
      .header('content-range', `bytes */${String(sizeBytes)}`)
      .header('content-length', '0')
      .send();
  }
  const { start, end } = part;
  if (part.kind === 'part') {
    void reply
      .code(206)
      .header('content-range', `bytes ${String(start)}-${String(end - 1)}/${String(sizeBytes)}`);
  }
  void reply.header('content-length', String(end - start));
  return reply.send(
    request.method === 'HEAD'
      ? undefined
      : Readable.from(blobs.read(sha256, { start, end }), { objectMode: false }),
  );
}

function isNamed(ifNoneMatch: string | undefined, etag: string): boolean {
  return (
    ifNoneMatch !== undefined &&
    ifNoneMatch.split(',').some((one) => one.trim() === etag || one.trim() === '*')
  );
}
