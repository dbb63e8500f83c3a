import type { SiteType } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';

/** Which site this is. */
export interface SiteIdentity {
  readonly code: SiteCode;
  readonly type: SiteType;
  /** Absent at the top-tier site only. */
  readonly parent?: SiteCode;
}

export function isTopTierSite(site: SiteIdentity): boolean {
  return site.parent === undefined;
}
