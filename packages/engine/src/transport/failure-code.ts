/**
 * A word for what went wrong on a connection, for messages: the system's code (`ECONNRESET`), or what the other side
 * must be where it does not speak HTTP at all.
 */
export function failureCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.name === 'HTTPParserError' ? `what answers there is no HTTP: ${error.message}` : 'unknown';
}
