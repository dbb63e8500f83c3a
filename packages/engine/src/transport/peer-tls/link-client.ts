import { messageOf } from '@sallyport/core/shared/errors';
import { linkLimits, refusalFormat } from '@sallyport/core/wire/link';
import { WireError } from '@sallyport/core/wire/wire-error';
import { type Dispatcher, errors } from 'undici';
import { isLinkErrorCode, LinkError } from '../../ports/link-error.ts';
import { paced, requestWithin } from '../patience.ts';

/** Time for an answer beyond what the other side was asked to wait. */
const answerTimeoutMs = 30_000;

/**
 * Posts one JSON message and reads the answer.
 *
 * @param call `waitMs` is how long the other side may keep the answer back on purpose
 * @throws {LinkError} UNREACHABLE, STALLED, and whatever the other side refuses with
 */
export function post(
  dispatcher: Dispatcher,
  call: { readonly url: URL; readonly body: Uint8Array; readonly waitMs: number; readonly peer: string },
  signal: AbortSignal,
): Promise<Uint8Array> {
  return ask(dispatcher, call, signal);
}

/** Reads what an address names. @throws {LinkError} as `post` */
export function get(
  dispatcher: Dispatcher,
  call: { readonly url: URL; readonly peer: string },
  signal: AbortSignal,
): Promise<Uint8Array> {
  return ask(dispatcher, { ...call, waitMs: 0 }, signal);
}

async function ask(
  dispatcher: Dispatcher,
  call: { readonly url: URL; readonly body?: Uint8Array; readonly waitMs: number; readonly peer: string },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { url, body, peer } = call;
  const timeoutMs = call.waitMs + answerTimeoutMs;
  try {
    const response = await requestWithin(timeoutMs, url, {
      dispatcher,
      ...(body === undefined
        ? { method: 'GET' }
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
      bodyTimeout: timeoutMs,
      signal,
    });
    const bytes = await readLimited(paced(response.body, timeoutMs), linkLimits.messageMaxBytes, peer);
    if (response.statusCode !== 200) {
      throw refusalOf(response.statusCode, bytes, peer);
    }
    return bytes;
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof LinkError ? error : transportError(error, url, peer);
  }
}

/** What an answer says, or why it cannot be used. @throws {LinkError} PROTOCOL */
export function understood<T>(read: () => T, peer: string): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof WireError) {
      throw new LinkError(
        'PROTOCOL',
        `${peer} answers something that is not understood here: ${cause.message}`,
        { peer },
        { cause },
      );
    }
    throw cause;
  }
}

async function readLimited(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  peer: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      throw new LinkError(
        'PROTOCOL',
        `${peer} sends more than the ${maxBytes} bytes that one message may have`,
        { peer },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusalOf(status: number, bytes: Uint8Array, peer: string): LinkError {
  try {
    const { code, message } = refusalFormat.parse(bytes);
    return new LinkError(isLinkErrorCode(code) ? code : 'REFUSED', message, { peer, status });
  } catch (cause) {
    return new LinkError(
      'PROTOCOL',
      `${peer} answered with status ${status} and no reason: whatever listens there is no site server of this kind (${messageOf(cause)})`,
      { peer, status },
    );
  }
}

function transportError(error: unknown, url: URL, peer: string): LinkError {
  const stalled = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return stalled
    ? new LinkError(
        'STALLED',
        `${peer} at ${url.host} does not answer: it is overloaded, or the network loses what it sends`,
        { peer, address: url.host },
        { cause: error },
      )
    : new LinkError(
        'UNREACHABLE',
        `${peer} cannot be reached at ${url.host} (${messageOf(error)}): start its site server, or check address, name resolution and firewall`,
        { peer, address: url.host },
        { cause: error },
      );
}
