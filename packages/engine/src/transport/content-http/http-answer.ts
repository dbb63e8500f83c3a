import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { HttpHead, HttpReceiver } from './http-receiver.ts';
import { IdleWatch } from './idle-watch.ts';
import { type IdleLimits, named } from './until-idle.ts';

/** One for all: nobody sees it. */
const abandoned = new Error('the answer is not wanted any more');

/** An answer whose head has come and whose body is still to be read. */
export class HttpAnswer {
  readonly url: URL;
  readonly status: number;
  readonly #headers: HttpHead['headers'];
  readonly #receiver: HttpReceiver;
  readonly #limits: IdleLimits;

  constructor({ status, headers }: HttpHead, receiver: HttpReceiver, limits: IdleLimits) {
    this.url = limits.url;
    this.status = status;
    this.#headers = headers;
    this.#receiver = receiver;
    this.#limits = limits;
  }

  /** A header's value; of one that came several times, the first. */
  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** The body as it comes, a KiB in each idle time; that counts only while it is waited for. @throws {ContentError} STALLED, UNREACHABLE */
  async *chunks(): AsyncGenerator<Uint8Array> {
    const receiver = this.#receiver;
    const watch = new IdleWatch(this.#limits, (failure) => receiver.end(failure));
    try {
      while (!receiver.isOver) {
        const piece = receiver.take();
        if (piece !== undefined) {
          watch.came(piece.length);
          yield piece;
          continue;
        }
        watch.waitBegins();
        await receiver.changed();
        watch.waitEnds();
      }
    } catch (failure) {
      throw named(failure, this.#limits);
    } finally {
      watch.end();
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
    this.#receiver.end(abandoned);
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
