import { arch, platform } from 'node:os';
import { messageOf } from '@sallyport/core/shared/errors';
import type { SiteDatabase } from '@sallyport/engine/ports/site-database';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { formatTraceLine } from '@sallyport/core/wire/cmtrace';
import { recordHash } from '@sallyport/core/wire/record-hash';
import type { SitePlatform } from '@sallyport/engine/components/update-installer/ports';
import { PackageFetcher } from '@sallyport/engine/components/content/package-fetcher';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { systemClock } from '@sallyport/engine/compute/clock';
import { nodeKeys } from '@sallyport/engine/compute/ed25519';
import { HpkeSealing } from '@sallyport/engine/compute/hpke-sealing';
import { NodeMachine } from '@sallyport/engine/compute/machine';
import { MeteredCompute } from '@sallyport/engine/compute/metered-compute';
import { ChildProcesses } from '@sallyport/engine/compute/processes';
import { systemRandom } from '@sallyport/engine/compute/random';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import { WorkerPool } from '@sallyport/engine/compute/worker-pool';
import { FileBlobs } from '@sallyport/engine/storage/files/blobs';
import { ComponentLogs } from '@sallyport/engine/storage/files/component-logs';
import { FileReleases } from '@sallyport/engine/storage/files/releases';
import { FileScratchFolders } from '@sallyport/engine/storage/files/scratch';
import { FileTrustStore } from '@sallyport/engine/storage/files/trust-store';
import { FileVault } from '@sallyport/engine/storage/files/vault';
import { openSiteDatabase } from '@sallyport/engine/storage/sqlite/site-database';
import type { SiteFolders } from './site-config.ts';
import { tidySiteFolder } from './tidy-site-folder.ts';

/** What set-up and the site server build of the outside world, once a process. */
export type SiteAdapters = Awaited<ReturnType<typeof openAdapters>>;

/** Opens a site's folders, for whoever holds their lock. Nothing listens and nothing runs yet. */
export async function openAdapters(
  folders: SiteFolders,
  options: { readonly structured?: NodeJS.WritableStream } = {},
) {
  const clock = systemClock;
  const logs = new ComponentLogs({ folder: folders.logs, clock, formatLine: formatTraceLine, ...options });
  await tidySiteFolder(folders, logs.of('SMS_EXECUTIVE'));
  const blobs = await FileBlobs.open({ folder: folders.content, alone: true });
  const compute = new MeteredCompute(new WorkerPool());
  const machine = new NodeMachine(() => compute.jobs());
  return {
    clock,
    random: systemRandom,
    digests: nodeDigests,
    check: checkSignature,
    keys: nodeKeys,
    sealing: new HpkeSealing(),
    logs,
    blobs,
    compute,
    fetcher: new PackageFetcher({
      blobs,
      compute,
      clock,
      random: systemRandom,
      log: logs.of('SMS_DISTRIBUTION_MANAGER'),
    }),
    vault: new FileVault(folders.keys),
    trust: new FileTrustStore(folders.trust),
    releases: new FileReleases({ folder: folders.products, blobs, compute }),
    processes: new ChildProcesses({ owner: folders.data }),
    scratch: new FileScratchFolders(folders.scratch),
    platform: thisPlatform(),
    machine,
    close: async (): Promise<void> => {
      machine.close();
      await compute.close();
      logs.close();
    },
  };
}

/** The site's database, with records hashed as the wire says. @throws {StorageError} */
export function openDatabase(
  folders: SiteFolders,
  site: SiteCode,
  { digests, logs }: Pick<SiteAdapters, 'digests' | 'logs'>,
): SiteDatabase {
  const log = logs.of('SMS_EXECUTIVE');
  return openSiteDatabase(folders.database, {
    site,
    hashRecord: (fields) => recordHash(fields, digests.of),
    onListenerFailure: (error) =>
      log.error('A component could not hear of a change in the database: {err}', { err: messageOf(error) }),
  });
}

function thisPlatform(): SitePlatform {
  return { node: process.execPath, nodeVersion: process.versions.node, os: platform(), arch: arch() };
}
