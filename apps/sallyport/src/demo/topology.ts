import type { SiteType } from '@sallyport/core/domain/sites/site';

/** A site of the demonstration, parents before children. */
export interface DemoSite {
  readonly code: string;
  readonly type: SiteType;
  readonly parent?: string;
  /** Where its first release comes from. */
  readonly baseline: 'media' | 'parent';
}

export const topologies = {
  hierarchy: [
    { code: 'CAS', type: 'central', baseline: 'media' },
    { code: 'PR1', type: 'primary', parent: 'CAS', baseline: 'media' },
    { code: 'PR2', type: 'primary', parent: 'CAS', baseline: 'parent' },
    { code: 'SE1', type: 'secondary', parent: 'PR1', baseline: 'parent' },
  ],
  standalone: [{ code: 'PR1', type: 'primary', baseline: 'media' }],
} as const satisfies Record<string, readonly DemoSite[]>;

export type TopologyName = keyof typeof topologies;
