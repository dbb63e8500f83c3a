import { number, tableItem, text } from '../define-item.ts';
import { spansOf } from '../event-spans.ts';
import type { UsageFacts } from '../facts.ts';
import type { UsageItem } from '../item.ts';
import { daysSince, groupsBy, spread, word } from '../tally.ts';
import { productOf } from './updates.ts';

/** From each event of an install to the step that it ends with. */
function stepTimes({ events }: UsageFacts) {
  const before = new Map<string, number>();
  return events.flatMap(({ guid, event, at, data }) => {
    const begun = before.get(guid);
    before.set(guid, at);
    return event === 'step-finished' && begun !== undefined && at >= begun
      ? [{ step: word(data['step']), ms: at - begun }]
      : [];
  });
}

/** How long things take, and how far behind a site is. */
export const updateTimeItems: readonly UsageItem[] = [
  tableItem({
    id: 'updates.installTimes',
    level: 'enhanced',
    says: 'How long successful installs took at the site in the last quarter.',
    columns: {
      product: text('Product id'),
      installs: number('installs', 'Installs'),
      least: number('ms', 'The shortest'),
      middle: number('ms', 'The middle one'),
      most: number('ms', 'The longest'),
    },
    example: [{ product: 'typescript', installs: 4, least: 900, middle: 1400, most: 5200 }],
    rows: (facts) =>
      groupsBy(spansOf(facts.events, 'install-started', ['install-succeeded']), ({ end }) => ({
        product: productOf(facts, end.guid),
      })).map(({ key, of }) => ({ ...key, installs: of.length, ...spread(of.map(({ ms }) => ms)) })),
  }),
  tableItem({
    id: 'updates.stepTimes',
    level: 'full',
    says: 'How long each step of an install took at the site in the last quarter.',
    columns: {
      step: text('Step of the install'),
      times: number('times', 'How often it was finished'),
      middle: number('ms', 'The middle time'),
      most: number('ms', 'The longest'),
    },
    example: [{ step: 'stage-release', times: 4, middle: 700, most: 3100 }],
    rows: (facts) =>
      groupsBy(stepTimes(facts), ({ step }) => ({ step })).map(({ key, of }) => {
        const times = spread(of.map(({ ms }) => ms));
        return { ...key, times: of.length, middle: times?.middle, most: times?.most };
      }),
  }),
  tableItem({
    id: 'updates.delay',
    level: 'enhanced',
    says: 'How long after their release packages were installed at the site, in the last quarter.',
    columns: {
      product: text('Product id'),
      installs: number('installs', 'Installs'),
      least: number('days', 'The soonest, in whole days'),
      middle: number('days', 'The middle one'),
      most: number('days', 'The latest'),
    },
    example: [{ product: 'typescript', installs: 4, least: 2, middle: 9, most: 30 }],
    rows: (facts) =>
      groupsBy(
        facts.events.flatMap(({ event, guid, at }) => {
          const releasedAt = facts.packages.get(guid)?.releasedAt;
          return event === 'install-succeeded' && releasedAt !== undefined
            ? [{ product: productOf(facts, guid), days: daysSince(releasedAt, at) }]
            : [];
        }),
        ({ product }) => ({ product }),
      ).map(({ key, of }) => ({ ...key, installs: of.length, ...spread(of.map(({ days }) => days)) })),
  }),
  tableItem({
    id: 'updates.newer',
    level: 'basic',
    says: 'How many version updates were released after the newest one that is installed.',
    columns: {
      product: text('Product id'),
      packages: number('packages', 'Version updates that are not withdrawn'),
      oldest: number('days', 'Whole days since the first of them was released'),
    },
    example: [{ product: 'typescript', packages: 2, oldest: 44 }],
    rows: (facts) =>
      (facts.sites.find(({ site }) => site === facts.site.code)?.products ?? []).flatMap(
        ({ product, installed }) => {
          const newest = Math.max(...installed.map((guid) => facts.packages.get(guid)?.releasedAt ?? 0), 0);
          const later = [...facts.packages.values()].flatMap((each) =>
            each.product === product &&
            each.kind === 'version-update' &&
            !each.withdrawn &&
            each.releasedAt !== undefined &&
            each.releasedAt > newest
              ? [each.releasedAt]
              : [],
          );
          return later.length === 0
            ? []
            : [
                {
                  product,
                  packages: later.length,
                  oldest: daysSince(Math.min(...later), facts.at),
                },
              ];
        },
      ),
  }),
];
