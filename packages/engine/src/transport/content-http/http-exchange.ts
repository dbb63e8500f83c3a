import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../ports/clock.ts';
import { HttpAnswer } from './http-answer.ts';
import { HttpReceiver } from './http-receiver.ts';
import { untilIdle } from './until-idle.ts';

export interface HttpExchangeOptions {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const redirectsMax = 3;
/** So much of a body comes while the disk is busy with what came before. */
const bodyAheadBytes = 512 * 1024;

/**
 * Requests with a limit on the time to the answer and to each KiB of it, and none on total time, by the injected clock. Redirects are followed
 * within the origin only, and for GET only.
 */
export class HttpExchange {
  readonly #options: HttpExchangeOptions;

  constructor(options: HttpExchangeOptions) {
    this.#options = options;
  }

  /** @throws {ContentError} UNREACHABLE, STALLED, REDIRECTED */
  async send(url: URL, asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    let at = url;
    for (let redirected = 0; ; redirected += 1) {
      const answer = await this.#sendOnce(at, asked, signal);
      if (!redirects.has(answer.status)) {
        return answer;
      }
      answer.abandon();
      at = nextUrl(at, answer.header('location'), asked, redirected);
    }
  }

  async #sendOnce(url: URL, asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { clock, dispatcher, headers, idleTimeoutMs } = this.#options;
    signal.throwIfAborted();
    const receiver = new HttpReceiver(bodyAheadBytes, signal);
    const limits = { clock, idleTimeoutMs, url, signal };
    try {
      dispatcher.dispatch(
        {
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: asked.method,
          headers: { 'accept-encoding': 'identity', ...headers, ...asked.headers },
          body: asked.body ?? null,
          // Idle time is watched here, by the clock that was injected; the dispatcher limits connecting.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        receiver,
      );
      return new HttpAnswer(await untilIdle(receiver.head, limits), receiver, limits);
    } catch (failure) {
      receiver.end(failure);
      throw failure;
    }
  }
}

function nextUrl(from: URL, location: string | undefined, asked: HttpRequest, redirected: number): URL {
  const to = location === undefined ? null : URL.parse(location, from.href);
  const details = { url: from.href, location: location ?? '' };
  if (to === null || to.origin !== from.origin || asked.method !== 'GET') {
    throw new ContentError(
      'REDIRECTED',
      `${from.href} sends us to ${to?.href ?? 'nowhere'}, which is not followed: configure the address where the content really lies`,
      details,
    );
  }
  if (redirected >= redirectsMax) {
    throw new ContentError(
      'REDIRECTED',
      `${from.href} is the ${String(redirected + 1)}th redirect in a row: check the server`,
      details,
    );
  }
  return to;
}
