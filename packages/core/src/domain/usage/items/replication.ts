import { number, ownName, plainNumber, singleItem, tableItem, text } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { groupsBy, hoursSince, sum, word } from '../tally.ts';

export const replicationItems: readonly UsageItem[] = [
  tableItem({
    id: 'replication.links',
    level: 'basic',
    says: 'How the links of the site to its neighbours fare.',
    columns: {
      direction: text('up: to the parent; down: to children'),
      links: number('links', 'Links'),
      halted: number('links', 'Links over which nothing is taken'),
      troubled: number('links', 'Links with a problem'),
    },
    example: [{ direction: 'down', links: 3, halted: 0, troubled: 1 }],
    rows: ({ links }) =>
      groupsBy(links, ({ direction }) => ({ direction })).map(({ key, of }) => ({
        ...key,
        links: of.length,
        halted: of.filter(({ halt }) => halt !== undefined).length,
        troubled: of.filter(({ problem }) => problem).length,
      })),
  }),
  tableItem({
    id: 'replication.halts',
    level: 'basic',
    says: 'Why links of the site are halted.',
    columns: { code: text('FORK or READ_ONLY'), links: number('links', 'Links halted for that') },
    example: [{ code: 'FORK', links: 1 }],
    rows: ({ links }) =>
      groupsBy(links, ({ halt }) => (halt === undefined ? undefined : { code: word(halt) })).map(
        ({ key, of }) => ({ ...key, links: of.length }),
      ),
  }),
  singleItem({
    id: 'replication.backlog',
    level: 'basic',
    says: 'How much the children of the site have not taken yet.',
    columns: {
      waiting: number('records', 'Changes that wait, over all children that have called'),
      most: number('records', 'Changes that wait for the child that is furthest behind'),
    },
    example: { waiting: 12, most: 9 },
    row: ({ links }) => {
      const behind = links.flatMap((link) => (link.behind === undefined ? [] : [link.behind]));
      return behind.length === 0 ? undefined : { waiting: sum(behind), most: Math.max(...behind) };
    },
  }),
  singleItem({
    id: 'replication.notCalled',
    level: 'basic',
    says: 'How many children have not called since the site server was started.',
    columns: { children: number('sites', 'Children that have not called') },
    example: { children: 0 },
    row: ({ links }) => {
      const down = links.filter(({ direction }) => direction === 'down');
      return down.length === 0
        ? undefined
        : { children: down.filter(({ lastSeenAt }) => lastSeenAt === undefined).length };
    },
  }),
  tableItem({
    id: 'replication.behind',
    level: 'enhanced',
    says: 'How far each child is behind; site codes are hashed.',
    columns: {
      peer: ownName('Site code of the child'),
      waiting: number('records', 'Changes that it has not taken yet'),
    },
    example: [{ peer: 'PR1', waiting: 9 }],
    rows: ({ links }) =>
      links.flatMap(({ peer, behind }) => (behind === undefined ? [] : [{ peer, waiting: behind }])),
  }),
  tableItem({
    id: 'replication.lastSeen',
    level: 'enhanced',
    says: 'When each neighbour was heard last; site codes are hashed.',
    columns: { peer: ownName('Site code of the neighbour'), hours: number('hours', 'Whole hours ago') },
    example: [{ peer: 'PR1', hours: 0 }],
    rows: ({ at, links }) =>
      links.flatMap(({ peer, lastSeenAt }) =>
        lastSeenAt === undefined ? [] : [{ peer, hours: hoursSince(lastSeenAt, at) }],
      ),
  }),
  tableItem({
    id: 'replication.peerEpochs',
    level: 'full',
    says: 'In which epoch each neighbour has been seen; site codes are hashed.',
    columns: { peer: ownName('Site code of the neighbour'), epoch: plainNumber('Highest epoch') },
    example: [{ peer: 'PR1', epoch: 2 }],
    rows: ({ links }) => links.map(({ peer, peerEpoch }) => ({ peer, epoch: peerEpoch })),
  }),
];
