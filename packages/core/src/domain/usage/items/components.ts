import { number, ownName, singleItem, tableItem, text } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { groupsBy, hoursSince, sum, word } from '../tally.ts';

export const componentItems: readonly UsageItem[] = [
  tableItem({
    id: 'components.states',
    level: 'basic',
    says: 'How the components of the site fare.',
    columns: {
      component: text('Component'),
      state: text('starting, running, waiting, failing or stopped'),
    },
    example: [{ component: 'SMS_HIERARCHY_MANAGER', state: 'waiting' }],
    rows: ({ components }) =>
      components.map((each) => ({ component: word(each.name), state: word(each.state) })),
  }),
  singleItem({
    id: 'components.failing',
    level: 'basic',
    says: 'How many components of the site cannot do their work, or had to be tried again.',
    columns: {
      failing: number('components', 'Components that are failing now'),
      hadFailed: number('components', 'Components with a failure since the site server was started'),
    },
    example: { failing: 0, hadFailed: 1 },
    row: ({ components }) => ({
      failing: components.filter(({ state }) => state === 'failing').length,
      hadFailed: components.filter(({ failed }) => failed).length,
    }),
  }),
  tableItem({
    id: 'components.stateAges',
    level: 'enhanced',
    says: 'How long each component has been in its state.',
    columns: { component: text('Component'), hours: number('hours', 'Whole hours') },
    example: [{ component: 'SMS_DMP_DOWNLOADER', hours: 3 }],
    rows: ({ at, components }) =>
      components.map((each) => ({ component: word(each.name), hours: hoursSince(each.since, at) })),
  }),
  singleItem({
    id: 'components.errors',
    level: 'basic',
    says: 'How many errors the components have logged since the site server was started.',
    columns: { errors: number('lines', 'Lines of severity error') },
    example: { errors: 2 },
    row: ({ logged }) => ({ errors: sum(logged.map(({ errors }) => errors)) }),
  }),
  tableItem({
    id: 'components.logged',
    level: 'enhanced',
    says: 'How many warnings and errors each component has logged since the site server was started.',
    columns: {
      component: text('Component'),
      warnings: number('lines', 'Lines of severity warning'),
      errors: number('lines', 'Lines of severity error'),
    },
    example: [{ component: 'SMS_REPLICATION_MANAGER', warnings: 4, errors: 0 }],
    rows: ({ logged }) =>
      logged.map(({ component, warnings, errors }) => ({ component: word(component), warnings, errors })),
  }),
  tableItem({
    id: 'components.hierarchy',
    level: 'enhanced',
    scope: 'hierarchy',
    says: 'How the components fare over all sites.',
    columns: {
      component: text('Component'),
      state: text('State as the sites said it last'),
      sites: number('sites', 'Sites where it is so'),
    },
    example: [{ component: 'SMS_REPLICATION_MANAGER', state: 'running', sites: 5 }],
    rows: ({ componentsOfSites }) =>
      groupsBy(componentsOfSites, ({ component, state }) => ({
        component: word(component),
        state: word(state),
      })).map(({ key, of }) => ({ ...key, sites: of.length })),
  }),
  tableItem({
    id: 'components.failingSites',
    level: 'full',
    scope: 'hierarchy',
    says: 'At which sites a component is failing; site codes are hashed.',
    columns: { site: ownName('Site code'), component: text('Component') },
    example: [{ site: 'PR1', component: 'CONFIGURATION_MANAGER_UPDATE' }],
    rows: ({ componentsOfSites }) =>
      componentsOfSites
        .filter(({ state }) => state === 'failing')
        .map(({ site, component }) => ({ site, component: word(component) })),
  }),
];
