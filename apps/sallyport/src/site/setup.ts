import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '@sallyport/core/shared/errors';
import type { ProductId } from '@sallyport/core/shared/ids';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import {
  linkKeyName,
  loadOrCreateKey,
} from '@sallyport/engine/components/hierarchy-identity/create-hierarchy';
import { keepEnrolment } from '@sallyport/engine/components/service-connection/enrolment';
import { writeMediaPolicy } from '@sallyport/engine/components/service-connection/media-policy';
import type { HierarchySetting } from '@sallyport/engine/components/hierarchy-identity/hierarchy-setting';
import { type DataFolderUse, takeDataFolder } from '@sallyport/engine/storage/files/data-folder';
import { writeFileDurably } from '@sallyport/engine/storage/files/durable-file';
import { FolderContentSource } from '@sallyport/engine/storage/files/folder-content';
import { FileTrustStore } from '@sallyport/engine/storage/files/trust-store';
import { FolderRepository } from '@sallyport/engine/storage/files/folder-repository';
import { policyRecordKey, putPolicy, readPolicy } from '@sallyport/engine/components/usage-collector/policy';
import { HttpVendorExchange } from '@sallyport/engine/transport/exchange-https/client';
import type { SiteDatabase } from '@sallyport/engine/ports/site-database';
import {
  chooseFirstReleases,
  installFirstReleases,
  type FirstRelease,
  type FirstReleaseSource,
} from '@sallyport/engine/site/first-releases';
import { readGivenFile } from '../command/given-file.ts';
import { administrator } from '../command/administrator.ts';
import { openAdapters, openDatabase, type SiteAdapters } from './adapters.ts';
import { joinParent, type PinnedRoot } from './join-parent.ts';
import { ownHierarchy } from './own-hierarchy.ts';
import type { ChildAnswers, SetupAnswers, TopTierAnswers } from './setup-answers.ts';
import { SetupError } from './setup-error.ts';
import { parseSiteConfig, siteFolders, type SiteConfig, type SiteFolders } from './site-config.ts';

/** What set-up asks of people while it runs. */
export interface SetupConversation {
  /** Tells what happens. */
  readonly say: (text: string) => void;
  /** The passphrase that seals the recovery key. */
  readonly passphrase: () => Promise<string>;
}

/** Far more than the keys and signatures of any root take. */
const trustRootMaxBytes = 512 * 1024;

interface SetupWork {
  readonly adapters: SiteAdapters;
  readonly folders: SiteFolders;
  readonly database: SiteDatabase;
  readonly say: (text: string) => void;
}

/**
 * Others may pass through to the releases, where a package's programs run without the site server's rights; what is
 * secret lies in owner-only folders of its own. A folder that is there already keeps its mode.
 */
const siteFolder: DataFolderUse = {
  what: 'a site',
  mode: 0o711,
  always: false,
  sign: 'site.json',
  foreignSigns: ['cloud.json'],
};

/**
 * Makes a site of a data folder: pinned trust root, identity, first releases, and last of all `site.json`, which
 * makes it one. What the site is known by elsewhere comes as late as it can: the enrolment code and the join token,
 * which count once, are used when everything that can be known without them is right. A set-up that was cut short is
 * repeated with the same answers and goes on.
 *
 * @throws {SetupError} {SiteError}
 * @throws {StorageError} FOLDER_IN_USE when a server or another set-up works on the folder; FOREIGN_FOLDER, UNWRITABLE
 */
export async function setUpSite(
  answers: SetupAnswers,
  conversation: SetupConversation,
  signal: AbortSignal,
): Promise<SiteConfig> {
  const folders = siteFolders(answers.data);
  const lock = takeDataFolder(folders.data, siteFolder);
  try {
    refuseSecondSite(folders);
    const adapters = await openAdapters(folders);
    const database = openDatabase(folders, answers.code, adapters);
    try {
      const work = { adapters, folders, database, say: conversation.say };
      const root = await pinTrustRoot(work, answers.trustRoot);
      const config =
        answers.kind === 'top-tier'
          ? await setUpTopTier(work, answers, conversation, signal)
          : await setUpChild(work, answers, root, signal);
      await writeFileDurably(
        folders.config,
        new TextEncoder().encode(`${JSON.stringify(config, undefined, 2)}\n`),
      );
      return config;
    } finally {
      database.close();
      await adapters.close();
    }
  } finally {
    lock.release();
  }
}

async function setUpTopTier(
  work: SetupWork,
  answers: TopTierAnswers,
  { passphrase }: SetupConversation,
  signal: AbortSignal,
): Promise<SiteConfig> {
  const { adapters, database, say } = work;
  const { code, media } = answers;
  const ports = { ...adapters, database };
  const source = mediaSource(media);
  const chosen = await chooseFirstReleases(ports, media.baselines, source, signal);
  const hierarchy = await ownHierarchy(work, answers, passphrase);
  chooseUsageLevel(work, answers);
  await installFirstReleases(ports, code, chosen, source, say, signal);
  if (answers.offline) goOffline(work, answers);
  else if (answers.enrolmentCode !== undefined) await enrol(answers, hierarchy, say, signal);
  return configOf(
    answers,
    hierarchy,
    media.baselines.map(({ product }) => product),
    {
      vendor: {
        url: answers.vendorUrl,
        exchange: answers.exchange,
        ...(answers.offline ? { mode: 'offline' } : {}),
      },
    },
  );
}

/** Before anything is collected. Repeating the set-up chooses the same again, which changes nothing. */
function chooseUsageLevel(
  { adapters, database, say }: SetupWork,
  { code, usageLevel: level }: Pick<TopTierAnswers, 'code' | 'usageLevel'>,
): void {
  const at = adapters.clock.now();
  const by = administrator();
  database.write(({ records, audit }) => {
    const policy = readPolicy(records, code);
    if (records.get(code, 'usage-policy', policyRecordKey) !== undefined && policy.level === level) return;
    putPolicy(records, { ...policy, level, changedAt: new Date(at).toISOString(), changedBy: by }, at);
    const text = `${by} chose the level ${level} of usage data when the site was set up`;
    audit.append({ at, by, action: 'usage-level', text, data: { to: level } });
  });
  say(`usage data are collected at level ${level}; "sallyport usage level" changes it`);
}

/** The enrolment code waits for the first request file; how old media may be is decided, and says by whom. */
function goOffline({ adapters, database, say }: SetupWork, { enrolmentCode, media }: TopTierAnswers): void {
  database.write((tables) => {
    writeMediaPolicy(tables, { maxAgeMs: media.maxAgeMs, by: 'site setup', at: adapters.clock.now() });
    if (enrolmentCode !== undefined) keepEnrolment(tables, enrolmentCode);
  });
  say(
    'offline: nothing goes to the vendor from here; the next request file of "sallyport tool prepare" registers the hierarchy',
  );
}

async function enrol(
  answers: TopTierAnswers,
  hierarchy: HierarchySetting,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const vendor = new HttpVendorExchange({ baseUrl: answers.vendorUrl });
  const statement = canonicalJson({
    ...hierarchy.operatingKey,
    signatures: hierarchy.operatingKey.signatures.map((signature) => ({ ...signature })),
  });
  await vendor.enrol(
    { code: answers.enrolmentCode ?? '', hierarchyId: hierarchy.hierarchyId, statement },
    signal,
  );
  say(`registered with ${vendor.name}`);
}

async function setUpChild(
  work: SetupWork,
  answers: ChildAnswers,
  root: PinnedRoot,
  signal: AbortSignal,
): Promise<SiteConfig> {
  const { adapters, database, say } = work;
  const { media, token } = answers;
  const install = async (releases: readonly FirstRelease[], source: FirstReleaseSource): Promise<void> => {
    const ports = { ...adapters, database };
    const chosen = await chooseFirstReleases(ports, releases, source, signal);
    await installFirstReleases(ports, answers.code, chosen, source, say, signal);
  };
  if (media !== undefined) await install(media.baselines, mediaSource(media));
  const link = await loadOrCreateKey(adapters.vault, adapters.keys, linkKeyName);
  const parent = await joinParent(work, answers, { link, root }, signal);
  try {
    const releases = media?.baselines ?? (await parent.releases(signal));
    if (media === undefined) await install(releases, parent.source);
    const { address } = token;
    const at = address.lastIndexOf(':');
    return configOf(
      answers,
      parent.hierarchy,
      releases.map(({ product }) => product),
      {
        parent: {
          code: token.parent,
          key: token.parentKey,
          host: address.slice(0, at).replaceAll(/[[\]]/g, ''),
          port: Number(address.slice(at + 1)),
        },
      },
    );
  } finally {
    await parent.close();
  }
}

function mediaSource(media: TopTierAnswers['media']): FirstReleaseSource {
  const { folder, maxAgeMs } = media;
  return {
    repository: new FolderRepository({
      metadata: join(folder, 'metadata'),
      targets: join(folder, 'targets'),
    }),
    content: new FolderContentSource(folder),
    stalenessMs: maxAgeMs,
  };
}

function configOf(
  answers: SetupAnswers,
  hierarchy: Pick<HierarchySetting, 'hierarchyId'>,
  products: readonly ProductId[],
  role: Pick<SiteConfig, 'parent' | 'vendor'>,
): SiteConfig {
  const { code, type, listen, ring, checkIntervalMs } = answers;
  const { hierarchyId } = hierarchy;
  const mayHaveChildren = type !== 'secondary';
  const config = {
    schema: 1,
    code,
    type,
    hierarchyId,
    ...role,
    ...(mayHaveChildren ? { link: listen } : {}),
    products: [...new Set(products)],
    ring,
    checkIntervalMs,
  };
  return parseSiteConfig(JSON.stringify(config), 'the configuration of the new site');
}

/** The root that everything of the vendor's is believed by, from the administrator's own hand. @throws {SetupError} BAD_TRUST_ROOT; {GivenFileError} */
async function pinTrustRoot({ adapters, folders, say }: SetupWork, file: string): Promise<PinnedRoot> {
  const bytes = new Uint8Array(await readGivenFile(file, 'the trust root', trustRootMaxBytes));
  let version: number;
  try {
    version = parseMetadata('root', bytes).signed.version;
  } catch (cause) {
    throw new SetupError(
      'BAD_TRUST_ROOT',
      `${file} is no trust root: ${messageOf(cause)}. Take the file 1.root.json that the vendor gave you.`,
      {},
      { cause },
    );
  }
  const sha256 = adapters.digests.of('sha256', bytes);
  const pinned = await adapters.trust.load('root');
  if (pinned === undefined) {
    await adapters.trust.saveRoot(version, bytes);
  } else if (
    adapters.digests.of('sha256', (await adapters.trust.loadRoot(version)) ?? new Uint8Array()) !== sha256
  ) {
    // The folder is no site yet, and the administrator has the last word on whom it believes.
    rmSync(folders.trust, { recursive: true, force: true });
    await new FileTrustStore(folders.trust).saveRoot(version, bytes);
    say('another trust root was pinned by an earlier, unfinished set-up: it is replaced');
  }
  say(`trust root pinned: version ${version}, SHA-256 ${sha256}`);
  return { file, version, bytes };
}

/** @throws {SetupError} SITE_EXISTS */
function refuseSecondSite(folders: SiteFolders): void {
  let text: string;
  try {
    text = readFileSync(folders.config, 'utf8');
  } catch {
    return;
  }
  const { code } = parseSiteConfig(text, folders.config);
  throw new SetupError(
    'SITE_EXISTS',
    `${dirname(folders.config)} holds site ${code} already: give the new site a folder of its own`,
    { site: code },
  );
}
