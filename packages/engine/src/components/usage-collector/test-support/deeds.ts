import type { PackageGuid } from '@sallyport/core/shared/ids';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { guids, product } from '../../hierarchy-manager/test-support/test-vendor.ts';
import type { ToldSite } from './told-site.ts';

/** The vendor publishes version 2.0.0, and the hierarchy has it downloaded. */
export async function finds(site: ToldSite, more: Partial<PackageDescriptor> = {}): Promise<void> {
  const { hierarchy } = site;
  await hierarchy.vendor.add(guids.update, '2.0.0', { releasedAt: '2026-01-06', ...more });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.settle();
}

/** An administrator orders it, and every site has its content. */
export async function orders(site: ToldSite): Promise<void> {
  await site.hierarchy.top.operations.install({ id: '2.0.0', by: 'eve' });
  await site.hierarchy.settle();
}

/** The prerequisites are checked, which takes 40 ms, and found to be met. */
export async function passes(site: ToldSite): Promise<void> {
  const { hierarchy } = site;
  const { code } = site.site.identity;
  hierarchy.happen(code, guids.update, 'prerequisites-started');
  await hierarchy.clock.jump(40);
  hierarchy.happen(code, guids.update, 'prerequisites-passed', {
    results: [{ id: 'disk', title: 'Room', severity: 'error', status: 'passed', detail: '', remedy: '' }],
  });
}

const steps = [
  'stage-release',
  'backup-database',
  'before-switch-hooks',
  'switch',
  'after-switch-hooks',
  'health-check',
];

/** It is installed; each step takes 100 ms. */
export async function installs(site: ToldSite): Promise<void> {
  const { hierarchy } = site;
  const { code } = site.site.identity;
  hierarchy.happen(code, guids.update, 'install-started');
  for (const step of steps) {
    await hierarchy.clock.jump(100);
    hierarchy.happen(code, guids.update, 'step-finished', { step });
  }
  await puts(site, guids.update, '2.0.0');
  hierarchy.happen(code, guids.update, 'install-succeeded');
  await hierarchy.settle();
  await hierarchy.clock.advance(6_000);
}

/** A release comes into force at the site. */
export async function puts(site: ToldSite, guid: PackageGuid, version: string): Promise<void> {
  const before = await site.site.releases.current(product);
  await site.hierarchy.runs(site.site, guid, version, [...(before?.installed ?? []), guid]);
}
