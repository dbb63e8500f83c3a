import type { UsageRow } from '@sallyport/core/domain/usage/item';
import type { ToldSite } from './told-site.ts';

/** Something that happens to a site, and what it tells of that. */
export interface UsageChange {
  /** What happens. */
  readonly when: string;
  /** The site that tells; `CAS` when not given. */
  readonly at?: 'PR1';
  /** Its database is a file. */
  readonly inFile?: true;
  /** Brings the site to where the change begins; what it tells then is the "before". */
  readonly prepare?: (site: ToldSite) => unknown;
  readonly change: (site: ToldSite) => unknown;
  /** Rows of each item afterwards; each must have been something else before. A function judges what cannot be foretold. */
  readonly tells: Readonly<
    Record<
      string,
      readonly UsageRow[] | ((rows: readonly UsageRow[], before: readonly UsageRow[]) => boolean)
    >
  >;
}
