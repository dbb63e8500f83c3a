import { SallyportError } from '@sallyport/core/shared/errors';

/**
 * Why two sites do not talk. `UNREACHABLE` and `STALLED` pass by themselves; everything else lasts until
 * somebody acts, and the message says who must do what.
 */
export type LinkErrorCode =
  | 'UNREACHABLE'
  | 'STALLED'
  | 'FOREIGN_KEY'
  | 'NOT_IN_ROSTER'
  | 'REVOKED'
  | 'PROTOCOL'
  | 'FORK'
  | 'READ_ONLY'
  | 'QUOTA'
  | 'REFUSED';

export class LinkError extends SallyportError<LinkErrorCode> {}

const codes: ReadonlySet<string> = new Set<LinkErrorCode>([
  'UNREACHABLE',
  'STALLED',
  'FOREIGN_KEY',
  'NOT_IN_ROSTER',
  'REVOKED',
  'PROTOCOL',
  'FORK',
  'READ_ONLY',
  'QUOTA',
  'REFUSED',
]);

export function isLinkErrorCode(text: string): text is LinkErrorCode {
  return codes.has(text);
}
