import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import type { UpdateEventName, UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { OrderAction, WarningConsent } from '@sallyport/core/domain/updates/order';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import type { SiteType } from '@sallyport/core/domain/sites/site';
import {
  packageGuid,
  productId,
  siteCode,
  type PackageGuid,
  type SiteCode,
} from '@sallyport/core/shared/ids';
import { refOf } from '../../../../test-support/bytes.ts';
import { ManualClock } from '../../../../test-support/manual-clock.ts';
import { temporaryFolder } from '../../../../test-support/temporary-folder.ts';
import { ChildProcesses } from '../../../compute/processes.ts';
import type { Processes } from '../../../ports/process.ts';
import type { SiteDatabase } from '../../../ports/site-database.ts';
import { FileBlobs } from '../../../storage/files/blobs.ts';
import { FileDatabaseBackups } from '../../../storage/files/backups.ts';
import { FileReleases } from '../../../storage/files/releases.ts';
import { FileScratchFolders } from '../../../storage/files/scratch.ts';
import { fileDatabase } from '../../../storage/sqlite/test-support/databases.ts';
import { fixedRandom, KeptLog } from '../../work/test-support/fixed-ports.ts';
import { installBaseline } from '../baseline.ts';
import type { GateAnswer, UpdateInstallerConfig, UpdateInstallerPorts } from '../ports.ts';
import { UpdateInstaller } from '../update-installer.ts';

export const product = productId('tool');
export const guids = {
  old: packageGuid('00000000-0000-4000-8000-000000000001'),
  new: packageGuid('00000000-0000-4000-8000-000000000002'),
  fix: packageGuid('00000000-0000-4000-8000-000000000003'),
};
export const never = new AbortController().signal;

export interface TestPackage {
  readonly descriptor: PackageDescriptor;
  readonly tree: Tree;
}

/** A site with real files, a real database and real processes, in a folder of the test's own. */
export class TestSite {
  readonly folder: string;
  readonly code: SiteCode;
  readonly clock = new ManualClock();
  readonly log = new KeptLog();
  readonly packages = new Map<PackageGuid, TestPackage>();
  readonly config: UpdateInstallerConfig;
  readonly releases: FileReleases;
  readonly blobs: FileBlobs;
  windows: readonly ServiceWindow[] = [];
  gateAnswer: GateAnswer = { go: true };
  processes: Processes;
  database: SiteDatabase;
  installer: UpdateInstaller;

  private constructor(folder: string, blobs: FileBlobs, site: { type?: SiteType; parent?: string }) {
    this.folder = folder;
    this.code = siteCode('PR1');
    this.blobs = blobs;
    const compute = { hashFile: async (path: string) => refOf(await readFile(path)) };
    this.releases = new FileReleases({ folder: join(folder, 'products'), blobs, compute });
    this.processes = new ChildProcesses({ owner: folder, graceMs: 200 });
    this.config = {
      site: {
        code: this.code,
        type: site.type ?? 'primary',
        ...(site.parent === undefined ? {} : { parent: siteCode(site.parent) }),
      },
      platform: {
        node: process.execPath,
        nodeVersion: process.versions.node,
        os: process.platform,
        arch: process.arch,
      },
    };
    this.database = this.openDatabase();
    this.installer = this.newInstaller();
  }

  /** A site on its baseline 1.0.0; the installer is made, not started. */
  static async open(t: TestContext, site: { type?: SiteType; parent?: string } = {}): Promise<TestSite> {
    const folder = await temporaryFolder(t);
    // Hooks run as nobody where the tests run as root.
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'trace'));
    await chmod(join(folder, 'trace'), 0o777);
    const made = new TestSite(folder, await FileBlobs.open({ folder: join(folder, 'content') }), site);
    t.after(() => made.close());
    const baseline = await made.publish({
      guid: guids.old,
      version: '1.0.0',
      kind: 'baseline',
      healthCheck: undefined,
    });
    await installBaseline(made.ports(), { code: made.code, platform: made.config.platform }, baseline, never);
    return made;
  }

  /** The site that lies in a folder, in another process than the one that made it. */
  static async attach(folder: string): Promise<TestSite> {
    return new TestSite(folder, await FileBlobs.open({ folder: join(folder, 'content') }), {});
  }

  openDatabase(): SiteDatabase {
    return fileDatabase(join(this.folder, 'database', 'site.db'), this.code);
  }

  ports(): UpdateInstallerPorts {
    return {
      clock: this.clock,
      random: fixedRandom(0),
      log: this.log,
      database: this.database,
      releases: this.releases,
      processes: this.processes,
      scratch: new FileScratchFolders(join(this.folder, 'scratch')),
      backups: new FileDatabaseBackups({ folder: join(this.folder, 'backup'), database: this.database }),
      catalogue: {
        descriptor: async (guid) => this.packages.get(guid)?.descriptor,
        tree: async ({ guid }) => this.packages.get(guid)?.tree ?? { schema: 1, files: [] },
      },
      gate: { gate: async () => this.gateAnswer },
      windows: () => this.windows,
    };
  }

  newInstaller(ports: UpdateInstallerPorts = this.ports()): UpdateInstaller {
    return new UpdateInstaller(ports, this.config);
  }

  /** As after a kill: nothing of the old life is left but files. */
  async restart(): Promise<void> {
    await this.installer.stop();
    this.database.close();
    this.database = this.openDatabase();
    this.installer = this.newInstaller();
  }

  async close(): Promise<void> {
    await this.installer.stop();
    this.database.close();
  }

  /** A package whose content is held; `tool.sh` of the release prints the version. */
  async publish(
    more: Partial<Omit<PackageDescriptor, 'healthCheck'>> & {
      healthCheck?: PackageDescriptor['healthCheck'];
    } = {},
  ): Promise<TestPackage> {
    const version = more.version ?? '2.0.0';
    const tree: Tree = {
      schema: 1,
      files: [
        await this.#file('lib/version.txt', `${version}\n`),
        await this.#file('tool.sh', `#!/bin/sh\ncat "$(dirname "$0")/lib/version.txt"\n`, 0o755),
      ],
    };
    const { healthCheck, ...rest } = more;
    const check = 'healthCheck' in more ? healthCheck : versionCheck(version);
    const descriptor: PackageDescriptor = {
      schema: 1,
      guid: guids.new,
      product,
      name: `Tool ${version}`,
      description: 'A tool.',
      kind: 'version-update',
      version,
      appliesTo: {},
      supersedes: [],
      requires: [],
      ring: 'general',
      impact: ['site-server'],
      releasedAt: '2026-01-01',
      prerequisites: [],
      features: [],
      content: {
        tree: refOf(Buffer.from(JSON.stringify(tree))),
        encodings: refOf(Buffer.from('{}')),
        fileCount: 2,
        totalBytes: 100,
      },
      hooks: [],
      ...(check === undefined ? {} : { healthCheck: check }),
      ...rest,
    };
    const published = { descriptor, tree };
    this.packages.set(descriptor.guid, published);
    return published;
  }

  async #file(path: string, text: string, mode: TreeFile['mode'] = 0o644): Promise<TreeFile> {
    const ref = await this.blobs.putBytes(Buffer.from(text));
    return { path, mode, ...ref, segments: [ref] };
  }

  /** Everything up to complete content, as the other components do it. */
  order(
    more: {
      guid?: PackageGuid;
      action?: OrderAction;
      order?: number;
      consent?: WarningConsent;
      content?: boolean;
    } = {},
  ): void {
    const guid = more.guid ?? guids.new;
    const attempt = (this.projection(guid)?.attempt ?? 0) + 1;
    const { action = 'install', order = attempt, consent } = more;
    this.tell(
      'ordered',
      { order, action, features: [], ...(consent === undefined ? {} : { consent }) },
      { guid, attempt },
    );
    if (more.content !== false) {
      this.tell('replication-started', {}, { guid });
      this.tell('replication-succeeded', { receivedBytes: 0, totalBytes: 0 }, { guid });
    }
  }

  /** Appends an event that somebody else decides on. */
  tell(
    event: UpdateEventName,
    data: Readonly<Record<string, unknown>> = {},
    of: { guid?: PackageGuid; attempt?: number; site?: SiteCode } = {},
  ): void {
    const { guid = guids.new, site = this.code, attempt } = of;
    this.database.write((tables) => {
      const before = tables.updates.projection(guid, site);
      const at = this.clock.now();
      tables.updates.append(
        nextEvent(before, { guid, site, event, at, data, ...(attempt === undefined ? {} : { attempt }) }),
      );
    });
  }

  projection(guid: PackageGuid = guids.new): UpdateProjection | undefined {
    return this.database.read((tables) => tables.updates.projection(guid, this.code));
  }

  events(guid: PackageGuid = guids.new): readonly string[] {
    return this.database
      .read((tables) => tables.updates.events({ guid, site: this.code }))
      .map(({ event, data }) => {
        const step = data['step'];
        return event === 'step-finished' && typeof step === 'string' ? step : event;
      });
  }

  journal(): unknown {
    return this.database.read((tables) => tables.settings.get('installer'));
  }

  /** Starts the installer if need be and waits for a whole pass. */
  async work(): Promise<void> {
    await this.installer.start(never);
    await this.installer.runOnce();
  }

  async runs(): Promise<string> {
    return (await this.releases.current(product))?.version ?? 'nothing';
  }

  /** What hooks made by `trace` have left, in order. */
  async trace(): Promise<readonly string[]> {
    const text = await readFile(join(this.folder, 'trace', 'log'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  /** A program that leaves a line. */
  tracing(line: string, then = ''): readonly string[] {
    return ['/bin/sh', '-c', `echo ${line} >> '${join(this.folder, 'trace', 'log')}'; ${then}`];
  }

  async scratchLeft(): Promise<readonly string[]> {
    return readdir(join(this.folder, 'scratch')).catch(() => []);
  }
}

export function versionCheck(version: string): NonNullable<PackageDescriptor['healthCheck']> {
  return {
    run: ['/bin/sh', '{release}/tool.sh'],
    timeoutMs: 20_000,
    outputIs: version,
    attemptsMax: 1,
    delayMs: 1_000,
  };
}
