import type { UpdateEventName } from '../../updates/event.ts';
import { number, singleItem, tableItem, text } from '../define-item.ts';
import type { UsageFacts } from '../facts.ts';
import type { UsageItem } from '../item.ts';
import { daysSince, groupsBy, hoursSince, word } from '../tally.ts';

/** Things of the history of one site; enough for what a quarter brings. */
const historyMax = 300;

/** A product that the catalogue does not name, or not any more, is told as `other`. */
export function productOf({ packages }: UsageFacts, guid: Parameters<typeof packages.get>[0]): string {
  return packages.get(guid)?.product ?? 'other';
}

/** Events by their names, counted for each product. */
function countedByProduct(facts: UsageFacts, names: readonly UpdateEventName[]) {
  return groupsBy(
    facts.events.filter(({ event }) => names.includes(event)),
    ({ guid }) => ({ product: productOf(facts, guid) }),
  ).map(({ key, of }) => ({
    ...key,
    count: (name: UpdateEventName) => of.filter(({ event }) => event === name).length,
  }));
}

export const updateItems: readonly UsageItem[] = [
  tableItem({
    id: 'updates.states',
    level: 'basic',
    says: 'How many packages are in which state at the site.',
    columns: {
      product: text('Product id'),
      state: text('State'),
      packages: number('packages', 'Packages in it'),
    },
    example: [{ product: 'typescript', state: 'INSTALL_SUCCESS', packages: 3 }],
    rows: (facts) =>
      groupsBy(facts.projections, ({ guid, state }) => ({ product: productOf(facts, guid), state })).map(
        ({ key, of }) => ({ ...key, packages: of.length }),
      ),
  }),
  tableItem({
    id: 'updates.installs',
    level: 'basic',
    says: 'How installs at the site ended in the last quarter.',
    columns: {
      product: text('Product id'),
      succeeded: number('installs', 'Installs that succeeded'),
      failed: number('installs', 'Installs that failed, or were rolled back'),
    },
    example: [{ product: 'typescript', succeeded: 4, failed: 1 }],
    rows: (facts) =>
      countedByProduct(facts, ['install-succeeded', 'install-failed']).map(({ product, count }) => ({
        product,
        succeeded: count('install-succeeded'),
        failed: count('install-failed'),
      })),
  }),
  tableItem({
    id: 'updates.errors',
    level: 'basic',
    says: 'Why work on packages failed at the site in the last quarter.',
    columns: {
      product: text('Product id'),
      event: text('What failed'),
      code: text('Code of the error'),
      times: number('times', 'How often'),
    },
    example: [{ product: 'typescript', event: 'install-failed', code: 'HEALTH_CHECK_FAILED', times: 1 }],
    rows: (facts) =>
      groupsBy(
        facts.events.filter(({ event }) => event.endsWith('-failed') && event !== 'prerequisites-failed'),
        ({ guid, event, data }) => ({ product: productOf(facts, guid), event, code: word(data['code']) }),
      ).map(({ key, of }) => ({ ...key, times: of.length })),
  }),
  tableItem({
    id: 'updates.failedSteps',
    level: 'basic',
    says: 'At which step installs failed at the site in the last quarter.',
    columns: {
      product: text('Product id'),
      step: text('Step of the install'),
      times: number('times', 'How often'),
      rolledBack: number('times', 'How often the release before had to be put in force again'),
    },
    example: [{ product: 'typescript', step: 'health-check', times: 1, rolledBack: 1 }],
    rows: (facts) =>
      groupsBy(
        facts.events.filter(({ event }) => event === 'install-failed'),
        ({ guid, data }) => ({ product: productOf(facts, guid), step: word(data['step']) }),
      ).map(({ key, of }) => ({
        ...key,
        times: of.length,
        rolledBack: of.filter(({ data }) => data['rolledBack'] === true).length,
      })),
  }),
  tableItem({
    id: 'updates.withdrawn',
    level: 'basic',
    says: 'How many installed packages the vendor has withdrawn since.',
    columns: { product: text('Product id'), packages: number('packages', 'Withdrawn packages in force') },
    example: [{ product: 'typescript', packages: 1 }],
    rows: (facts) =>
      groupsBy(
        facts.sites
          .filter(({ site }) => site === facts.site.code)
          .flatMap(({ products }) =>
            products.flatMap(({ product, installed }) => installed.map((guid) => ({ product, guid }))),
          )
          .filter(({ guid }) => facts.packages.get(guid)?.withdrawn === true),
        ({ product }) => ({ product }),
      ).map(({ key, of }) => ({ ...key, packages: of.length })),
  }),
  tableItem({
    id: 'updates.lastInstall',
    level: 'basic',
    says: 'Which package was installed last at the site, and when.',
    columns: {
      product: text('Product id'),
      package: text("The vendor's GUID of the package"),
      days: number('days', 'Whole days ago'),
    },
    example: [{ product: 'typescript', package: '7c9e6679-7425-40de-944b-e07fc1f90ae7', days: 12 }],
    rows: (facts) =>
      groupsBy(
        facts.events.filter(({ event }) => event === 'install-succeeded'),
        ({ guid }) => ({ product: productOf(facts, guid) }),
      ).flatMap(({ key, of }) => {
        const last = of.at(-1);
        return last === undefined ? [] : [{ ...key, package: last.guid, days: daysSince(last.at, facts.at) }];
      }),
  }),
  tableItem({
    id: 'updates.waiting',
    level: 'enhanced',
    says: 'How long packages have been waiting for a service window or for the parent site.',
    columns: {
      state: text('What is waited for, as a state'),
      packages: number('packages', 'Packages that wait'),
      longest: number('hours', 'Whole hours that the longest has waited'),
    },
    example: [{ state: 'INSTALL_WAITING_SERVICE_WINDOW', packages: 1, longest: 30 }],
    rows: ({ at, projections }) =>
      groupsBy(
        projections.filter(({ state }) => state.startsWith('INSTALL_WAITING_')),
        ({ state }) => ({ state }),
      ).map(({ key, of }) => ({
        ...key,
        packages: of.length,
        longest: Math.max(...of.map(({ since }) => hoursSince(since, at))),
      })),
  }),
  tableItem({
    id: 'updates.attempts',
    level: 'enhanced',
    says: 'How often packages had to be taken up again at the site.',
    columns: {
      product: text('Product id'),
      packages: number('packages', 'Packages with more than one attempt'),
      most: number('attempts', 'Most attempts at one package'),
    },
    example: [{ product: 'typescript', packages: 1, most: 3 }],
    rows: (facts) =>
      groupsBy(
        facts.projections.filter(({ attempt }) => attempt > 1),
        ({ guid }) => ({ product: productOf(facts, guid) }),
      ).map(({ key, of }) => ({
        ...key,
        packages: of.length,
        most: Math.max(...of.map(({ attempt }) => attempt)),
      })),
  }),
  tableItem({
    id: 'updates.takenBack',
    level: 'enhanced',
    says: 'How often work on packages was cancelled or reset at the site in the last quarter.',
    columns: {
      product: text('Product id'),
      cancelled: number('times', 'Cancelled, by an administrator or because the vendor stopped the package'),
      reset: number('times', 'Reset'),
    },
    example: [{ product: 'typescript', cancelled: 1, reset: 0 }],
    rows: (facts) =>
      countedByProduct(facts, ['cancelled', 'reset']).map(({ product, count }) => ({
        product,
        cancelled: count('cancelled'),
        reset: count('reset'),
      })),
  }),
  tableItem({
    id: 'updates.events',
    level: 'enhanced',
    says: 'How often each thing happened to packages at the site in the last quarter.',
    columns: { event: text('What happened'), times: number('times', 'How often') },
    example: [{ event: 'download-succeeded', times: 5 }],
    rows: ({ events }) =>
      groupsBy(events, ({ event }) => ({ event })).map(({ key, of }) => ({ ...key, times: of.length })),
  }),
  tableItem({
    id: 'updates.history',
    level: 'full',
    says: 'What happened to which package at the site, the newest things of the last quarter.',
    columns: {
      package: text("The vendor's GUID of the package"),
      attempt: number('attempts', 'Number of the attempt'),
      event: text('What happened'),
      hours: number('hours', 'Whole hours ago'),
    },
    example: [
      {
        package: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
        attempt: 1,
        event: 'install-succeeded',
        hours: 290,
      },
    ],
    rows: ({ at, events }) =>
      events.slice(-historyMax).map((each) => ({
        package: each.guid,
        attempt: each.attempt,
        event: each.event,
        hours: hoursSince(each.at, at),
      })),
  }),
  singleItem({
    id: 'updates.deferredOrders',
    level: 'basic',
    says: 'How many orders of the hierarchy wait at the site until other work has ended.',
    columns: { orders: number('orders', 'Orders that wait') },
    example: { orders: 0 },
    row: ({ orders }) => ({ orders: orders.deferred }),
  }),
  tableItem({
    id: 'updates.refusedOrders',
    level: 'basic',
    says: 'Why the site has refused orders of the hierarchy.',
    columns: { code: text('Code of the refusal'), orders: number('orders', 'Of the newest refused ones') },
    example: [{ code: 'WITHDRAWN', orders: 1 }],
    rows: ({ orders }) =>
      groupsBy(orders.refused, ({ code }) => ({ code: word(code) })).map(({ key, of }) => ({
        ...key,
        orders: of.length,
      })),
  }),
];
