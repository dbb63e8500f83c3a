import { SallyportError } from '../../shared/errors.ts';

/**
 * Why a request file or a medium was not made, or not taken. The site is as it was before.
 *
 * Of the file or medium: `NOT_A_REQUEST`, `NOT_A_MEDIUM`; `TRUNCATED` (its end is missing), `EDITED` (its bytes are not
 * what they should be), `UNSAFE` (links, devices, names that lead elsewhere); `OTHER_HIERARCHY`, `OTHER_VENDOR`; `OLDER`
 * (than what is held), `EXPIRED`; `TOOL_OLDER` (made by a newer program).
 *
 * Of its place: `EXISTS`, `NOT_EMPTY`, `NO_REQUESTS`, `FULL`, `GONE` (pulled out), `UNREADABLE`.
 *
 * Of the site: `ONLINE` (it exchanges by itself), `NOT_TOP_TIER`, `NOT_READY`, `NO_SEAL_KEY`.
 *
 * Of the way to the vendor: `VENDOR_UNKNOWN`, `VENDOR_UNREACHABLE`, `PROXY_REFUSED`.
 */
export type MediumErrorCode =
  | 'EDITED'
  | 'EXISTS'
  | 'EXPIRED'
  | 'FULL'
  | 'GONE'
  | 'NOT_A_MEDIUM'
  | 'NOT_A_REQUEST'
  | 'NOT_EMPTY'
  | 'NOT_READY'
  | 'NOT_TOP_TIER'
  | 'NO_REQUESTS'
  | 'NO_SEAL_KEY'
  | 'OLDER'
  | 'ONLINE'
  | 'OTHER_HIERARCHY'
  | 'OTHER_VENDOR'
  | 'PROXY_REFUSED'
  | 'TOOL_OLDER'
  | 'TRUNCATED'
  | 'UNREADABLE'
  | 'UNSAFE'
  | 'VENDOR_UNKNOWN'
  | 'VENDOR_UNREACHABLE';

/** A request file or a medium that was not made, or not taken. */
export class MediumError extends SallyportError<MediumErrorCode> {}
