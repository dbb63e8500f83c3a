import type { SiteType } from '@sallyport/core/domain/sites/site';
import { factsOfSite } from '@sallyport/core/domain/updates/facts';
import { installConditions } from '@sallyport/core/domain/updates/install-conditions';
import type { PackageDescriptor, Prerequisite } from '@sallyport/core/domain/updates/package';
import {
  appliesToSite,
  type CheckOutcome,
  evaluatePrerequisite,
  type PrerequisiteResult,
} from '@sallyport/core/domain/updates/prerequisites';
import type { Facts } from '@sallyport/core/domain/updates/rule';
import type { UpdateProjection } from '@sallyport/core/domain/updates/event';
import { messageOf } from '@sallyport/core/shared/errors';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { Log } from '../../ports/log.ts';
import type { CurrentRelease, Releases } from '../../ports/releases.ts';
import type { ScratchFolders } from '../../ports/scratch.ts';
import type { PackageCatalogue, SitePlatform } from './ports.ts';
import type { PackagePrograms } from './programs.ts';

export interface PrerequisitePorts {
  readonly log: Log;
  readonly releases: Releases;
  readonly scratch: ScratchFolders;
  readonly catalogue: PackageCatalogue;
  readonly programs: PackagePrograms;
}

export interface PrerequisiteSite {
  readonly code: SiteCode;
  readonly type: SiteType;
  readonly platform: SitePlatform;
}

/**
 * Asks everything that a package demands of this site: what every package demands, then its own prerequisites, in
 * order. Changes nothing: commands get a scratch folder that is gone afterwards, and nothing is staged.
 *
 * @param others the other packages' states at this site
 */
export async function checkPrerequisites(
  ports: PrerequisitePorts,
  site: PrerequisiteSite,
  descriptor: PackageDescriptor,
  others: readonly UpdateProjection[],
  signal: AbortSignal,
): Promise<readonly PrerequisiteResult[]> {
  const current = await ports.releases.current(descriptor.product);
  if (current?.installed.includes(descriptor.guid) === true) return [];
  const results = [...installConditions(descriptor, current)];
  const asked = descriptor.prerequisites.filter((prerequisite) => appliesToSite(prerequisite, site.type));
  for (const prerequisite of asked) {
    const outcome = await look(ports, { site, descriptor, current, others }, prerequisite, signal);
    results.push(evaluatePrerequisite(prerequisite, outcome));
  }
  for (const result of results) report(ports.log, result);
  return results;
}

interface Question {
  readonly site: PrerequisiteSite;
  readonly descriptor: PackageDescriptor;
  readonly current: CurrentRelease | undefined;
  readonly others: readonly UpdateProjection[];
}

async function look(
  ports: PrerequisitePorts,
  question: Question,
  prerequisite: Prerequisite,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  const { check } = prerequisite;
  try {
    switch (check.kind) {
      case 'rule':
        return { kind: 'rule', facts: await gatherFacts(ports.releases, question) };
      case 'free-disk':
        return { kind: 'free-disk', freeBytes: await ports.releases.freeBytes() };
      case 'no-pending-work':
        return { kind: 'no-pending-work', pending: await pendingWork(ports.catalogue, question) };
      case 'command':
        return await runCheck(ports, question, prerequisite.id, check.command, signal);
      default:
        return { kind: 'not-run', reason: 'this site server does not know this kind of check.' };
    }
  } catch (failure) {
    signal.throwIfAborted();
    return { kind: 'not-run', reason: messageOf(failure) };
  }
}

async function gatherFacts(
  releases: Releases,
  { site, descriptor, current, others }: Question,
): Promise<Facts> {
  const { os, arch, nodeVersion } = site.platform;
  const product = {
    product: descriptor.product,
    version: current?.version ?? '',
    installed: current?.installed ?? [],
  };
  const { guid: own, requires, supersedes } = descriptor;
  const known: readonly PackageGuid[] = [own, ...requires, ...supersedes, ...others.map(({ guid }) => guid)];
  return {
    ...factsOfSite(
      {
        schema: 1,
        site: site.code,
        type: site.type,
        products: current === undefined ? [] : [product],
        platform: { os, arch },
      },
      descriptor.product,
      known,
    ),
    'platform.node': nodeVersion,
    'disk.freeBytes': await releases.freeBytes(),
  };
}

async function pendingWork(
  catalogue: PackageCatalogue,
  { descriptor, others }: Question,
): Promise<readonly string[]> {
  const pending: string[] = [];
  for (const { guid, state } of others) {
    if (guid === descriptor.guid || (state !== 'INSTALL_IN_PROGRESS' && state !== 'CONTENT_REPLICATING'))
      continue;
    const other = await catalogue.descriptor(guid);
    if (other?.product !== descriptor.product) continue;
    pending.push(
      `${state === 'INSTALL_IN_PROGRESS' ? 'the install' : 'the replication'} of ${other.version} (${guid})`,
    );
  }
  return pending;
}

async function runCheck(
  ports: PrerequisitePorts,
  { site, descriptor, current }: Question,
  id: string,
  command: Parameters<PackagePrograms['run']>[0]['command'],
  signal: AbortSignal,
): Promise<CheckOutcome> {
  const scratchName = `${descriptor.guid}.prerequisites`;
  const data = await ports.scratch.open(scratchName);
  try {
    const previousRelease = current && ports.releases.pathOf(descriptor.product, current.folder);
    const outcome = await ports.programs.run(
      {
        label: `Prerequisite ${id}`,
        command,
        stepId: `${site.code}/${descriptor.guid}/prerequisite/${id}`,
        places: {
          node: site.platform.node,
          data,
          ...(previousRelease === undefined ? {} : { previousRelease }),
        },
        privileged: false,
      },
      signal,
    );
    const { exitCode, timedOut, outputTail: output, startError } = outcome;
    return {
      kind: 'command',
      exitCode,
      timedOut,
      output,
      ...(startError === undefined ? {} : { startError }),
    };
  } finally {
    await ports.scratch.remove(scratchName);
  }
}

function report(log: Log, { id, status, severity, detail, remedy }: PrerequisiteResult): void {
  const fields = { id, reason: detail, remedy };
  if (status === 'passed') log.info('Prerequisite {id} passed', fields);
  else if (severity === 'warning') log.warn('Prerequisite {id} gave a warning: {reason} {remedy}', fields);
  else log.error('Prerequisite {id} failed: {reason} {remedy}', fields);
}
