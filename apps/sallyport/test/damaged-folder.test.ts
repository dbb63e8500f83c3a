import { cp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodeKeys } from '@sallyport/engine/compute/ed25519';
import { Cloud, hello } from './cloud.ts';
import { until, World } from './harness.ts';
import { type Site, topTier } from './hierarchy.ts';

/** What somebody did to a data folder, or a disk: the site says what is amiss where one looks, and the way back it names is one. */
describe('a data folder that something has gone from', () => {
  let world: World;
  let cloud: Cloud;
  let site: Site;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    site = await topTier(cloud, new URL('http://127.0.0.1:9/'), 'ONE', 'primary', {
      local: true,
      running: false,
    });
  });
  after(() => world.close());

  /** Waits until `site show` names what is amiss, in the words of a component that fails. */
  async function names(expected: RegExp): Promise<void> {
    await until(`${expected} to be said`, async () => {
      const failing = (await site.knows('ONE'))?.components?.filter(({ state }) => state === 'failing') ?? [];
      return failing.some(({ reason }) => expected.test(reason)) ? true : undefined;
    });
  }

  /** Waits until the hierarchy manager has looked and says it no more. */
  async function isOver(complaint: RegExp): Promise<void> {
    await until(`${complaint} to be over`, async () => {
      const manager = (await site.knows('ONE'))?.components?.find(
        ({ name }) => name === 'SMS_HIERARCHY_MANAGER',
      );
      const looked = manager !== undefined && ['failing', 'waiting'].includes(manager.state);
      return looked && !complaint.test(manager.reason) ? true : undefined;
    });
  }

  it('does not speak with a key that the hierarchy does not know', async () => {
    const key = join(site.data, 'keys', 'link.key');
    await rename(key, `${key}.kept`);
    await writeFile(key, nodeKeys.generate(), { mode: 0o600 });
    await site.refused(
      ['site', 'run'],
      /the link key in the folder "keys" is not the one by which the hierarchy knows site ONE: put that folder back/,
    );
    await rename(`${key}.kept`, key);
  });

  it('names a trust folder that has gone, and believes again from the vendor’s root', async () => {
    const trust = join(site.data, 'trust');
    await rename(trust, `${trust}.gone`);
    await site.start();
    await names(
      /no trust root is pinned here: put the folder "trust" back from a backup, or the vendor’s 1\.root\.json/,
    );
    await site.stop();
    await rm(trust, { recursive: true, force: true });
    await rename(`${trust}.gone`, trust);
    for (const name of await readdir(trust)) {
      if (name !== 'root.json') await rm(join(trust, name), { recursive: true });
    }
    await cp(cloud.trustRoot, join(trust, 'root.json'));
    await site.start();
    await isOver(/no trust root/);
    await site.stop();
  });

  it('names a pointer that is damaged or has gone, and a release that has gone', async () => {
    const product = join(site.data, 'products', 'hello');
    const pointer = join(product, 'current.json');
    const release = join(product, 'releases', '1.0');
    await cp(pointer, `${pointer}.kept`);
    await writeFile(pointer, '{"product');
    await site.start();
    await names(/current\.json .*restore it from a backup/);
    await rm(pointer);
    await names(/products\/hello\/current\.json has gone, by which 1\.0 was in force: put it back/);
    await rename(`${pointer}.kept`, pointer);
    await rename(release, `${release}.gone`);
    await names(/the release in force, products\/hello\/releases\/1\.0, has gone: put it back/);
    await rename(`${release}.gone`, release);
    await isOver(/has gone/);
    await site.stop();
  });
});
