import { hash } from 'node:crypto';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { PublishedRepository } from '../../ports/published-repository.ts';

export interface ServeRepositoryOptions {
  readonly repository: PublishedRepository;
}

const metadataName = /^(?:timestamp|[1-9]\d{0,9}\.[a-z]+)\.json$/;
const targetPath = /^(?:[a-z]+\/)?[0-9a-f]{64}\.[a-z0-9-]+\.json$/;

/**
 * Serves `metadata/` and `targets/` of a published repository, read from it at each request: whatever process
 * publishes, it is there at once. Everything but the timestamp has a name of its own for each content, and may be
 * kept for ever by whoever stands in between.
 */
export const serveRepository: FastifyPluginAsync<ServeRepositoryOptions> = async (server, { repository }) => {
  server.get<{ Params: { '*': string } }>('/metadata/*', async (request, reply) => {
    const name = request.params['*'];
    const bytes = metadataName.test(name) ? await repository.metadata(name) : undefined;
    return send(request, reply, bytes, name === 'timestamp.json');
  });

  server.get<{ Params: { '*': string } }>('/targets/*', async (request, reply) => {
    const path = request.params['*'];
    const bytes = targetPath.test(path) ? await repository.target(path) : undefined;
    return send(request, reply, bytes, false);
  });
};

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  bytes: Uint8Array | undefined,
  changes: boolean,
): FastifyReply {
  if (bytes === undefined) {
    // The next root or snapshot may be there a moment later: nobody may remember that it was not.
    return reply
      .code(404)
      .header('cache-control', 'no-store')
      .send({ code: 'NOT_FOUND', message: `${request.url} is not in the repository` });
  }
  const etag = `"${hash('sha256', bytes)}"`;
  void reply
    .header('etag', etag)
    .header('cache-control', changes ? 'no-cache' : 'public, max-age=31536000, immutable')
    .header('x-content-type-options', 'nosniff')
    .type('application/json');
  const known = request.headers['if-none-match']
    ?.split(',')
    .some((tag) => tag.trim() === etag || tag.trim() === '*');
  return known === true ? reply.code(304).send() : reply.send(Buffer.from(bytes));
}
