import { productId, siteCode } from '@sallyport/core/shared/ids';
import { hours } from '@sallyport/core/shared/units';
import { adoptHierarchy, readHierarchy } from '../../hierarchy-identity/hierarchy-setting.ts';
import { componentsRecordKey } from '../../hierarchy-manager/own-records.ts';
import { guids, product, strangersKey } from '../../hierarchy-manager/test-support/test-vendor.ts';
import { signRoster } from '@sallyport/core/wire/hierarchy-documents';
import type { RosterEntry } from '@sallyport/core/domain/sites/site';
import { writeLink } from '../../replication-manager/link-state.ts';
import { finds } from './deeds.ts';
import type { UsageChange } from './changes.ts';
import type { ToldSite } from './told-site.ts';

const pr1 = siteCode('PR1');

/** The roster as the hierarchy's operating key signs it next. */
function rosterBecomes(site: ToldSite, sites: readonly RosterEntry[]): void {
  const { hierarchy, database } = site;
  const documents = database.read(({ settings }) => readHierarchy(settings));
  if (documents === undefined) throw new RangeError('the site is in no hierarchy');
  const roster = signRoster({ ...hierarchy.roster, version: 2, sites }, hierarchy.operating);
  adoptHierarchy(database, { ...documents, roster });
}

function saysOfComponents(site: ToldSite, code: string, state: string): void {
  const database = site.hierarchy.site(code).database;
  const component = { name: 'SMS_DISTRIBUTION_MANAGER', state, reason: 'x', since: 0 };
  database.write(({ records }) =>
    records.putOwn('site-status', componentsRecordKey, { schema: 1, components: [component] }, 1),
  );
}

/** Changes of the hierarchy and of the links in it. */
export const hierarchyChanges: readonly UsageChange[] = [
  {
    when: 'two sites join and one is shut out',
    change: (site) =>
      rosterBecomes(site, [
        ...site.hierarchy.roster.sites.map((each) =>
          each.code === 'PR1'
            ? { ...each, epoch: 2, revoked: { at: '2026-01-10T00:00:00Z', reason: 'gone' } }
            : each,
        ),
        { code: siteCode('PR2'), type: 'primary', parent: siteCode('CAS'), key: strangersKey(), epoch: 1 },
        { code: siteCode('SE2'), type: 'secondary', parent: siteCode('PR2'), key: strangersKey(), epoch: 1 },
      ]),
    tells: {
      'topology.sites': [
        { type: 'central', sites: 1, revoked: 0 },
        { type: 'primary', sites: 1, revoked: 1 },
        { type: 'secondary', sites: 1, revoked: 0 },
      ],
      'topology.shape': [{ levels: 3, widest: 1 }],
      'topology.silentSites': [{ sites: 2 }],
      'topology.platforms': [{ os: 'linux', arch: 'x64', sites: 1 }],
      'topology.place': [{ type: 'central', topTier: true, above: 0, beneath: 2 }],
      'topology.roster': [{ version: 2, epoch: 1 }],
      'topology.siteList': [
        { site: 'CAS', type: 'central', epoch: 1, revoked: false },
        { site: 'PR1', parent: 'CAS', type: 'primary', epoch: 2, revoked: true },
        { site: 'PR2', parent: 'CAS', type: 'primary', epoch: 1, revoked: false },
        { site: 'SE2', parent: 'PR2', type: 'secondary', epoch: 1, revoked: false },
      ],
    },
  },
  {
    when: 'a site beneath runs another version',
    change: async ({ hierarchy }) => {
      await hierarchy.runs(hierarchy.site('PR1'), guids.update, '2.0.0', [guids.base, guids.update]);
      await hierarchy.clock.advance(6_000);
      await hierarchy.settle();
    },
    tells: {
      'topology.versions': [
        { product, version: '1.0.0', type: 'central', sites: 1 },
        { product, version: '2.0.0', type: 'primary', sites: 1 },
      ],
      'topology.siteVersions': [
        { site: 'CAS', product, version: '1.0.0' },
        { site: 'PR1', product, version: '2.0.0' },
      ],
    },
  },
  {
    when: 'a component of a site beneath fails',
    prepare: async (site) => {
      saysOfComponents(site, 'PR1', 'running');
      await site.hierarchy.settle();
    },
    change: async (site) => {
      saysOfComponents(site, 'PR1', 'failing');
      await site.hierarchy.settle();
    },
    tells: {
      'components.hierarchy': [{ component: 'SMS_DISTRIBUTION_MANAGER', state: 'failing', sites: 1 }],
      'components.failingSites': [{ site: 'PR1', component: 'SMS_DISTRIBUTION_MANAGER' }],
    },
  },
  {
    when: 'a child has not called',
    change: ({ hierarchy }) => {
      hierarchy.childLinks = [{ site: pr1 }];
    },
    tells: {
      'replication.links': [{ direction: 'down', links: 1, halted: 0, troubled: 0 }],
      'replication.notCalled': [{ children: 1 }],
      'replication.peerEpochs': [{ peer: 'PR1', epoch: 1 }],
    },
  },
  {
    when: 'a child calls and is behind, and its link is halted',
    prepare: ({ hierarchy }) => {
      hierarchy.childLinks = [{ site: pr1 }];
    },
    change: (site) => {
      const now = site.hierarchy.clock.now();
      site.hierarchy.childLinks = [
        { site: pr1, lastSeenAt: now - hours(2), behind: 7, problem: 'two histories of PR1' },
      ];
      site.database.write(({ settings }) =>
        writeLink(settings, pr1, {
          epoch: 3,
          halt: { code: 'FORK', reason: 'two histories of PR1', since: now, epochs: { own: 1, peer: 3 } },
        }),
      );
    },
    tells: {
      'replication.links': [{ direction: 'down', links: 1, halted: 1, troubled: 1 }],
      'replication.halts': [{ code: 'FORK', links: 1 }],
      'replication.backlog': [{ waiting: 7, most: 7 }],
      'replication.notCalled': [{ children: 0 }],
      'replication.behind': [{ peer: 'PR1', waiting: 7 }],
      'replication.lastSeen': [{ peer: 'PR1', hours: 2 }],
      'replication.peerEpochs': [{ peer: 'PR1', epoch: 3 }],
    },
  },
  {
    when: 'the link to the parent comes up',
    at: 'PR1',
    prepare: (site) => {
      site.link = 'failing';
    },
    change: (site) => {
      site.link = 'running';
    },
    tells: {
      'replication.links': [{ direction: 'up', links: 1, halted: 0, troubled: 0 }],
      'replication.lastSeen': [{ peer: 'CAS', hours: 0 }],
    },
  },
  {
    when: 'the vendor cannot be reached, and two hours pass',
    change: async ({ hierarchy }) => {
      await hierarchy.top.operations.check();
      hierarchy.vendor.fault = new Error('away');
      await hierarchy.clock.jump(hours(2));
      await hierarchy.top.operations.check().catch(() => undefined);
    },
    tells: {
      'exchange.channels': [
        { channel: 'metadata', result: 'ok' },
        { channel: 'facts', result: 'failed' },
        { channel: 'offer', result: 'failed' },
        // The vendor of these tests names no key to seal to.
        { channel: 'usage', result: 'skipped' },
      ],
      'exchange.errors': (rows) => rows.length === 2 && rows.every(({ code }) => typeof code === 'string'),
      'exchange.lastGood': [
        { channel: 'metadata', hours: 0 },
        { channel: 'facts', hours: 2 },
        { channel: 'offer', hours: 2 },
      ],
      'exchange.failures': (rows) => Number(rows[0]?.['failures']) >= 1,
    },
  },
  {
    when: 'an exchange takes 250 ms',
    change: async ({ hierarchy }) => {
      hierarchy.vendor.onAnswer = (envelopes) => {
        hierarchy.clock.set(hierarchy.clock.now() + 250);
        return envelopes;
      };
      await hierarchy.top.operations.check();
    },
    tells: { 'exchange.duration': [{ took: 250 }] },
  },
  {
    when: 'packages are selected',
    change: async (site) => {
      await site.hierarchy.vendor.add(guids.hotfix, '2.0.1', { kind: 'hotfix', requires: [guids.update] });
      await finds(site);
    },
    tells: {
      'updates.verdicts': [
        { product, verdict: 'available', packages: 1 },
        { product, verdict: 'installed', packages: 1 },
        { product, verdict: 'not-available', packages: 1 },
      ],
      'updates.reasons': (rows) =>
        rows.some(({ reason, packages }) => reason === 'REQUIRES' && packages === 1),
    },
  },
  {
    when: 'an install is ordered for named sites with consent, licence and a feature',
    prepare: (site) => finds(site),
    change: ({ hierarchy }) =>
      hierarchy.putOrder(
        hierarchy.order(1, guids.update, {
          sites: [pr1],
          features: ['fast'],
          licence: { by: 'eve', at: '2026-01-10T00:00:00Z', textSha256: 'a'.repeat(64) },
          consent: {
            by: 'eve',
            at: '2026-01-10T00:00:00Z',
            warnings: [{ site: pr1, prerequisite: 'room', title: 'Room' }],
          },
        }),
      ),
    tells: {
      'updates.orders': [{ action: 'install', addressed: 'named', orders: 1 }],
      'updates.consents': [{ orders: 1, warnings: 1, licences: 1 }],
      'updates.features': [{ feature: 'fast', orders: 1 }],
    },
  },
  {
    when: 'the hierarchy is configured otherwise',
    change: (site) => {
      site.configuration = {
        ring: 'early',
        exchange: 'none',
        checkIntervalMs: 3_600_000,
        products: [product, productId('other')],
      };
    },
    tells: {
      'configuration.exchange': [{ mode: 'none', every: 3_600_000 }],
      'configuration.ring': [{ ring: 'early' }],
      'configuration.products': [{ product }, { product: 'other' }],
    },
  },
];
