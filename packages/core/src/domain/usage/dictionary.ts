import type { UsageColumn, UsageGroup, UsageItem } from './item.ts';
import { usageLevels } from './level.ts';
import { rowsMax } from './row-check.ts';

const groupTitles: Readonly<Record<UsageGroup, string>> = {
  setup: 'Set-up and versions',
  topology: 'Topology',
  system: 'Site systems',
  database: 'Database',
  components: 'Components',
  updates: 'Updates',
  prerequisites: 'Prerequisites',
  downloads: 'Downloads',
  exchange: 'Exchange with the vendor',
  replication: 'Replication links',
  content: 'Content library',
  tasks: 'Tasks',
  configuration: 'Configuration',
  console: 'Use of the console',
  clients: 'Clients and devices',
  performance: 'Performance',
};

/** The data dictionary as Markdown: what may leave a hierarchy, item by item. `docs/usage-data.md` is what it says. */
export function dictionaryText(items: readonly UsageItem[]): string {
  const groups = [...Map.groupBy(items, ({ group }) => group)];
  return [
    introduction(items),
    ...groups.map(([group, members]) => [`## ${groupTitles[group]}`, ...members.map(itemText)].join('\n\n')),
  ]
    .join('\n\n')
    .concat('\n');
}

function introduction(items: readonly UsageItem[]): string {
  const counts = usageLevels.map((level) => [
    `\`${level}\``,
    String(items.filter((item) => item.level === level).length),
  ]);
  return `# Usage data

<!-- Made from packages/core/src/domain/usage: node scripts/run.mjs exec scripts/usage-dictionary.mjs -->

Everything that a hierarchy can tell its vendor, and nothing beside it but the facts that targeting needs: what is not here is
neither collected nor sent, and is refused where it arrives. How it is collected and sent stands in [decision 18](adr/0018-usage-reports.md).

Each level says everything that the one before it says:

${table(['level', 'items of its own'], counts)}

- Numbers are whole, and not negative. A value that is not known is left out; an item without data is told as _none_.
- _Hashed_ columns name something of the hierarchy's own. They leave as HMAC-SHA-256 under a key that never leaves the
  hierarchy. No other column holds a name of a person, a machine or a place.
- Items of the _hierarchy_ are told by its top-tier site alone; all others by each site of itself.
- _In the last quarter_ means the last 92 days. "Since the site server was started" ends with each restart.
- \`other\` stands where something is no plain word: a sentence, a path or an address gets out through no column.
- An item has at most ${rowsMax} rows; of more the first ones are told.`;
}

function itemText({ id, says, level, scope, columns, example }: UsageItem): string {
  const told = scope === 'site' ? 'told by each site' : 'told for the hierarchy';
  return [
    `### \`${id}\``,
    `${says} Level ${level}, ${told}.`,
    table(
      ['column', 'type', 'what it says'],
      columns.map((column) => [`\`${column.name}\``, typeText(column), column.says]),
    ),
    example.length === 0 ? 'There is no example, because there is nothing to tell yet.' : 'For example:',
    ...(example.length === 0 ? [] : [exampleTable(columns, example)]),
  ].join('\n\n');
}

function typeText({ type, unit, identifies }: UsageColumn): string {
  if (identifies === true) return 'text, hashed';
  if (type === 'truth') return 'true or false';
  return unit === undefined ? type : `${type}, ${unit}`;
}

function exampleTable(columns: readonly UsageColumn[], rows: UsageItem['example']): string {
  return table(
    columns.map(({ name }) => name),
    rows.map((row) => columns.map(({ name }) => String(row[name] ?? ''))),
  );
}

/** As the formatter of this repository lays tables out. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, index) =>
    Math.max(3, title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
