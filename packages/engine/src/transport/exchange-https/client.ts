import type { HierarchyId } from '@sallyport/core/shared/ids';
import {
  enrolRequestFormat,
  envelopeBytesOf,
  envelopeFields,
  exchangeAnswerFormat,
  exchangeEnvelopesMax,
  exchangeFailureFormat,
  exchangeMessageMaxBytes,
  exchangeRequestFormat,
} from '@sallyport/core/wire/exchange-messages';
import { encodeBase64 } from '@sallyport/core/wire/base64';
import { WireError } from '@sallyport/core/wire/wire-error';
import type { Dispatcher } from 'undici';
import { failureCodeOf } from '../failure-code.ts';
import { paced, requestWithin } from '../patience.ts';
import { ExchangeError, type ExchangeErrorCode, type VendorExchange } from '../../ports/vendor-exchange.ts';

export interface HttpVendorExchangeOptions {
  /** The cloud's address: `exchange/v1` lies under it. */
  readonly baseUrl: string;
  /** How connections are made (proxy, TLS, allowed endpoints); undici's own when not given. */
  readonly dispatcher?: Dispatcher;
  /** How long the server may send nothing. 60 s when not given: it answers only when everything is durable. */
  readonly idleTimeoutMs?: number;
  /** Of an answer. */
  readonly answerMaxBytes?: number;
}

/** The vendor's cloud over HTTPS. Plain `http:` is refused except to this machine itself. Redirects are not followed. */
export class HttpVendorExchange implements VendorExchange {
  readonly name: string;
  readonly #baseUrl: URL;
  readonly #options: HttpVendorExchangeOptions;

  /** @throws {ExchangeError} REFUSED for an address that is none */
  constructor(options: HttpVendorExchangeOptions) {
    this.#baseUrl = baseUrlOf(options.baseUrl);
    this.name = this.#baseUrl.href;
    this.#options = options;
  }

  async enrol(
    {
      code,
      hierarchyId,
      statement,
    }: { readonly code: string; readonly hierarchyId: HierarchyId; readonly statement: Uint8Array },
    signal: AbortSignal,
  ): Promise<void> {
    const body = enrolRequestFormat.print({ code, hierarchyId, statement: encodeBase64(statement) });
    await this.#post('exchange/v1/enrol', body, signal);
  }

  async exchange(
    envelopes: readonly Uint8Array[],
    signal: AbortSignal,
  ): ReturnType<VendorExchange['exchange']> {
    if (envelopes.length > exchangeEnvelopesMax) {
      throw new ExchangeError(
        'TOO_LARGE',
        `${envelopes.length} envelopes are more than the ${exchangeEnvelopesMax} that one exchange carries: send them in several`,
        { envelopes: envelopes.length },
      );
    }
    const body = exchangeRequestFormat.print({ envelopes: envelopeFields(envelopes) });
    const { url, bytes } = await this.#post('exchange/v1', body, signal);
    const answer = understood(url, () => exchangeAnswerFormat.parse(bytes));
    return { envelopes: answer.envelopes.map(envelopeBytesOf), refused: answer.refused };
  }

  async #post(
    path: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly url: URL; readonly bytes: Uint8Array }> {
    const url = new URL(path, this.#baseUrl);
    const { idleTimeoutMs = 60_000, dispatcher, answerMaxBytes = exchangeMessageMaxBytes } = this.#options;
    try {
      const response = await requestWithin(idleTimeoutMs, url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body,
        bodyTimeout: idleTimeoutMs,
        signal,
        ...(dispatcher === undefined ? {} : { dispatcher }),
      });
      const bytes = await readLimited(paced(response.body, idleTimeoutMs), url, answerMaxBytes);
      if (response.statusCode !== 200) {
        throw failure(url, response.statusCode, bytes);
      }
      return { url, bytes };
    } catch (error) {
      throw named(error, url, signal);
    }
  }
}

async function readLimited(body: AsyncIterable<Uint8Array>, url: URL, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      throw new ExchangeError(
        'TOO_LARGE',
        `${url.href} answers with more than ${maxBytes} bytes: check the address`,
        {
          url: url.href,
          maxBytes,
        },
      );
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** Answers of servers in between, or of one that is starting or ending: worth another try. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** What a server's refusal means. Ours says it in JSON; anything else is somebody in between. */
function failure(url: URL, status: number, bytes: Uint8Array): ExchangeError {
  const said = saidFailure(bytes);
  const details = { url: url.href, status };
  if (said === undefined) {
    return passingStatuses.has(status)
      ? new ExchangeError(
          'UNREACHABLE',
          `${url.href} answered ${status}: the server or something before it is in trouble; it is tried again`,
          details,
        )
      : new ExchangeError(
          'REFUSED',
          `${url.href} answered ${status}, and not as a Sallyport cloud does: check the address and the proxy`,
          details,
        );
  }
  const code: ExchangeErrorCode =
    status === 413
      ? 'TOO_LARGE'
      : said.code === 'CODE_REFUSED' || said.code === 'MALFORMED'
        ? said.code
        : passingStatuses.has(status)
          ? 'UNREACHABLE'
          : 'REFUSED';
  return new ExchangeError(code, `the vendor's cloud refused: ${said.message}`, {
    ...details,
    said: said.code,
  });
}

function saidFailure(bytes: Uint8Array): { readonly code: string; readonly message: string } | undefined {
  try {
    return exchangeFailureFormat.parse(bytes);
  } catch (error) {
    if (error instanceof WireError) {
      return undefined;
    }
    throw error;
  }
}

function understood<T>(url: URL, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof WireError) {
      throw new ExchangeError(
        'MALFORMED',
        `${url.href} answered something that is no exchange: check the address and the proxy (${cause.message})`,
        { url: url.href },
        { cause },
      );
    }
    throw cause;
  }
}

const stalledCodes: ReadonlySet<string> = new Set([
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** Names what went wrong on the way; cancellation stays what it is. */
function named(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (error instanceof ExchangeError) {
    return error;
  }
  if (signal.aborted) {
    return signal.reason;
  }
  const code = failureCodeOf(error);
  const details = { url: url.href, code };
  return stalledCodes.has(code)
    ? new ExchangeError(
        'STALLED',
        `${url.href} sent nothing for too long (${code}): the line or the server stands still; it is tried again`,
        details,
        { cause: error },
      )
    : new ExchangeError(
        'UNREACHABLE',
        `${url.href} cannot be reached (${code}): check the address, the line and the proxy`,
        details,
        { cause: error },
      );
}

function baseUrlOf(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (
    url === null ||
    (url.protocol !== 'https:' && !(url.protocol === 'http:' && isThisMachine(url.hostname)))
  ) {
    throw new ExchangeError(
      'REFUSED',
      `${JSON.stringify(text)} is no address of a vendor's cloud: write an https: URL (http: only to this machine)`,
      { url: text },
    );
  }
  return url;
}

function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
