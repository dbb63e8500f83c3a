import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { siteCode } from '@sallyport/core/shared/ids';
import type { StatusResult } from '@sallyport/core/wire/api';
import { withSite, type SiteClient } from '../../src/client/site-client.ts';
import { Cloud } from '../cloud.ts';
import { World } from '../harness.ts';
import { below, joined, Site, topTierOptions } from '../hierarchy.ts';
import { definePackage } from '../packages.ts';
import { type Fate, Mortal } from './mortal.ts';
import { newRelease, oldRelease } from './product.ts';
import { assertReleaseStands } from './standing.ts';

const run = promisify(execFile);

/** How much faster than ours the clocks of the stage run. */
const clockRate = 10;
/** How long nothing may happen, in milliseconds: nobody dies, and what is waited for does not come. */
const stallMaxMs = 180_000;
const lookEveryMs = 100;

export const actors = ['vendor', 'cas', 'pr1', 'se1'] as const;
export type Actor = (typeof actors)[number];

/**
 * A vendor, a CAS, a primary below it and a secondary below that, set up on version 1.0 of a product, with 1.1
 * published and nobody asked yet. It is made once; each play begins from a copy of its folders.
 */
export class Stage {
  readonly world: World;
  readonly #mortals: Readonly<Record<Actor, Mortal>>;
  readonly guid: string;

  private constructor(world: World, mortals: Readonly<Record<Actor, Mortal>>, guid: string) {
    this.world = world;
    this.#mortals = mortals;
    this.guid = guid;
  }

  static async build(): Promise<Stage> {
    const world = await World.open();
    try {
      return await Stage.#buildIn(world);
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  static async #buildIn(world: World): Promise<Stage> {
    await mkdir(world.path('stage'));
    const cloud = await Cloud.init(world, 'stage/vendor');
    const traces = world.path('stage', 'traces');
    await mkdir(traces);
    await cloud.publish(await definePackage(world, '1.0', oldRelease()));
    const port = await freePort();
    const serve = ['cloud', 'serve', '--data', cloud.data, '--port', String(port)];
    const listening = /^listening on (\S+)$/;
    const server = await world.serve(serve, listening);
    const url = new URL(`http://127.0.0.1:${port}`);
    const listen = async (): Promise<string[]> => ['--listen', `127.0.0.1:${await freePort()}`];
    const cas = new Site(world, 'CAS', world.path('stage', 'cas'));
    await world.done([
      'site',
      'setup',
      ...topTierOptions(cloud, cas, 'central', url),
      ...(await listen()),
      '--enrolment-code',
      await cloud.enrolmentCode(),
    ]);
    await cas.start();
    const pr1 = await joined(cloud, cas, 'PR1', 'primary', below(cas), {
      data: world.path('stage', 'pr1'),
      options: await listen(),
    });
    const se1 = await joined(cloud, cas, 'SE1', 'secondary', below(pr1), {
      data: world.path('stage', 'se1'),
    });
    // Every site has said what it runs before the play begins.
    await cas.ask('update', 'check');
    for (const site of [pr1, se1]) {
      for (;;) if ((await cas.knows(site.code))?.products !== undefined) break;
    }
    for (const site of [se1, pr1, cas]) await site.stop();
    await server.stop();
    await cloud.publish(await definePackage(world, '1.1', newRelease(traces)));
    await copy(world.path('stage'), world.path('kept'));
    const { products } = await world.json<{
      products: { packages: { guid: string; version: string }[] }[];
    }>(['cloud', 'show', '--data', cloud.data]);
    const guid = products[0]?.packages.find(({ version }) => version === '1.1')?.guid;
    assert.ok(guid !== undefined);
    const running = /^site \S+ \(\S+\) is running/;
    const site = (name: Actor, { data }: Site): Mortal =>
      new Mortal(world, name, ['site', 'run', '--data', data], running, () => assertReleaseStands(data));
    const mortals = {
      vendor: new Mortal(world, 'vendor', serve, listening),
      cas: site('cas', cas),
      pr1: site('pr1', pr1),
      se1: site('se1', se1),
    };
    return new Stage(world, mortals, guid);
  }

  /** The main job from its beginning, with these fates; everybody is stopped at its end. */
  async play(fates: Partial<Readonly<Record<Actor, Fate>>>): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await copy(this.world.path('kept'), this.folder);
    const env = { CLOCK_RATE: String(clockRate), CLOCK_STARTED_AT: String(Date.now()) };
    for (const name of actors) {
      await this.#mortals[name].begin(fates[name] ?? { kind: 'lives' }, this.path(name), env);
    }
    try {
      await this.#until('the update is there', 'cas', async (site) => {
        if ((await this.#stateAt(site, 'CAS')) === 'DOWNLOAD_SUCCESS') return true;
        await site.ask('check', {});
        return false;
      });
      await this.#until('it is ordered', 'cas', async (site) => {
        if ((await this.#stateAt(site, 'CAS')) !== 'DOWNLOAD_SUCCESS') return true;
        await site.ask('install', { id: this.guid, by: 'anna' });
        return false;
      });
      await this.#until('the primary has it', 'cas', async (site) => {
        return (await this.#stateAt(site, 'PR1')) === 'INSTALL_SUCCESS';
      });
      await this.#until('the upgrade of the secondary is ordered', 'cas', async (site) => {
        const state = await this.#stateAt(site, 'SE1');
        if (state !== undefined && state !== 'UNKNOWN') return true;
        await site.ask('upgrade-secondary', { site: siteCode('SE1'), by: 'anna' });
        return false;
      });
      await this.#until('the secondary has it', 'cas', async (site) => {
        return (await this.#stateAt(site, 'SE1')) === 'INSTALL_SUCCESS';
      });
    } finally {
      // Everybody, before anybody's failure is told: the next play needs their ports.
      for (const name of actors.toReversed()) await this.#mortals[name].stop();
      for (const name of actors) this.#mortals[name].check();
    }
  }

  get folder(): string {
    return this.world.path('stage');
  }

  path(...names: readonly string[]): string {
    return this.world.path('stage', ...names);
  }

  mortal(name: Actor): Mortal {
    return this.#mortals[name];
  }

  close(): Promise<void> {
    return this.world.close();
  }

  async #stateAt(site: SiteClient, code: string): Promise<string | undefined> {
    const { packages } = await site.ask<StatusResult>('status', {});
    return packages.find(({ guid }) => guid === this.guid)?.sites.find((each) => each.site === code)?.state;
  }

  /** Asks a site that may die at any question, until it answers what is wanted. */
  async #until(what: string, name: Actor, isSo: (site: SiteClient) => Promise<boolean>): Promise<void> {
    let last: unknown;
    let lives = 0;
    for (let since = performance.now(); performance.now() - since < stallMaxMs;) {
      for (const each of actors) this.#mortals[each].check();
      const now = actors.reduce((sum, each) => sum + this.#mortals[each].lives, 0);
      if (now !== lives) since = performance.now();
      lives = now;
      try {
        if (await withSite(this.path(name), AbortSignal.timeout(stallMaxMs), isSo)) return;
      } catch (error) {
        last = error;
      }
      await sleep(lookEveryMs);
    }
    const states = await withSite(this.path(name), AbortSignal.timeout(stallMaxMs), async (site) => {
      const { packages } = await site.ask<StatusResult>('status', {});
      return packages.flatMap(({ sites }) =>
        sites.map((each) => `${each.site} ${each.state}: ${each.reason}`),
      );
    }).catch(() => []);
    throw new Error(`waited in vain: ${what} (${states.join('; ')})`, { cause: last });
  }
}

/** Below what systems give to connections that go out, so that nobody takes it while its owner is dead. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const probe = createServer();
    probe.listen(port, '127.0.0.1');
    try {
      await once(probe, 'listening');
    } catch {
      continue;
    }
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

async function copy(from: string, to: string): Promise<void> {
  await run('cp', ['-a', '--reflink=auto', from, to]);
}
