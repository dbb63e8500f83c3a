/**
 * Runs a transfer for as long as it is wanted: what is in the database says so, and whoever changes that ends it.
 * Answers `not-wanted` then; what has come so far stays for the next time.
 */
export async function transfer<T>(options: {
  readonly fetch: (signal: AbortSignal) => Promise<T>;
  readonly isWanted: () => boolean;
  /** Receives what to call after each change of the database, and undefined at the end. */
  readonly onChange: (check: (() => void) | undefined) => void;
  readonly signal: AbortSignal;
}): Promise<T | 'not-wanted'> {
  const { fetch, isWanted, onChange, signal } = options;
  if (!isWanted()) return 'not-wanted';
  const notWanted = new AbortController();
  onChange(() => {
    if (!isWanted()) notWanted.abort(new Error('the transfer is not wanted any more'));
  });
  try {
    return await fetch(AbortSignal.any([signal, notWanted.signal]));
  } catch (error) {
    if (!signal.aborted && notWanted.signal.aborted) return 'not-wanted';
    throw error;
  } finally {
    onChange(undefined);
  }
}
