import { ContentError } from '@sallyport/core/domain/content/content-error';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Clock } from '../../ports/clock.ts';

export interface IdleLimits {
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  /** For errors. */
  readonly url: URL;
  readonly signal: AbortSignal;
}

/** One for all: an abort without a reason makes an exception with a stack. */
export const cameInTime = new Error('the server has answered');

/**
 * Waits for the server's next sign of life.
 *
 * @throws {ContentError} STALLED when none comes in time; UNREACHABLE when the connection fails
 */
export async function untilIdle<T>(next: Promise<T>, limits: IdleLimits): Promise<T> {
  const { clock, idleTimeoutMs } = limits;
  const waking = new AbortController();
  const idle = clock.sleep(idleTimeoutMs, waking.signal).then(() => {
    throw stalled(limits, 'nothing');
  });
  try {
    return await Promise.race([next, idle]);
  } catch (failure) {
    // Whatever comes of it later: nobody waits for it any more.
    next.catch(() => undefined);
    throw named(failure, limits);
  } finally {
    waking.abort(cameInTime);
    idle.catch(() => undefined);
  }
}

/** What a server is told off with that sent too little for too long. */
export function stalled(
  { url, idleTimeoutMs }: IdleLimits,
  sent: 'less than a KiB' | 'nothing',
): ContentError {
  return new ContentError(
    'STALLED',
    `${url.href} sent ${sent} within ${String(Math.round(idleTimeoutMs / 1000))} s: the line or the server stands still; it is tried again`,
    { url: url.href, idleTimeoutMs },
  );
}

/** What undici reports when connecting takes too long. */
const connectTimeout = 'UND_ERR_CONNECT_TIMEOUT';

/** What a failed exchange is called here: why it was aborted, STALLED, or UNREACHABLE. */
export function named(failure: unknown, { url, signal }: Pick<IdleLimits, 'signal' | 'url'>): unknown {
  if (signal.aborted) {
    return signal.reason;
  }
  if (failure instanceof ContentError) {
    return failure;
  }
  const errno = failure instanceof Error && 'code' in failure ? String(failure.code) : 'unknown';
  const details = { url: url.href, errno };
  return errno === connectTimeout
    ? new ContentError(
        'STALLED',
        `${url.href} does not answer: check the address, the line and the proxy; it is tried again`,
        details,
        {
          cause: failure,
        },
      )
    : new ContentError(
        'UNREACHABLE',
        `the connection to ${url.href} failed (${messageOf(failure)}): check the address, the line and the proxy; it is tried again`,
        details,
        { cause: failure },
      );
}
