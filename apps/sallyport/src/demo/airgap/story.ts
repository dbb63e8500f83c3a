import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImportResult } from '@sallyport/core/wire/api';
import type { RunOptions, Stage } from '../stage.ts';
import { withoutNetwork } from './isolation.ts';

const definitions = fileURLToPath(new URL('../../../../../examples/hello/', import.meta.url));
const packageOf = (version: string): string => join(definitions, version, 'package.yaml');

/** The versions of the story: what sites begin with, an update, and a hotfix that requires it. */
export const airgapVersions = { baseline: '1.0', update: '1.1', hotfix: '1.1.1' } as const;

/** A hierarchy of the story: one primary site that stands alone. */
export interface Hierarchy {
  readonly code: string;
  readonly data: string;
}

/** One trip as it was seen at a hierarchy. */
export interface TripRow {
  readonly trip: string;
  readonly hierarchy: string;
  readonly imported: ImportResult | undefined;
}

/** What the story leaves behind for the closing tables. */
export interface ToldTrips {
  readonly cloud: string;
  readonly hierarchies: readonly Hierarchy[];
  readonly trips: readonly TripRow[];
  readonly isolated: boolean;
}

/**
 * Updates without a line, told with the commands that a person would type: three trips of one courier, of which the
 * first is lost on its way back and the second is made, and taken in, twice.
 *
 * @throws {DemoError} when a command fails or something never comes
 */
export async function tellTrips(stage: Stage, root: string): Promise<ToldTrips> {
  const cloud = join(root, 'cloud');
  const within = withoutNetwork();
  const alone: RunOptions = within === undefined ? {} : { within };
  const hierarchies: readonly Hierarchy[] = ['NOR', 'SUD'].map((code) => ({
    code,
    data: join(root, code.toLowerCase()),
  }));

  stage.say('1. The vendor holds a key ceremony and publishes the release that sites begin with');
  await stage.run(['cloud', 'init', '--data', cloud, '--vendor', 'Example', '--product', 'hello:Hello']);
  await stage.run(['cloud', 'publish', '--data', cloud, packageOf(airgapVersions.baseline)]);
  const [, url = ''] = await stage.serve(
    'the cloud service',
    ['cloud', 'serve', '--data', cloud, '--port', '0'],
    /listening on (\S+)/,
  );

  stage.say(
    within === undefined
      ? '2. Two hierarchies are set up offline (this machine cannot take their network away; they use none)'
      : '2. Two hierarchies are set up offline, each without any network (unshare --net)',
  );
  for (const { code, data } of hierarchies) {
    const enrolment = (await stage.run(['cloud', 'enrolment-code', '--data', cloud], { quiet: true })).trim();
    await stage.run(setupArguments(code, data, { cloud, url, enrolment }), alone);
    await stage.serve(`site ${code}`, ['site', 'run', '--data', data], /is running/, alone);
  }

  stage.say(`3. The vendor publishes ${airgapVersions.update}`);
  await publish(stage, cloud, airgapVersions.update);

  const trips: TripRow[] = [];
  const courier = new Courier(stage, root, hierarchies, alone);
  stage.say('4. First trip: the requests reach the vendor, and the medium is lost on the way back');
  await courier.connect(await courier.collect(1), 1);
  for (const { code } of hierarchies) trips.push({ trip: '1, lost', hierarchy: code, imported: undefined });

  stage.say(
    '5. Second trip: nothing was settled, so the same report goes again; it is even handed over twice',
  );
  const second = await courier.collect(2);
  await courier.connect(second, 2);
  await courier.connect(second, 2);
  trips.push(...(await courier.deliver(2, '2')));
  await installAll(stage, hierarchies, airgapVersions.update, alone);

  stage.say('6. The second medium comes again: nothing changes');
  trips.push(...(await courier.deliver(2, '2, repeated')));

  stage.say(`7. The vendor publishes the hotfix ${airgapVersions.hotfix}; third trip`);
  await publish(stage, cloud, airgapVersions.hotfix);
  await courier.connect(await courier.collect(3), 3, '--site-version');
  trips.push(...(await courier.deliver(3, '3')));
  await installAll(stage, hierarchies, airgapVersions.hotfix, alone);

  stage.say('8. A last request takes along what the sites have become');
  await courier.connect(await courier.collect(4), 4);
  return { cloud, hierarchies, trips, isolated: within !== undefined };
}

/** Goes between the hierarchies and the vendor with a bag of files. */
class Courier {
  readonly #stage: Stage;
  readonly #root: string;
  readonly #hierarchies: readonly Hierarchy[];
  readonly #alone: RunOptions;

  constructor(stage: Stage, root: string, hierarchies: readonly Hierarchy[], alone: RunOptions) {
    this.#stage = stage;
    this.#root = root;
    this.#hierarchies = hierarchies;
    this.#alone = alone;
  }

  /** Has every hierarchy collect usage data and write a request; answers the folder. */
  async collect(trip: number): Promise<string> {
    const folder = join(this.#root, `requests-${trip}`);
    mkdirSync(folder);
    for (const { code, data } of this.#hierarchies) {
      // Sites collect by themselves once a week; the story does not wait for that.
      await this.#stage.run(['usage', 'collect', '--wait', '--data', data], { ...this.#alone, quiet: true });
      const file = join(folder, `${code}.tar`);
      await this.#stage.run(['tool', 'prepare', '--data', data, '--to', file], this.#alone);
    }
    return folder;
  }

  async connect(requests: string, trip: number, ...more: readonly string[]): Promise<void> {
    await this.#stage.run(['tool', 'connect', '--from', requests, '--to', this.#medium(trip), ...more]);
  }

  /** Brings a medium to every hierarchy. */
  async deliver(medium: number, trip: string): Promise<readonly TripRow[]> {
    const rows: TripRow[] = [];
    for (const { code, data } of this.#hierarchies) {
      const args = ['tool', 'import', '--data', data, '--from', this.#medium(medium), '--json'];
      const answer = await this.#stage.run(args, { ...this.#alone, quiet: true });
      const imported = JSON.parse(answer) as ImportResult;
      const { metadata, offer, receipts, blobs } = imported;
      process.stdout.write(
        `  $ sallyport tool import --data ${data} --from ${this.#medium(medium)}\n    metadata ${metadata.result}, offer ${offer.result}, ${receipts} receipts, ${blobs} blobs\n`,
      );
      rows.push({ trip, hierarchy: code, imported });
    }
    return rows;
  }

  #medium(trip: number): string {
    return join(this.#root, `medium-${trip}`);
  }
}

async function publish(stage: Stage, cloud: string, version: string): Promise<void> {
  await stage.run(['cloud', 'publish', '--data', cloud, '--percentage', '100', packageOf(version)]);
}

async function installAll(
  stage: Stage,
  hierarchies: readonly Hierarchy[],
  version: string,
  alone: RunOptions,
): Promise<void> {
  for (const { data } of hierarchies) {
    await stage.run(['update', 'download', version, '--data', data, '--wait'], { ...alone, quiet: true });
    await stage.run(['update', 'install', version, '--data', data, '--accept-licence', '--wait'], alone);
  }
}

function setupArguments(
  code: string,
  data: string,
  vendor: { readonly cloud: string; readonly url: string; readonly enrolment: string },
): readonly string[] {
  const repository = join(vendor.cloud, 'repository');
  return [
    ['site', 'setup', '--data', data, '--code', code, '--type', 'primary', '--offline'],
    ['--trust-root', join(repository, 'metadata', '1.root.json'), '--vendor-url', vendor.url],
    ['--enrolment-code', vendor.enrolment, '--recovery-key', `${data}-recovery.pem`],
    ['--media', repository, '--baseline', `hello=${airgapVersions.baseline}`],
  ].flat();
}
