import { ancestorsOf, descendantsOf, topTierOf } from '../../sites/roster.ts';
import { number, ownName, plainNumber, singleItem, tableItem, text, truth } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { groupsBy, word } from '../tally.ts';

export const topologyItems: readonly UsageItem[] = [
  tableItem({
    id: 'topology.sites',
    level: 'basic',
    scope: 'hierarchy',
    says: 'How many sites of each type the hierarchy has.',
    columns: {
      type: text('central, primary or secondary'),
      sites: number('sites', 'Sites that take part'),
      revoked: number('sites', 'Sites that were shut out'),
    },
    example: [{ type: 'primary', sites: 4, revoked: 1 }],
    rows: ({ roster }) =>
      groupsBy(roster.sites, ({ type }) => ({ type })).map(({ key, of }) => {
        const revoked = of.filter((site) => site.revoked !== undefined).length;
        return { ...key, sites: of.length - revoked, revoked };
      }),
  }),
  singleItem({
    id: 'topology.shape',
    level: 'basic',
    scope: 'hierarchy',
    says: 'How deep and how wide the hierarchy is.',
    columns: {
      levels: number('levels', 'Sites on the longest way from the top-tier site downward'),
      widest: number('sites', 'Most sites directly beneath one site'),
    },
    example: { levels: 3, widest: 12 },
    row: ({ roster }) => {
      const active = roster.sites.filter(({ revoked }) => revoked === undefined);
      const children = groupsBy(active, ({ parent }) => (parent === undefined ? undefined : { parent }));
      return {
        levels: Math.max(0, ...active.map(({ code }) => 1 + ancestorsOf(roster, code).length)),
        widest: Math.max(0, ...children.map(({ of }) => of.length)),
      };
    },
  }),
  tableItem({
    id: 'topology.versions',
    level: 'basic',
    scope: 'hierarchy',
    says: 'How many sites run which version of a product.',
    columns: {
      product: text('Product id'),
      version: text('Version that is in force'),
      type: text('Type of the sites'),
      sites: number('sites', 'Sites that run it'),
    },
    example: [{ product: 'typescript', version: '5.9.3', type: 'primary', sites: 3 }],
    rows: ({ sites }) =>
      groupsBy(
        sites.flatMap(({ type, products }) =>
          products.map(({ product, version }) => ({ product, version: word(version), type })),
        ),
        (each) => each,
      ).map(({ key, of }) => ({ ...key, sites: of.length })),
  }),
  tableItem({
    id: 'topology.platforms',
    level: 'basic',
    scope: 'hierarchy',
    says: 'On which platforms the sites run.',
    columns: {
      os: text('Operating system'),
      arch: text('Processor architecture'),
      sites: number('sites', 'Sites on it'),
    },
    example: [{ os: 'linux', arch: 'x64', sites: 5 }],
    rows: ({ sites }) =>
      groupsBy(sites, ({ platform }) => ({ os: word(platform.os), arch: word(platform.arch) })).map(
        ({ key, of }) => ({ ...key, sites: of.length }),
      ),
  }),
  singleItem({
    id: 'topology.silentSites',
    level: 'basic',
    scope: 'hierarchy',
    says: 'How many sites are in the roster and have never said anything of themselves.',
    columns: { sites: number('sites', 'Sites without facts') },
    example: { sites: 0 },
    row: ({ roster, sites }) => {
      const heard = new Set(sites.map(({ site }) => site));
      return {
        sites: roster.sites.filter(({ code, revoked }) => revoked === undefined && !heard.has(code)).length,
      };
    },
  }),
  singleItem({
    id: 'topology.place',
    level: 'basic',
    says: 'Where the site stands in its hierarchy.',
    columns: {
      type: text('central, primary or secondary'),
      topTier: truth('Whether it is the top-tier site'),
      above: number('sites', 'Sites above it'),
      beneath: number('sites', 'Sites beneath it, at whatever depth, that take part'),
    },
    example: { type: 'primary', topTier: false, above: 1, beneath: 8 },
    row: ({ roster, site }) => ({
      type: site.type,
      topTier: site.topTier,
      above: ancestorsOf(roster, site.code).length,
      beneath: descendantsOf(roster, site.code).filter(({ revoked }) => revoked === undefined).length,
    }),
  }),
  singleItem({
    id: 'topology.roster',
    level: 'enhanced',
    says: 'Which version of the list of sites the site goes by.',
    columns: {
      version: plainNumber('Version of the roster'),
      epoch: plainNumber('Epoch of the top-tier site in it'),
    },
    example: { version: 9, epoch: 1 },
    row: ({ roster }) => ({ version: roster.version, epoch: topTierOf(roster)?.epoch }),
  }),
  tableItem({
    id: 'topology.siteList',
    level: 'enhanced',
    scope: 'hierarchy',
    says: 'Every site with its place; site codes are hashed.',
    columns: {
      site: ownName('Site code'),
      parent: ownName("Its parent's site code"),
      type: text('central, primary or secondary'),
      epoch: plainNumber('Epoch: one more than its restores'),
      revoked: truth('Whether it was shut out'),
    },
    example: [{ site: 'PR1', parent: 'CAS', type: 'primary', epoch: 1, revoked: false }],
    rows: ({ roster }) =>
      roster.sites.map(({ code, parent, type, epoch, revoked }) => ({
        site: code,
        parent,
        type,
        epoch,
        revoked: revoked !== undefined,
      })),
  }),
  tableItem({
    id: 'topology.siteVersions',
    level: 'full',
    scope: 'hierarchy',
    says: 'Which version each site runs; site codes are hashed.',
    columns: {
      site: ownName('Site code'),
      product: text('Product id'),
      version: text('Version that is in force'),
    },
    example: [{ site: 'PR1', product: 'typescript', version: '5.9.3' }],
    rows: ({ sites }) =>
      sites.flatMap(({ site, products }) =>
        products.map(({ product, version }) => ({ site, product, version: word(version) })),
      ),
  }),
];
