import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { HistoryResult, ListResult, StatusResult } from '@sallyport/core/wire/api';
import { DemoError, type Stage } from './stage.ts';
import { inspectSite } from './verify.ts';
import type { DemoSite } from './topology.ts';

const definitions = fileURLToPath(new URL('../../../../examples/typescript/', import.meta.url));
const product = 'typescript';

/** The versions of the story: what sites begin with, an update, and a hotfix that requires it. */
export const versions = { baseline: '5.8.3', update: '5.9.2', hotfix: '5.9.3' } as const;

/** What the story leaves behind for the closing table. */
export interface Told {
  /** What each site's compiler said of itself before the first update. */
  readonly before: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, string>;
  readonly statuses: readonly StatusResult['packages'][number][];
  readonly events: HistoryResult['events'];
}

/**
 * The main job, told with the commands that a person would type: a vendor publishes, sites are set up, an update and
 * a hotfix travel to every one of them and are installed.
 *
 * @throws {DemoError} when a command fails or something never comes
 */
export async function tellStory(stage: Stage, root: string, sites: readonly DemoSite[]): Promise<Told> {
  const cloud = join(root, 'cloud');
  const folders = new Map(sites.map(({ code }) => [code, join(root, code.toLowerCase())]));
  const folderOf = (code: string): string => folders.get(code) ?? root;
  const [top] = sites;
  if (top === undefined) throw new DemoError('a topology needs a site');
  const topData = folderOf(top.code);

  stage.say('1. The vendor holds a key ceremony and publishes the release that sites begin with');
  await stage.run([
    'cloud',
    'init',
    '--data',
    cloud,
    '--vendor',
    'TypeScript team',
    '--product',
    `${product}:TypeScript`,
  ]);
  await stage.run(['cloud', 'publish', '--data', cloud, join(definitions, `${versions.baseline}.yaml`)]);
  const [, cloudUrl = ''] = await stage.serve(
    'the cloud service',
    ['cloud', 'serve', '--data', cloud, '--port', '0'],
    /listening on (\S+)/,
  );

  stage.say(
    `2. A hierarchy of ${sites.length} ${sites.length === 1 ? 'site' : 'sites'} is set up on ${product} ${versions.baseline}`,
  );
  const addresses = new Map<string, string>();
  for (const site of sites) await setUp(stage, { root, cloud, cloudUrl, site, topData, addresses, folderOf });
  await stage.run(['site', 'show', '--data', topData]);
  await stage.run(['usage', 'facts', '--data', topData]);

  const before = new Map<string, string>();
  for (const { code } of sites) before.set(code, (await inspectSite(folderOf(code))).version);

  stage.say(`3. The vendor publishes ${versions.update}, and the hotfix ${versions.hotfix} that requires it`);
  await stage.run([
    'cloud',
    'publish',
    '--data',
    cloud,
    '--percentage',
    '100',
    join(definitions, `${versions.update}.yaml`),
    join(definitions, `${versions.hotfix}.yaml`),
  ]);

  stage.say(
    `4. The service connection point asks for updates; ${versions.update} downloads by itself, ${versions.hotfix} does not apply yet`,
  );
  await stage.run(['update', 'check', '--data', topData]);
  await stage.run(['update', 'why', versions.hotfix, '--data', topData]);
  await downloaded(stage, topData, versions.update);

  const secondaries = sites.filter(({ type }) => type === 'secondary').map(({ code }) => code);
  stage.say(
    `5. The administrator installs ${versions.update}: first at the top-tier site, then at every primary`,
  );
  await install(stage, topData, versions.update, secondaries);

  stage.say(`6. The hotfix ${versions.hotfix} applies now; it is downloaded and installed by hand`);
  await stage.run(['update', 'check', '--data', topData]);
  await downloaded(stage, topData, versions.hotfix);
  await install(stage, topData, versions.hotfix, secondaries);

  const ask = async <R>(...args: string[]): Promise<R> =>
    JSON.parse(await stage.run([...args, '--data', topData, '--json'], { quiet: true })) as R;
  const statuses = [
    ...(await ask<StatusResult>('update', 'status', versions.update)).packages,
    ...(await ask<StatusResult>('update', 'status', versions.hotfix)).packages,
  ];
  const { events } = await ask<HistoryResult>('update', 'history');
  return { before, folders, statuses, events };
}

async function install(
  stage: Stage,
  topData: string,
  version: string,
  secondaries: readonly string[],
): Promise<void> {
  await stage.run(['update', 'check-prerequisites', version, '--data', topData, '--wait']);
  await stage.run(['update', 'install', version, '--data', topData, '--accept-licence', '--wait']);
  if (secondaries.length === 0) return;
  stage.say(`   Secondary sites follow when an administrator says so: ${secondaries.join(', ')}`);
  for (const code of secondaries)
    await stage.run(['update', 'upgrade-secondary', code, '--data', topData, '--wait']);
}

interface Place {
  readonly root: string;
  readonly cloud: string;
  readonly cloudUrl: string;
  readonly site: DemoSite;
  readonly topData: string;
  /** Where each site's children dial in, as its server said when it started. */
  readonly addresses: Map<string, string>;
  readonly folderOf: (code: string) => string;
}

async function setUp(
  stage: Stage,
  { root, cloud, cloudUrl, site, topData, addresses, folderOf }: Place,
): Promise<void> {
  const { code, type, parent, baseline } = site;
  const repository = join(cloud, 'repository');
  const data = folderOf(code);
  const common = [
    'site',
    'setup',
    '--data',
    data,
    '--code',
    code,
    '--type',
    type,
    '--trust-root',
    join(repository, 'metadata', '1.root.json'),
  ];
  const media =
    baseline === 'media' ? ['--media', repository, '--baseline', `${product}=${versions.baseline}`] : [];
  if (parent === undefined) {
    const { codes } = JSON.parse(
      await stage.run(['cloud', 'enrolment-code', '--data', cloud, '--json'], { quiet: true }),
    ) as { codes: readonly string[] };
    await stage.run([
      ...common,
      ...media,
      '--vendor-url',
      cloudUrl,
      '--enrolment-code',
      codes[0] ?? '',
      '--recovery-key',
      join(root, 'recovery-key.pem'),
    ]);
  } else {
    const address = addresses.get(parent) ?? '';
    const token = await stage.run(
      [
        'site',
        'token',
        '--data',
        topData,
        '--code',
        code,
        '--type',
        type,
        '--parent',
        parent,
        '--address',
        address,
      ],
      { quiet: true },
    );
    await stage.run([...common, ...media, '--join', token.trim()]);
  }
  const [, , address] = await stage.serve(
    `site ${code}`,
    ['site', 'run', '--data', data],
    /site \S+ \(\S+\) is running(, child sites dial (\S+))?/,
  );
  if (address !== undefined) addresses.set(code, address);
}

/** Waits until the top-tier site has the content, showing how far it has come. */
async function downloaded(stage: Stage, topData: string, version: string): Promise<void> {
  await stage.run(['update', 'download', version, '--data', topData, '--wait']);
  const { packages } = JSON.parse(
    await stage.run(['update', 'list', '--data', topData, '--json'], { quiet: true }),
  ) as ListResult;
  const state = packages.find((found) => found.version === version)?.state;
  if (state !== 'DOWNLOAD_SUCCESS')
    throw new DemoError(
      `${version} is ${state ?? 'not known'} after its download: see Dmpdownloader.log in ${topData}/logs`,
    );
}
