import { messageOf } from '@sallyport/core/shared/errors';
import {
  envelopeBytesOf,
  envelopeFields,
  exchangeAnswerFormat,
  exchangeMessageMaxBytes,
  exchangeRequestFormat,
  parseEnrolRequest,
} from '@sallyport/core/wire/exchange-messages';
import { WireError } from '@sallyport/core/wire/wire-error';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import type { ExchangeService } from '../../ports/exchange-service.ts';
import type { Log } from '../../ports/log.ts';

export interface ServeExchangeOptions {
  readonly service: ExchangeService;
  readonly log: Log;
  readonly bodyMaxBytes?: number;
}

/**
 * Serves the exchange: `POST /exchange/v1` and `POST /exchange/v1/enrol`. Who sends is no secret and no password
 * here: every envelope is signed, and judged by that alone.
 */
export const serveExchange: FastifyPluginAsync<ServeExchangeOptions> = async (
  server,
  { service, log, bodyMaxBytes = exchangeMessageMaxBytes },
) => {
  // Bodies are read as bytes: our own reader is strict where JSON.parse is not.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyMaxBytes }, (_request, body, done) =>
    done(null, body),
  );
  server.setErrorHandler(async (error, _request, reply) => sendFailure(error, log, reply));

  server.post('/exchange/v1', async (request, reply) => {
    const { envelopes } = exchangeRequestFormat.parse(bytesOf(request.body));
    const answer = await service.exchange(envelopes.map(envelopeBytesOf));
    return sendJson(
      reply,
      exchangeAnswerFormat.print({
        envelopes: envelopeFields(answer.envelopes),
        refused: [...answer.refused],
      }),
    );
  });

  server.post('/exchange/v1/enrol', async (request, reply) => {
    const answer = await service.enrol(parseEnrolRequest(bytesOf(request.body)));
    if (answer.kind === 'refused') {
      return reply
        .code(403)
        .header('cache-control', 'no-store')
        .send({ code: answer.code, message: answer.message });
    }
    return reply.header('cache-control', 'no-store').send({});
  });
};

function bytesOf(body: unknown): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array();
}

function sendJson(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  return reply.header('cache-control', 'no-store').type('application/json').send(Buffer.from(bytes));
}

function sendFailure(error: unknown, log: Log, reply: FastifyReply): FastifyReply {
  void reply.header('cache-control', 'no-store');
  if (error instanceof WireError) {
    return reply.code(400).send({ code: 'MALFORMED', message: error.message });
  }
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 413) {
    return reply.code(413).send({
      code: 'TOO_LARGE',
      message: 'the message is larger than this cloud reads: send fewer envelopes at once',
    });
  }
  if (status >= 400 && status < 500 && error instanceof Error) {
    return reply.code(status).send({ code: 'MALFORMED', message: error.message });
  }
  log.error('an exchange failed: {reason}', { reason: messageOf(error) });
  return reply.code(500).send({
    code: 'FAILED',
    message:
      'the vendor’s cloud could not do it now: try again later; the vendor finds the reason in its log',
  });
}
