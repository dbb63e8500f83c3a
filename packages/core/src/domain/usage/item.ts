import type { UsageFacts } from './facts.ts';
import type { UsageLevel } from './level.ts';

/** What a cell of a data item may hold. Numbers are whole: they travel as canonical JSON. */
export type UsageCell = boolean | number | string;

/** One row of a data item: its columns by name; a column without data is left out. */
export type UsageRow = Readonly<Record<string, UsageCell>>;

/** The groups of the data dictionary. */
export type UsageGroup =
  | 'setup'
  | 'topology'
  | 'system'
  | 'database'
  | 'components'
  | 'updates'
  | 'prerequisites'
  | 'downloads'
  | 'exchange'
  | 'replication'
  | 'content'
  | 'tasks'
  | 'configuration'
  | 'console'
  | 'clients'
  | 'performance';

export interface UsageColumn {
  readonly name: string;
  readonly type: 'number' | 'text' | 'truth';
  /** `bytes`, `ms`, `packages`, …; absent where a value has none. */
  readonly unit?: string;
  readonly says: string;
  /** Names something of the hierarchy's own: leaves only as a keyed hash. */
  readonly identifies?: true;
}

/** One thing that a hierarchy may tell: dictionary, preview, export, upload and the vendor's schema are made of these. */
export interface UsageItem {
  /** `updates.states`: group, dot, name in camel case. Never reused for something else. */
  readonly id: string;
  readonly group: UsageGroup;
  readonly level: UsageLevel;
  /** One sentence for administrators. */
  readonly says: string;
  /** `site`: each site tells it of itself. `hierarchy`: the top-tier site alone tells it. */
  readonly scope: 'hierarchy' | 'site';
  readonly columns: readonly UsageColumn[];
  readonly example: readonly UsageRow[];
  /** Empty where there is no data. Pure; rows in an order that depends on nothing but the facts. */
  readonly rows: (facts: UsageFacts) => readonly UsageRow[];
}
