import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { weekdays } from '@sallyport/core/domain/updates/service-window';
import type { ListResult, PackageResult, SitesResult, StatusResult } from '@sallyport/core/wire/api';
import { withSite } from '../src/client/site-client.ts';
import { Cloud, hello } from './cloud.ts';
import { type Environment, type Outcome, patienceMs, type Server, type World } from './harness.ts';

const runProgram = promisify(execFile);

export type SiteState = StatusResult['packages'][number]['sites'][number];

/** A site: its data folder, and its server while that runs. */
export class Site {
  readonly world: World;
  readonly code: string;
  data: string;
  /** Where children dial in. */
  address = '';
  server: Server | undefined;

  constructor(world: World, code: string, data: string) {
    this.world = world;
    this.code = code;
    this.data = data;
  }

  async start(env: Environment = {}): Promise<void> {
    this.server = await this.world.serve(
      ['site', 'run', '--data', this.data],
      /^site \S+ \(\S+\) is running(?:, child sites dial (\S+))?$/,
      env,
    );
    const [, address = ''] = await this.server.ready;
    this.address = address;
  }

  async stop(): Promise<void> {
    await this.server?.stop();
  }

  async kill(): Promise<void> {
    await this.server?.kill();
  }

  /** Runs a command against this site, whatever comes of it. */
  run(...args: readonly string[]): Promise<Outcome> {
    return this.world.run([...args, '--data', this.data]);
  }

  /** Runs a command that must go well; answers its JSON document. */
  ask<R>(...args: readonly string[]): Promise<R> {
    return this.world.json([...args, '--data', this.data]);
  }

  refused(args: readonly string[], expected: RegExp, code?: number): Promise<string> {
    return this.world.refused([...args, '--data', this.data], expected, code);
  }

  /** A package as `update list --all` has it. */
  async listed(version: string): Promise<PackageResult | undefined> {
    const { packages } = await this.ask<ListResult>('update', 'list', '--all');
    return packages.find((found) => found.version === version);
  }

  /** What is known here of a package at a site. */
  async state(version: string, code = this.code): Promise<SiteState | undefined> {
    const { packages } = await this.ask<StatusResult>('update', 'status', version);
    return packages[0]?.sites.find(({ site }) => site === code);
  }

  /** Waits until a package is in a state at a site, as known here. */
  reaches(version: string, state: string, code = this.code): Promise<SiteState> {
    return this.sees(version, code, state, (site) => site.state === state);
  }

  /** Waits until a package is at a site as is wanted, looking whenever anything changes. */
  async sees(
    version: string,
    code: string,
    what: string,
    isWanted: (site: SiteState) => boolean,
  ): Promise<SiteState> {
    let last: SiteState | undefined;
    const signal = AbortSignal.timeout(patienceMs);
    return withSite(this.data, signal, async (client) => {
      try {
        for await (const { packages } of client.watch<StatusResult>(signal)) {
          last = packages.find((found) => found.version === version)?.sites.find(({ site }) => site === code);
          if (last !== undefined && isWanted(last)) return last;
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      throw new Error(
        `waited in vain for ${version} to be ${what} at ${code}: it is ${last?.state ?? 'unknown'} there (${last?.reason ?? 'no reason'})`,
      );
    });
  }

  /** Asks the vendor, and waits until the package is downloaded. */
  async downloads(version: string): Promise<void> {
    await this.world.done(['update', 'check', '--data', this.data]);
    await this.world.done(['update', 'download', version, '--data', this.data, '--wait']);
    assert.equal((await this.state(version))?.state, 'DOWNLOAD_SUCCESS');
  }

  /** A site of the hierarchy, as this site knows it. */
  async knows(code: string): Promise<SitesResult['sites'][number] | undefined> {
    return (await this.ask<SitesResult>('site', 'show')).sites.find((site) => site.code === code);
  }

  /** What the installed program says of itself. */
  async program(): Promise<string> {
    const product = join(this.data, 'products', 'hello');
    const { folder } = JSON.parse(await readFile(join(product, 'current.json'), 'utf8')) as {
      folder: string;
    };
    const { stdout } = await runProgram(process.execPath, [
      join(product, 'releases', folder, 'bin', 'hello.mjs'),
      '--version',
    ]);
    return stdout.trim();
  }
}

/** Options of `site setup` for a top-tier site with hello 1.0 from the cloud's own folder as its medium. */
export function topTierOptions(cloud: Cloud, site: Site, type: string, url: URL): string[] {
  const first = [
    '--media',
    cloud.repository,
    '--baseline',
    'hello=1.0',
    '--recovery-key',
    `${site.data}-recovery.pem`,
  ];
  return [
    '--data',
    site.data,
    '--code',
    site.code,
    '--type',
    type,
    '--trust-root',
    cloud.trustRoot,
    '--vendor-url',
    url.href,
    ...first,
  ];
}

/** Sets a top-tier site up and starts it. */
export async function topTier(
  cloud: Cloud,
  url: URL,
  code: string,
  type: 'central' | 'primary',
  options: { readonly local?: true; readonly running?: false } = {},
): Promise<Site> {
  const { world } = cloud;
  const site = new Site(world, code, world.path(code.toLowerCase()));
  const exchange =
    options.local === true ? ['--local-applicability'] : ['--enrolment-code', await cloud.enrolmentCode()];
  await world.done(['site', 'setup', ...topTierOptions(cloud, site, type, url), ...exchange]);
  if (options.running !== false) await site.start();
  return site;
}

/** A join token for a site that is not there yet. */
export async function joinToken(
  top: Site,
  code: string,
  type: 'primary' | 'secondary',
  place: { readonly parent: string; readonly address: string },
): Promise<string> {
  const { parent, address } = place;
  return (
    await top.world.done([
      'site',
      'token',
      '--data',
      top.data,
      '--code',
      code,
      '--type',
      type,
      '--parent',
      parent,
      '--address',
      address,
    ])
  ).trim();
}

/** Sets a site up below another, with the release that its parent has, and starts it. */
export async function joined(
  cloud: Cloud,
  top: Site,
  code: string,
  type: 'primary' | 'secondary',
  place: { readonly parent: string; readonly address: string },
  more: { readonly data?: string; readonly options?: readonly string[] } = {},
): Promise<Site> {
  const { world } = cloud;
  const site = new Site(world, code, more.data ?? world.path(code.toLowerCase()));
  const token = await joinToken(top, code, type, place);
  await world.done([
    'site',
    'setup',
    '--data',
    site.data,
    '--code',
    code,
    '--type',
    type,
    '--trust-root',
    cloud.trustRoot,
    '--join',
    token,
    ...(more.options ?? []),
  ]);
  await site.start();
  return site;
}

/** A vendor that publishes the first release of hello, a CAS, and a primary below it; all of them run. */
export async function smallHierarchy(
  world: World,
): Promise<{ readonly cloud: Cloud; readonly cas: Site; readonly pr1: Site }> {
  const cloud = await Cloud.init(world, 'cloud');
  await cloud.publish(hello.baseline);
  const cas = await topTier(cloud, await cloud.serve(), 'CAS', 'central');
  return { cloud, cas, pr1: await joined(cloud, cas, 'PR1', 'primary', below(cas)) };
}

/** Where a site's children dial in. */
export function below({ code, address }: Site): { readonly parent: string; readonly address: string } {
  return { parent: code, address };
}

/** A service window that is closed whatever the time now, as options of `site windows add`, and when it opens. */
export function windowLater(): { readonly options: readonly string[]; readonly opensAt: number } {
  const opens = new Date();
  opens.setUTCDate(opens.getUTCDate() + 2);
  opens.setUTCHours(1, 0, 0, 0);
  const day = weekdays[opens.getUTCDay()] ?? '';
  return {
    options: ['--days', day, '--from', '01:00', '--minutes', '60', '--time-zone', 'UTC'],
    opensAt: opens.getTime(),
  };
}
