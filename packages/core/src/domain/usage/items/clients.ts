import { number, tableItem, text } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { groupsBy } from '../tally.ts';

export const clientItems: readonly UsageItem[] = [
  tableItem({
    id: 'clients.devices',
    level: 'basic',
    says: 'How many clients and devices the site manages: none, as long as sites manage none.',
    columns: { devices: number('devices', 'Clients and devices') },
    example: [],
    // Nothing here knows of a client yet, and nothing is told that nobody has counted.
    rows: () => [],
  }),
  tableItem({
    id: 'clients.packages',
    level: 'enhanced',
    says: 'How many installed packages change something for clients or consoles.',
    columns: {
      impact: text('client or console'),
      packages: number('packages', 'Installed packages with that impact'),
    },
    example: [{ impact: 'client', packages: 2 }],
    rows: ({ site, sites, packages }) =>
      groupsBy(
        sites
          .filter((each) => each.site === site.code)
          .flatMap(({ products }) => products.flatMap(({ installed }) => installed))
          .flatMap((guid) => packages.get(guid)?.impact ?? []),
        (impact) => (impact === 'site-server' ? undefined : { impact }),
      ).map(({ key, of }) => ({ ...key, packages: of.length })),
  }),
];
