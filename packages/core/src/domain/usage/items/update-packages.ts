import type { PackageGuid } from '../../../shared/ids.ts';
import { number, tableItem, text } from '../define-item.ts';
import type { UsageFacts } from '../facts.ts';
import type { UsageItem } from '../item.ts';
import { groupsBy, word } from '../tally.ts';
import { productOf } from './updates.ts';

function versionOf({ packages }: UsageFacts, guid: PackageGuid): string {
  return word(packages.get(guid)?.version);
}

/** What a vendor steers a roll-out by: the other items say nothing of single packages at level Basic. */
export const updatePackageItems: readonly UsageItem[] = [
  tableItem({
    id: 'updates.packages',
    level: 'basic',
    says: 'What has become of each package at the site, with its installs of the last quarter.',
    columns: {
      package: text("The vendor's GUID of the package"),
      product: text('Product id'),
      version: text('Version of the package'),
      state: text('State'),
      succeeded: number('installs', 'Installs of it that succeeded'),
      failed: number('installs', 'Installs of it that failed, or were rolled back'),
    },
    example: [
      {
        package: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
        product: 'typescript',
        version: '5.9.3',
        state: 'INSTALL_SUCCESS',
        succeeded: 1,
        failed: 0,
      },
    ],
    rows: (facts) =>
      facts.projections
        .toSorted((a, b) => (a.guid < b.guid ? -1 : 1))
        .map(({ guid, state }) => {
          const own = facts.events.filter((each) => each.guid === guid);
          return {
            package: guid,
            product: productOf(facts, guid),
            version: versionOf(facts, guid),
            state,
            succeeded: own.filter(({ event }) => event === 'install-succeeded').length,
            failed: own.filter(({ event }) => event === 'install-failed').length,
          };
        }),
  }),
  tableItem({
    id: 'updates.failures',
    level: 'basic',
    says: 'At which package, code and step work on packages failed at the site in the last quarter.',
    columns: {
      package: text("The vendor's GUID of the package"),
      product: text('Product id'),
      version: text('Version of the package'),
      event: text('What failed'),
      code: text('Code of the error'),
      step: text('Step of the install, or none'),
      times: number('times', 'How often'),
    },
    example: [
      {
        package: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
        product: 'typescript',
        version: '5.9.3',
        event: 'install-failed',
        code: 'HEALTH_CHECK_FAILED',
        step: 'health-check',
        times: 1,
      },
    ],
    rows: (facts) =>
      groupsBy(
        facts.events.filter(({ event }) => event.endsWith('-failed')),
        ({ guid, event, data }) => ({
          package: guid,
          product: productOf(facts, guid),
          version: versionOf(facts, guid),
          event,
          code: data['code'] === undefined ? 'none' : word(data['code']),
          step: data['step'] === undefined ? 'none' : word(data['step']),
        }),
      ).map(({ key, of }) => ({ ...key, times: of.length })),
  }),
];
