/**
 * The chunks of `source`, until `signal` is aborted: then it throws the signal's reason at once, also while
 * the source keeps silent, and tells the source to end.
 */
export async function* abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  // Nobody may be waiting when the signal fires; that is no unhandled rejection.
  aborted.catch(() => undefined);
  const end = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', end, { once: true });
  const chunks = source[Symbol.asyncIterator]();
  let done = false;
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), aborted]);
      if (next.done === true) {
        done = true;
        return;
      }
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', end);
    if (!done) {
      // Not awaited: a generator that is stuck in a read cannot return before that read ends.
      void Promise.resolve(chunks.return?.()).catch(() => undefined);
    }
  }
}

/** Ends a source that will not be read, so that what is behind it is freed. */
export async function dismiss(source: AsyncIterable<Uint8Array>): Promise<void> {
  await source[Symbol.asyncIterator]().return?.();
}
