/** Sent again, such a report would be refused again. Whatever else a cloud says may change. */
const finalCodes: ReadonlySet<string> = new Set(['CONFLICT', 'MALFORMED', 'OLDER']);

/** Whether a cloud's refusal of a usage report is its last word. */
export function isFinal(code: string): boolean {
  return finalCodes.has(code);
}
