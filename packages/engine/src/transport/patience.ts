import { windowMinBytes } from '@sallyport/core/shared/pace';
import { type Dispatcher, errors, request } from 'undici';

/**
 * Makes a request and waits for the head of its answer, once: undici takes each interim answer (103) for a sign of
 * life, and a server may send those for ever.
 *
 * @throws {errors.HeadersTimeoutError} after `headMaxMs`; else what `request` throws, the signal's reason included
 */
export async function requestWithin(
  headMaxMs: number,
  url: URL,
  options: { readonly signal: AbortSignal } & NonNullable<Parameters<typeof request<null>>[1]>,
): Promise<Dispatcher.ResponseData> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new errors.HeadersTimeoutError()), headMaxMs);
  try {
    return await request(url, {
      ...options,
      headersTimeout: 0,
      signal: AbortSignal.any([options.signal, late.signal]),
    });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A body as it comes, from a server that may be slow but must get on.
 *
 * @throws {errors.BodyTimeoutError} when less than a KiB came in `windowMs`
 */
export async function* paced(body: AsyncIterable<Uint8Array>, windowMs: number): AsyncGenerator<Uint8Array> {
  let since = performance.now();
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes >= windowMinBytes) {
      since = performance.now();
      sizeBytes = 0;
    } else if (performance.now() - since > windowMs) {
      throw new errors.BodyTimeoutError();
    }
    yield chunk;
  }
}
