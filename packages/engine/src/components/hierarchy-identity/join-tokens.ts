import type { SiteType } from '@sallyport/core/domain/sites/site';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { SettingReads, SettingWrites } from '../../ports/site-database.ts';

/** A token as the top-tier site remembers it: never the secret itself. */
export interface IssuedToken {
  readonly id: string;
  /** SHA-256 of the secret: the key of the request's MAC. */
  readonly secretSha256: string;
  readonly code: SiteCode;
  readonly type: Exclude<SiteType, 'central'>;
  readonly parent: SiteCode;
  readonly expiresAt: EpochMs;
  readonly used?: { readonly at: EpochMs; readonly key: string };
}

const name = 'join-tokens';
/** So long a token is remembered after it has expired, to say "expired" or "used" rather than "unknown". */
const rememberedMs = 90 * 24 * 60 * 60 * 1000;

export function readTokens(settings: SettingReads): readonly IssuedToken[] {
  return (settings.get(name) as readonly IssuedToken[] | undefined) ?? [];
}

/** Adds a token, or replaces the one of its id; forgets long expired ones. */
export function putToken(settings: SettingReads & SettingWrites, token: IssuedToken, now: EpochMs): void {
  const others = readTokens(settings).filter(
    ({ id, expiresAt }) => id !== token.id && expiresAt + rememberedMs > now,
  );
  settings.put(name, [...others, token]);
}
