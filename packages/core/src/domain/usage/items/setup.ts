import type { UsageFacts } from '../facts.ts';
import { number, singleItem, tableItem, text, truth } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { daysSince, groupsBy, word } from '../tally.ts';

/** What this site says of its products; empty before it has said so. */
function ownProducts({ sites, site }: UsageFacts) {
  return sites.find((each) => each.site === site.code)?.products ?? [];
}

export const setupItems: readonly UsageItem[] = [
  singleItem({
    id: 'setup.sallyport',
    level: 'basic',
    says: 'The version of Sallyport that runs the site.',
    columns: { version: text('Version of Sallyport') },
    example: { version: '0.1.0' },
    row: ({ site }) => ({ version: word(site.sallyport) }),
  }),
  tableItem({
    id: 'setup.products',
    level: 'basic',
    says: 'The products that the site runs, with their versions.',
    columns: {
      product: text('Product id'),
      version: text('Version that is in force'),
      packages: number('packages', 'Packages that it is made of: the first one and those installed over it'),
    },
    example: [{ product: 'typescript', version: '5.9.3', packages: 3 }],
    rows: (facts) =>
      ownProducts(facts).map(({ product, version, installed }) => ({
        product,
        version: word(version),
        packages: installed.length,
      })),
  }),
  singleItem({
    id: 'setup.age',
    level: 'basic',
    says: 'How long ago the site was set up.',
    columns: { days: number('days', 'Whole days since the site was set up') },
    example: { days: 41 },
    row: ({ at, site }) => ({ days: daysSince(site.setUpAt, at) }),
  }),
  singleItem({
    id: 'setup.restores',
    level: 'basic',
    says: 'How often the site was restored from a backup.',
    columns: { restores: number('restores', 'Times that the site began a new epoch') },
    example: { restores: 0 },
    row: ({ site }) => ({ restores: site.epoch - 1 }),
  }),
  tableItem({
    id: 'setup.packageKinds',
    level: 'basic',
    says: 'How many packages of each kind are installed.',
    columns: {
      product: text('Product id'),
      kind: text('baseline, version-update, hotfix or out-of-band'),
      packages: number('packages', 'Installed packages of that kind'),
    },
    example: [{ product: 'typescript', kind: 'version-update', packages: 2 }],
    rows: (facts) =>
      groupsBy(
        ownProducts(facts).flatMap(({ product, installed }) =>
          installed.map((guid) => ({ product, kind: facts.packages.get(guid)?.kind })),
        ),
        ({ product, kind }) => (kind === undefined ? undefined : { product, kind }),
      ).map(({ key, of }) => ({ ...key, packages: of.length })),
  }),
  tableItem({
    id: 'setup.installedPackages',
    level: 'enhanced',
    says: 'Every package that is installed, oldest first.',
    columns: {
      product: text('Product id'),
      package: text("The vendor's GUID of the package"),
      version: text('Version of the package'),
      withdrawn: truth('Whether the vendor has withdrawn it since'),
    },
    example: [
      {
        product: 'typescript',
        package: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
        version: '5.9.3',
        withdrawn: false,
      },
    ],
    rows: (facts) =>
      ownProducts(facts).flatMap(({ product, installed }) =>
        installed.map((guid) => {
          const known = facts.packages.get(guid);
          return {
            product,
            package: guid,
            version: known === undefined ? undefined : word(known.version),
            withdrawn: known?.withdrawn,
          };
        }),
      ),
  }),
];
