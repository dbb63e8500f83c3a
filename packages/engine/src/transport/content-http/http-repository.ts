import type { Dispatcher } from 'undici';
import { RepositorySourceError, type RepositorySource } from '../../ports/repository.ts';
import { failureCodeOf } from '../failure-code.ts';
import { paced, requestWithin } from '../patience.ts';

export interface HttpRepositoryOptions {
  readonly metadataUrl: string;
  readonly targetsUrl: string;
  /** How connections are made (proxy, TLS, allowed endpoints); undici's own when not given. */
  readonly dispatcher?: Dispatcher;
  /**
   * How long the server may take to answer, and to send its next KiB; the whole may take as long as it takes. 30 s when
   * not given.
   */
  readonly idleTimeoutMs?: number;
}

/**
 * A repository on a web server. Plain `http:` is refused except to this machine itself. Redirects are not followed:
 * a repository lies where the configuration says. 404 and 403 both mean "not there", for buckets answer 403 for
 * names that do not exist.
 */
export class HttpRepository implements RepositorySource {
  readonly name: string;
  readonly #metadataUrl: URL;
  readonly #targetsUrl: URL;
  readonly #dispatcher: Dispatcher | undefined;
  readonly #idleTimeoutMs: number;

  /** @throws {RepositorySourceError} BAD_ADDRESS */
  constructor(options: HttpRepositoryOptions) {
    this.#metadataUrl = baseUrl(options.metadataUrl);
    this.#targetsUrl = baseUrl(options.targetsUrl);
    this.name = this.#metadataUrl.href;
    this.#dispatcher = options.dispatcher;
    this.#idleTimeoutMs = options.idleTimeoutMs ?? 30_000;
  }

  async metadata(
    name: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const chunks = await this.#get(new URL(`./${name}`, this.#metadataUrl), limits.maxBytes, signal);
    if (chunks === undefined) {
      return undefined;
    }
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) {
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }

  async target(
    path: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const segments = path.split('/');
    if (segments.some((segment) => segment === '.' || segment === '..')) {
      throw new RepositorySourceError('BAD_NAME', `${JSON.stringify(path)} is no path within a repository`, {
        path,
      });
    }
    return this.#get(
      new URL(`./${segments.map(encodeURIComponent).join('/')}`, this.#targetsUrl),
      limits.maxBytes,
      signal,
    );
  }

  async #get(
    url: URL,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const response = await this.#request(url, signal);
    if (response.statusCode === 404 || response.statusCode === 403) {
      abandon(response);
      return undefined;
    }
    if (response.statusCode !== 200) {
      abandon(response);
      throw new RepositorySourceError(
        'BAD_STATUS',
        `${url.href} answered ${response.statusCode} where 200 or 404 was expected: check the address and the server`,
        {
          url: url.href,
          status: response.statusCode,
        },
      );
    }
    const encoding = response.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') {
      abandon(response);
      throw new RepositorySourceError(
        'BAD_STATUS',
        `${url.href} comes in content encoding "${String(encoding).slice(0, 40)}", which nobody asked for: let the server send files as they are`,
        { url: url.href, status: response.statusCode },
      );
    }
    return this.#limited(response.body, url, maxBytes, signal);
  }

  async #request(url: URL, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    try {
      return await requestWithin(this.#idleTimeoutMs, url, {
        headers: { 'accept-encoding': 'identity' },
        bodyTimeout: this.#idleTimeoutMs,
        signal,
        ...(this.#dispatcher === undefined ? {} : { dispatcher: this.#dispatcher }),
      });
    } catch (error) {
      throw transportError(error, url, signal);
    }
  }

  async *#limited(
    body: AsyncIterable<Uint8Array>,
    url: URL,
    maxBytes: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let sizeBytes = 0;
    try {
      for await (const chunk of paced(body, this.#idleTimeoutMs)) {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes) {
          throw new RepositorySourceError(
            'TOO_LARGE',
            `${url.href} is longer than the ${maxBytes} bytes allowed: the server sends something else than was published; try again, from another source if it stays so`,
            { url: url.href, maxBytes },
          );
        }
        yield chunk;
      }
    } catch (error) {
      throw error instanceof RepositorySourceError ? error : transportError(error, url, signal);
    }
  }
}

/** Ends an answer whose body nobody wants: reading it to its end could take for ever. */
function abandon(response: Dispatcher.ResponseData): void {
  response.body.on('error', () => undefined).destroy();
}

const stalledCodes: ReadonlySet<string> = new Set([
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** Names what went wrong on the way; cancellation stays what it is. */
function transportError(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) {
    return signal.reason;
  }
  const code = failureCodeOf(error);
  const details = { url: url.href, code };
  return stalledCodes.has(code)
    ? new RepositorySourceError(
        'STALLED',
        `${url.href} sent too little for too long (${code}): the line or the server stands still; try again`,
        details,
        { cause: error },
      )
    : new RepositorySourceError(
        'UNREACHABLE',
        `${url.href} cannot be reached (${code}): check the address, the line and the proxy`,
        details,
        { cause: error },
      );
}

function baseUrl(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (
    url === null ||
    (url.protocol !== 'https:' && !(url.protocol === 'http:' && isThisMachine(url.hostname)))
  ) {
    throw new RepositorySourceError(
      'BAD_ADDRESS',
      `${JSON.stringify(text)} is no address of a repository: write an https: URL (http: only to this machine)`,
      { url: text },
    );
  }
  return url;
}

function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
