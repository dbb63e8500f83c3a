import { number, singleItem, tableItem, text } from '../define-item.ts';
import type { UsageFacts } from '../facts.ts';
import type { UsageItem } from '../item.ts';
import { hoursSince, word } from '../tally.ts';

/** Other sites have no exchange: they tell nothing of it. */
function channels({ site, exchange }: UsageFacts) {
  return site.topTier ? exchange.channels : [];
}

export const exchangeItems: readonly UsageItem[] = [
  tableItem({
    id: 'exchange.channels',
    level: 'basic',
    scope: 'hierarchy',
    says: 'How the last exchange with the vendor went.',
    columns: { channel: text('metadata, facts or offer'), result: text('ok, failed, skipped or never') },
    example: [{ channel: 'metadata', result: 'ok' }],
    rows: (facts) => channels(facts).map(({ channel, result }) => ({ channel, result: word(result) })),
  }),
  tableItem({
    id: 'exchange.errors',
    level: 'basic',
    scope: 'hierarchy',
    says: 'Why the last exchange with the vendor failed.',
    columns: { channel: text('metadata, facts or offer'), code: text('Code of the error') },
    example: [{ channel: 'facts', code: 'UNREACHABLE' }],
    rows: (facts) =>
      channels(facts).flatMap(({ channel, code }) =>
        code === undefined ? [] : [{ channel, code: word(code) }],
      ),
  }),
  tableItem({
    id: 'exchange.lastGood',
    level: 'enhanced',
    scope: 'hierarchy',
    says: 'How long ago each part of the exchange went well.',
    columns: { channel: text('metadata, facts or offer'), hours: number('hours', 'Whole hours') },
    example: [{ channel: 'metadata', hours: 5 }],
    rows: (facts) =>
      channels(facts).flatMap(({ channel, okAt }) =>
        okAt === undefined ? [] : [{ channel, hours: hoursSince(okAt, facts.at) }],
      ),
  }),
  singleItem({
    id: 'exchange.failures',
    level: 'enhanced',
    scope: 'hierarchy',
    says: 'How many exchanges in a row have failed.',
    columns: { failures: number('exchanges', 'Failed exchanges since the last good one') },
    example: { failures: 0 },
    row: ({ exchange }) => ({ failures: exchange.failures }),
  }),
  singleItem({
    id: 'exchange.duration',
    level: 'full',
    scope: 'hierarchy',
    says: 'How long the last exchange with the vendor took.',
    columns: { took: number('ms', 'From its beginning to its end') },
    example: { took: 1840 },
    row: ({ exchange: { lastMs } }) => (lastMs === undefined ? undefined : { took: lastMs }),
  }),
];
