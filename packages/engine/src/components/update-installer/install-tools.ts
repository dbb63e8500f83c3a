import { messageOf } from '@sallyport/core/shared/errors';
import type { HookPlace } from './hooks.ts';
import type { UpdateInstallerPorts } from './ports.ts';
import type { PrerequisiteSite } from './prerequisite-check.ts';
import type { PackagePrograms } from './programs.ts';
import type { InstallJournal, InstallRecords } from './records.ts';

/** What the parts of an install share. */
export interface InstallTools extends Pick<
  UpdateInstallerPorts,
  'backups' | 'catalogue' | 'clock' | 'gate' | 'log' | 'releases' | 'scratch'
> {
  readonly records: InstallRecords;
  readonly programs: PackagePrograms;
  readonly site: PrerequisiteSite;
  /** Says what is being done, for `query()`. */
  readonly report: (doing: string) => void;
  /** Makes a listener that reports how far staging has come. */
  readonly stagingProgress: (totalBytes: number) => (doneBytes: number) => void;
}

/** Name of an attempt's scratch folder: kept over restarts, gone with the attempt. */
function scratchNameOf({ guid, attempt }: InstallJournal): string {
  return `${guid}.${attempt}`;
}

/** Where the package's programs run in this attempt. */
export async function hookPlaceOf(tools: InstallTools, journal: InstallJournal): Promise<HookPlace> {
  const { product, guid, attempt, folder, previous } = journal;
  return {
    places: {
      node: tools.site.platform.node,
      release: tools.releases.pathOf(product, folder),
      previousRelease: tools.releases.pathOf(product, previous.folder),
      data: await tools.scratch.open(scratchNameOf(journal)),
    },
    stepPrefix: `${tools.site.code}/${guid}/${attempt}`,
  };
}

/** Ends an attempt's scratch folder. One that the disk will not let go of is logged and keeps nobody from anything. */
export async function removeScratch(tools: InstallTools, journal: InstallJournal): Promise<void> {
  const name = scratchNameOf(journal);
  try {
    await tools.scratch.remove(name);
  } catch (failure) {
    tools.log.warn('The scratch folder {name} could not be removed: {err}', {
      name,
      err: messageOf(failure),
    });
  }
}
