import { gibibytes } from '../../../shared/units.ts';
import { number, singleItem, tableItem, text, truth } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { hoursSince, word } from '../tally.ts';

export const systemItems: readonly UsageItem[] = [
  singleItem({
    id: 'system.platform',
    level: 'basic',
    says: 'The operating system of the site server.',
    columns: {
      os: text('Operating system'),
      release: text('The numbers of its release'),
      arch: text('Processor architecture'),
    },
    example: { os: 'linux', release: '6.8.0', arch: 'x64' },
    row: ({ machine }) => ({
      os: word(machine.os),
      release: word(machine.release),
      arch: word(machine.arch),
    }),
  }),
  singleItem({
    id: 'system.hardware',
    level: 'basic',
    says: 'How large the machine of the site server is.',
    columns: {
      processors: number('processors', 'Logical processors'),
      memory: number('GiB', 'Memory, to the nearest GiB'),
    },
    example: { processors: 4, memory: 16 },
    row: ({ machine }) => ({
      processors: machine.processors,
      memory: machine.memoryBytes / gibibytes(1),
    }),
  }),
  singleItem({
    id: 'system.runtime',
    level: 'basic',
    says: 'The programs that the site server stands on.',
    columns: { node: text('Version of Node.js'), sqlite: text('Version of SQLite') },
    example: { node: '24.9.0', sqlite: '3.50.4' },
    row: ({ machine }) => ({ node: word(machine.node), sqlite: word(machine.sqlite) }),
  }),
  tableItem({
    id: 'system.roles',
    level: 'basic',
    says: 'The roles of the site server: the components that it runs.',
    columns: { role: text('Name of a component') },
    example: [{ role: 'SMS_DISTRIBUTION_MANAGER' }],
    rows: ({ components }) => components.map(({ name }) => ({ role: word(name) })),
  }),
  singleItem({
    id: 'system.rights',
    level: 'enhanced',
    says: 'Whether programs of packages run under a user of their own.',
    columns: { separate: truth('Whether the site server may change its user') },
    example: { separate: true },
    row: ({ machine }) => ({ separate: machine.privileged }),
  }),
  singleItem({
    id: 'system.uptime',
    level: 'enhanced',
    says: 'How long the site server has been running.',
    columns: { hours: number('hours', 'Whole hours since the process was started') },
    example: { hours: 161 },
    row: ({ at, process }) => ({ hours: hoursSince(process.startedAt, at) }),
  }),
  singleItem({
    id: 'system.disk',
    level: 'enhanced',
    says: 'How much room the disk of the site has.',
    columns: { free: number('bytes', 'Free bytes on the disk of the releases') },
    example: { free: 52_428_800_000 },
    row: ({ library }) => ({ free: library.diskFreeBytes }),
  }),
];
