import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { SiteType } from '@sallyport/core/domain/sites/site';
import { type ProductId, siteCode, type SiteCode } from '@sallyport/core/shared/ids';
import { SallyportError } from '@sallyport/core/shared/errors';
import { minutes } from '@sallyport/core/shared/units';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import { siteReleasesFormat } from '@sallyport/core/wire/facts';
import { parseJoinToken } from '@sallyport/core/wire/join';
import {
  createHierarchy,
  linkKeyName,
  loadOrCreateKey,
} from '@sallyport/engine/components/hierarchy-identity/create-hierarchy';
import {
  adoptHierarchy,
  readHierarchy,
} from '@sallyport/engine/components/hierarchy-identity/hierarchy-setting';
import { HierarchyView } from '@sallyport/engine/components/hierarchy-identity/hierarchy-view';
import { joinHierarchy } from '@sallyport/engine/components/hierarchy-identity/join-hierarchy';
import { releasesRecordKey } from '@sallyport/engine/components/hierarchy-manager/own-records';
import { ReplicationManager } from '@sallyport/engine/components/replication-manager/replication-manager';
import { chooseFirstReleases, installFirstReleases } from '@sallyport/engine/site/first-releases';
import type { LinkServer } from './link-line.ts';
import { SimJoin, SimLink } from './sim-link.ts';
import { portsOf, type SiteSettings, type Surroundings } from './site-process.ts';
import { overNetwork } from './vendor-line.ts';

/** Codes of what goes by itself, and of a parent that has not told everything yet. */
const passing: ReadonlySet<string> = new Set([
  'BASELINE_UNKNOWN',
  'NOT_TRUSTED',
  'NOT_FOUND',
  'STALLED',
  'UNOBTAINABLE',
  'UNREACHABLE',
]);

const never = new AbortController().signal;

/** What a top-tier site is set up with. */
export interface TopTierAnswers {
  readonly code: SiteCode;
  readonly type: Exclude<SiteType, 'secondary'>;
  readonly product: ProductId;
  readonly baseline: string;
  readonly firstRoot: Uint8Array;
  readonly enrolmentCode: string;
}

/** Makes the hierarchy and its first site. A set-up that was cut off is repeated with the same answers. */
export async function setUpTopTier(answers: TopTierAnswers, around: Surroundings): Promise<SiteSettings> {
  const { code, type, product } = answers;
  const ports = portsOf(around);
  const { database } = ports;
  await pinRoot(around, answers.firstRoot);
  let hierarchy = database.read(({ settings }) => readHierarchy(settings));
  if (hierarchy === undefined) {
    const { recoveryKeyPem: _, ...made } = await createHierarchy({
      ...ports,
      code,
      type,
      passphrase: 'safe',
    });
    adoptHierarchy(database, made);
    hierarchy = made;
  }
  const vendor = overNetwork(around.vendor, {
    network: around.network,
    from: code,
    caller: around.victim.life,
  });
  const statement = canonicalJson({
    ...hierarchy.operatingKey,
    signatures: hierarchy.operatingKey.signatures.map((signature) => ({ ...signature })),
  });
  const { hierarchyId } = hierarchy;
  await again(around, () =>
    vendor.exchange.enrol({ code: answers.enrolmentCode, hierarchyId, statement }, never),
  );
  await again(around, async () => {
    const chosen = await chooseFirstReleases(ports, [{ product, version: answers.baseline }], vendor, never);
    await installFirstReleases(ports, code, chosen, vendor, () => undefined, never);
  });
  return { site: { code, type }, hierarchyId, products: [product] };
}

/** What a site below another is set up with. */
export interface ChildAnswers {
  readonly code: SiteCode;
  readonly type: Exclude<SiteType, 'central'>;
  readonly token: string;
  readonly firstRoot: Uint8Array;
  readonly parentServer: () => LinkServer | undefined;
}

/** Joins the hierarchy that the token names, and begins with the releases that the parent runs. */
export async function setUpChild(answers: ChildAnswers, around: Surroundings): Promise<SiteSettings> {
  const { code, type } = answers;
  const token = parseJoinToken(answers.token);
  const parent = siteCode(token.parent);
  const ports = portsOf(around);
  const { database, keys, check, digests, clock } = ports;
  await pinRoot(around, answers.firstRoot);
  const { signer } = await loadOrCreateKey(ports.vault, keys, linkKeyName);
  const tools = { check, digestOf: digests.of };
  const ends = {
    network: around.network,
    child: code,
    life: around.victim.life,
    childKey: signer.publicKey,
    parent,
    server: answers.parentServer,
  };
  const outcome = await joinHierarchy(
    {
      token,
      code,
      type,
      linkKey: signer.publicKey,
      channel: new SimJoin({ ...ends, parentKey: () => token.parentKey }),
      keys,
      tools,
      clock,
    },
    never,
  );
  if (outcome.state === 'refused') throw new RangeError(`${code} may not join: ${outcome.reason}`);
  const { hierarchyId, documents } = outcome.hierarchy;
  adoptHierarchy(database, documents);
  const view = new HierarchyView({ database, ...tools });
  const link = new SimLink({
    ...ends,
    parentKey: () => entryOf(view.current().roster, parent)?.key ?? token.parentKey,
  });
  const replication = new ReplicationManager({
    ...ports,
    site: code,
    view,
    log: ports.logs.of('SMS_REPLICATION_MANAGER'),
    parent: { site: parent, link },
    times: around.times,
  });
  await replication.start();
  const releases = await again(around, async () => {
    // Each time anew: what the parent ran may have been withdrawn, and it has gone on since.
    const record = await heard(around, () =>
      database.read(({ records }) => records.get(parent, 'site-releases', releasesRecordKey)),
    );
    const { releases: runs } = siteReleasesFormat.check(record.body);
    const chosen = await chooseFirstReleases(ports, runs, link, never);
    await installFirstReleases(ports, code, chosen, link, () => undefined, never);
    return runs;
  });
  await replication.stop();
  return {
    site: { code, type, parent },
    hierarchyId,
    products: releases.map(({ product }) => product),
    parentKey: token.parentKey,
  };
}

async function pinRoot({ storage }: Surroundings, root: Uint8Array): Promise<void> {
  if ((await storage.trust.load('root')) === undefined) await storage.trust.saveRoot(1, root);
}

/** An administrator who repeats what did not get through. */
async function again<T>({ clock }: Surroundings, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SallyportError) || !passing.has(error.code)) throw error;
    }
    await clock.sleep(minutes(1), never);
  }
}

async function heard<T>({ clock }: Surroundings, look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await clock.sleep(1_000, never);
  }
}
