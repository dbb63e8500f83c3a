import type { EpochMs, HierarchyId, SiteCode } from '../../shared/ids.ts';
import type { SiteType } from './site.ts';

/** A signed document as JSON (DSSE v1): the body of a record, or a part of a message. */
export interface EnvelopeJson {
  readonly payloadType: string;
  /** Standard base64. */
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** What an administrator carries to a new site: where to join, as what, and the secret that allows it once. */
export interface JoinToken {
  readonly schema: 1;
  readonly id: string;
  /** Where the parent's link is reached: `host:port`. */
  readonly address: string;
  readonly hierarchyId: HierarchyId;
  /** The parent's link key: nobody else is spoken to. */
  readonly parentKey: string;
  readonly parent: SiteCode;
  readonly code: SiteCode;
  readonly type: Exclude<SiteType, 'central'>;
  /** 32 bytes, hexadecimal. */
  readonly secret: string;
  readonly expiresAt: EpochMs;
}

/** A new site's request. Only the top-tier site can check `mac`; a parent on the way learns nothing it could use. */
export interface JoinRequest {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  readonly tokenId: string;
  readonly code: SiteCode;
  readonly type: Exclude<SiteType, 'central'>;
  readonly parent: SiteCode;
  /** The new site's link key, raw and hexadecimal. */
  readonly key: string;
  /** HMAC-SHA-256 of `joinMacInput` under the SHA-256 of the token's secret. */
  readonly mac: string;
}

/** What a parent answers; `reason` is for people, and says what to do where something is to be done. */
export type JoinReply =
  | { readonly state: 'pending'; readonly reason: string }
  | { readonly state: 'accepted'; readonly operatingKey: EnvelopeJson; readonly roster: EnvelopeJson }
  | { readonly state: 'refused'; readonly code: string; readonly reason: string };
