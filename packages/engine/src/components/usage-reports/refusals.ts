/**
 * Sent again, such a report would be refused again: what it says cannot be stored, comes too late, or stands against
 * another one of the same number. A cloud that does not know an item may be older than the site, and what quarantines
 * a hierarchy waits for a person.
 */
const finalCodes: ReadonlySet<string> = new Set([
  'ABOVE_LEVEL',
  'CONFLICT',
  'MALFORMED',
  'NOT_HASHED',
  'OLDER',
  'OUT_OF_RANGE',
  'TOO_LARGE',
  'TOO_LONG',
  'TOO_MANY_ROWS',
  'WRONG_TYPE',
]);

/** Whether a cloud's refusal of a usage report is its last word. */
export function isFinal(code: string): boolean {
  return finalCodes.has(code);
}
