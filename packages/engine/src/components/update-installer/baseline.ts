import type { Tree } from '@sallyport/core/domain/content/tree';
import type { Hook, PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { CurrentRelease } from '../../ports/releases.ts';
import { checkHealth } from './health-check.ts';
import { type HookPlace, runHook, undoHook } from './hooks.ts';
import { failingAs, InstallError } from './install-error.ts';
import type { SitePlatform, UpdateInstallerPorts } from './ports.ts';
import { PackagePrograms } from './programs.ts';

export type BaselinePorts = Pick<
  UpdateInstallerPorts,
  'clock' | 'log' | 'processes' | 'releases' | 'scratch'
>;

/** The release that a site begins with. */
export interface Baseline {
  readonly descriptor: PackageDescriptor;
  readonly tree: Tree;
  /** Every package that the release contains, this one last, when it is not a first one. */
  readonly installed?: readonly PackageGuid[];
}

/**
 * Installs a product's first release at a site: staged, hooks run, healthy, and only then named by the pointer, so
 * that there never is a pointer to a release that does not work. A failure leaves no release. Repeating it after a
 * kill is harmless, also when it had succeeded.
 *
 * Set-up has no history yet: nothing is written to a database.
 *
 * @throws {InstallError} STAGE_FAILED, HOOK_FAILED, HEALTH_CHECK_FAILED, SWITCH_FAILED, ALREADY_INSTALLED
 */
export async function installBaseline(
  ports: BaselinePorts,
  site: { readonly code: SiteCode; readonly platform: SitePlatform },
  baseline: Baseline,
  signal: AbortSignal,
): Promise<CurrentRelease> {
  const { releases, log, scratch } = ports;
  const { guid, product, version } = baseline.descriptor;
  const current = await releases.current(product);
  if (current?.guid === guid) return current;
  if (current !== undefined) {
    throw new InstallError(
      'ALREADY_INSTALLED',
      `${product} ${current.version} is installed at this site already: a baseline is only for a site without it; update it instead`,
      { product, version: current.version },
    );
  }
  const folder = await releases.folderFor(product, guid, version);
  const scratchName = `${guid}.baseline`;
  try {
    const release = await build(ports, site, baseline, { folder, scratchName }, signal);
    log.info('Installed the baseline {version} of {product}', { version, product });
    return release;
  } catch (failure) {
    signal.throwIfAborted();
    await releases.remove(product, folder);
    throw failure;
  } finally {
    await scratch.remove(scratchName);
  }
}

async function build(
  ports: BaselinePorts,
  site: { readonly code: SiteCode; readonly platform: SitePlatform },
  { descriptor, tree, installed }: Baseline,
  { folder, scratchName }: { readonly folder: string; readonly scratchName: string },
  signal: AbortSignal,
): Promise<CurrentRelease> {
  const { releases, log } = ports;
  const { guid, product, version } = descriptor;
  const programs = new PackagePrograms(ports);
  const tools = { ...ports, programs };
  await failingAs('STAGE_FAILED', 'The baseline could not be staged', signal, () =>
    releases.stage(product, folder, tree, () => undefined, signal),
  );
  const places = {
    node: site.platform.node,
    release: releases.pathOf(product, folder),
    data: await ports.scratch.open(scratchName),
  };
  const place: HookPlace = { places, stepPrefix: `${site.code}/${guid}/baseline` };
  const begun: Hook[] = [];
  try {
    for (const hook of inOrder(descriptor.hooks)) {
      begun.push(hook);
      // Always asked first: an earlier set-up may have been killed after it.
      await runHook(tools, hook, place, true, signal);
    }
    const where = { places, stepId: `${place.stepPrefix}/health-check` };
    const verdict = await checkHealth(tools, descriptor.healthCheck, where, signal);
    if (!verdict.healthy) {
      throw new InstallError(
        'HEALTH_CHECK_FAILED',
        `The health check of the baseline failed: ${verdict.reason}`,
        {
          output: verdict.outputTail,
        },
      );
    }
  } catch (failure) {
    signal.throwIfAborted();
    for (const hook of begun.toReversed()) await undoHook(tools, hook, place, signal);
    throw failure;
  }
  const release: CurrentRelease = {
    product,
    guid,
    version,
    folder,
    treeSha256: descriptor.content.tree.sha256,
    installed: installed ?? [guid],
  };
  await failingAs('SWITCH_FAILED', 'The site could not be switched to the baseline', signal, () =>
    releases.switchTo(release),
  );
  log.info('Switched {product} to {version}', { product, version });
  return release;
}

function inOrder(hooks: readonly Hook[]): readonly Hook[] {
  const phase = (wanted: Hook['phase']): readonly Hook[] => hooks.filter((hook) => hook.phase === wanted);
  return [...phase('before-switch'), ...phase('after-switch')];
}
