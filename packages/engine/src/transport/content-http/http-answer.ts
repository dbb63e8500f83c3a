import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { Dispatcher } from 'undici';
import { type IdleLimits, untilIdle } from './until-idle.ts';

/** An answer whose head has come and whose body is still to be read. */
export class HttpAnswer {
  readonly url: URL;
  readonly status: number;
  readonly #response: Dispatcher.ResponseData;
  readonly #limits: IdleLimits;
  readonly #ending: AbortController;

  constructor(response: Dispatcher.ResponseData, limits: IdleLimits, ending: AbortController) {
    this.url = limits.url;
    this.status = response.statusCode;
    this.#response = response;
    this.#limits = limits;
    this.#ending = ending;
  }

  /** A header's value; of one that came several times, the first. */
  header(name: string): string | undefined {
    const value = this.#response.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** The body as it comes. Idle time counts only while it is waited for. @throws {ContentError} STALLED, UNREACHABLE */
  async *chunks(): AsyncGenerator<Uint8Array> {
    const body: AsyncIterator<Uint8Array> = this.#response.body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await untilIdle(body.next(), this.#limits);
        if (next.done === true) {
          return;
        }
        yield next.value;
      }
    } finally {
      this.abandon();
    }
  }

  /** The whole body. @throws {ContentError} TOO_LARGE */
  async bytes(sizeMaxBytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.chunks()) {
      sizeBytes += chunk.length;
      if (sizeBytes > sizeMaxBytes) {
        throw new ContentError(
          'TOO_LARGE',
          `${this.url.href} answers with more than ${String(sizeMaxBytes)} bytes: check the address`,
          {
            url: this.url.href,
            sizeMaxBytes,
          },
        );
      }
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }

  /** Ends an answer that is not read to its end; harmless afterwards. */
  abandon(): void {
    this.#response.body.on('error', () => undefined);
    this.#ending.abort();
    this.#response.body.destroy();
  }

  /** For a status that nobody can go on with. `retryAfterMs` is in the details when the server names a delay in seconds. */
  unexpectedStatus(wanted: string): ContentError {
    const url = this.url.href;
    if (this.status === 404 || this.status === 410) {
      return new ContentError(
        'NOT_FOUND',
        `${url} is not there (${String(this.status)}): the source does not have it, or the address is wrong`,
        {
          url,
          status: this.status,
        },
      );
    }
    const retryAfter = this.header('retry-after');
    const seconds = retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
    return new ContentError(
      'BAD_STATUS',
      `${url} answered ${String(this.status)} where ${wanted} was expected: check the server and what it lets us do`,
      {
        url,
        status: this.status,
        ...(seconds === undefined ? {} : { retryAfterMs: seconds * 1000 }),
      },
    );
  }
}
