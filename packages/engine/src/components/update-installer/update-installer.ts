import { mayStart } from '@sallyport/core/domain/updates/install-plan';
import type { UpdateProjection, UpdateState } from '@sallyport/core/domain/updates/event';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { EpochMs, ProductId } from '@sallyport/core/shared/ids';
import { formatBytes, minutes } from '@sallyport/core/shared/units';
import type { Component, ComponentStatus } from '../../ports/component.ts';
import type { CurrentRelease } from '../../ports/releases.ts';
import { trustedSettingName } from '../hierarchy-manager/document-store.ts';
import { type Concern, concerns } from '../work/concerns.ts';
import { type PassOutcome, WorkLoop } from '../work/work-loop.ts';
import { checkPhase } from './check-phase.ts';
import { goOn } from './install.ts';
import type { InstallTools } from './install-tools.ts';
import { type OrderedWork, orderedWork, waitsForContent } from './ordered-work.ts';
import type { UpdateInstallerConfig, UpdateInstallerPorts } from './ports.ts';
import { PackagePrograms } from './programs.ts';
import { type InstallJournal, InstallRecords, type NewEvent } from './records.ts';
import { windowsSetting } from './service-windows.ts';

/** Prerequisites are asked again before an install when their answers are older than this, or it had to wait. */
const answersMaxAgeMs = minutes(10);
/** What cannot be read here at present is looked at again so soon. */
const undecidedRetryMs = minutes(1);

const waitingStates: ReadonlySet<UpdateState> = new Set<UpdateState>([
  'INSTALL_WAITING_PARENT',
  'INSTALL_WAITING_SERVICE_WINDOW',
]);

/** What became of one package in a pass: it moved, and there is more to do, or it waits. */
type Move =
  | { readonly kind: 'moved' }
  | { readonly kind: 'waits'; readonly reason: string; readonly nextAt?: EpochMs };

const moved: Move = { kind: 'moved' };

/**
 * `CONFIGURATION_MANAGER_UPDATE`: takes each ordered package whose content is here through its prerequisites, the
 * wait for parent and service window, and the install. One package at a time; of a product, in the order of the
 * orders. All state is in the database.
 */
export class UpdateInstaller implements Component {
  readonly name = 'CONFIGURATION_MANAGER_UPDATE';
  readonly #ports: UpdateInstallerPorts;
  readonly #config: UpdateInstallerConfig;
  readonly #loop: WorkLoop;
  readonly #tools: InstallTools;
  #report: (doing: string) => void = () => undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(ports: UpdateInstallerPorts, config: UpdateInstallerConfig) {
    this.#ports = ports;
    this.#config = config;
    const { clock, random, log, database } = ports;
    this.#loop = new WorkLoop({
      clock,
      random,
      log,
      pass: (signal, report) => {
        this.#report = report;
        return this.#pass(signal);
      },
    });
    const { outputMaxBytes } = config;
    this.#tools = {
      ...ports,
      records: new InstallRecords(database, clock, config.site.code),
      programs: new PackagePrograms({
        processes: ports.processes,
        log,
        ...(outputMaxBytes === undefined ? {} : { outputMaxBytes }),
      }),
      site: { code: config.site.code, type: config.site.type, platform: config.platform },
      report: (doing) => this.#report(doing),
      stagingProgress: (totalBytes) => (doneBytes) =>
        this.#report(`stages the release: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`),
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#unsubscribe ??= this.#ports.database.onCommit((change) => {
      if (concerns(change, this.#concern)) this.#loop.wake();
    });
    this.#loop.start();
    await Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    await this.#loop.stop();
  }

  /** The parent goes first, so its updates matter as well. */
  get #concern(): Concern {
    const { code, parent } = this.#config.site;
    return {
      updates: parent === undefined ? [code] : [code, parent],
      settings: [windowsSetting, trustedSettingName],
    };
  }

  query(): ComponentStatus {
    return this.#loop.query();
  }

  /** Resolves when a whole look at what there is to do, begun after this call, has ended. */
  async runOnce(): Promise<void> {
    await this.#loop.runOnce();
  }

  async #pass(signal: AbortSignal): Promise<PassOutcome> {
    for (;;) {
      signal.throwIfAborted();
      const journal = this.#tools.records.journal();
      if (journal !== undefined) {
        await goOn(this.#tools, journal, signal);
        continue;
      }
      const waits = await this.#advanceFirst(signal);
      if (waits !== undefined) return outcomeOf(waits);
    }
  }

  /** Moves the first package that can be moved; answers why all of them wait when there is none. */
  async #advanceFirst(signal: AbortSignal): Promise<readonly Move[] | undefined> {
    const waits: Move[] = [];
    const taken = new Set<ProductId>();
    for (const work of this.#ports.database.read((tables) => orderedWork(tables, this.#config.site.code))) {
      const descriptor = await this.#ports.catalogue.descriptor(work.projection.guid);
      const move = await this.#advance(work, descriptor, taken, signal);
      if (move.kind === 'moved') return undefined;
      waits.push(move);
      if (descriptor !== undefined) taken.add(descriptor.product);
    }
    return waits;
  }

  async #advance(
    work: OrderedWork,
    descriptor: PackageDescriptor | undefined,
    taken: ReadonlySet<ProductId>,
    signal: AbortSignal,
  ): Promise<Move> {
    const { projection } = work;
    const { guid } = projection;
    if (descriptor === undefined) {
      const nextAt = this.#ports.clock.now() + undecidedRetryMs;
      return { kind: 'waits', reason: `package ${guid} is not in this site's trusted catalogue yet`, nextAt };
    }
    const { version } = descriptor;
    if (waitsForContent(work)) return { kind: 'waits', reason: `${version} waits for its content` };
    if (taken.has(descriptor.product))
      return { kind: 'waits', reason: `${version} waits for the package ordered before it` };
    const answer = await this.#ports.gate.gate(guid, signal);
    if (!answer.go) {
      return answer.undecided === true
        ? { kind: 'waits', reason: answer.reason, nextAt: this.#ports.clock.now() + undecidedRetryMs }
        : this.#give(projection, answer.reason);
    }
    if (projection.state === 'CONTENT_REPLICATION_SUCCESS' || projection.state === 'PREREQ_IN_PROGRESS') {
      return this.#check(work, descriptor, signal);
    }
    return this.#startWhenAllowed(work, descriptor, signal);
  }

  /** Gives up an order that must not be carried out any more. */
  #give(projection: UpdateProjection, reason: string): Move {
    const { guid } = projection;
    this.#ports.log.warn('The order for {guid} is given up: {reason}', { guid, reason });
    this.#tools.records.append(projection, { event: 'cancelled', data: { reason, code: 'STOPPED' } });
    return moved;
  }

  async #check(work: OrderedWork, descriptor: PackageDescriptor, signal: AbortSignal): Promise<Move> {
    await checkPhase(this.#tools, work, descriptor, signal);
    return moved;
  }

  async #startWhenAllowed(
    work: OrderedWork,
    descriptor: PackageDescriptor,
    signal: AbortSignal,
  ): Promise<Move> {
    const { projection } = work;
    const { site } = this.#config;
    const now = this.#ports.clock.now();
    const { parent } = site;
    const verdict = mayStart({
      site,
      parentState:
        parent === undefined
          ? undefined
          : this.#ports.database.read((tables) => tables.updates.projection(descriptor.guid, parent)?.state),
      // Secondaries have none: an administrator's request is their time.
      windows: site.type === 'secondary' ? [] : this.#ports.windows(),
      at: now,
    });
    if (verdict.kind === 'wait') return this.#wait(projection, descriptor, verdict);
    if (waitingStates.has(projection.state) || now - projection.since > answersMaxAgeMs) {
      return this.#check(work, descriptor, signal);
    }
    const previous = await this.#ports.releases.current(descriptor.product);
    if (previous === undefined) return this.#check(work, descriptor, signal);
    await this.#begin(projection, descriptor, previous);
    return moved;
  }

  #wait(
    projection: UpdateProjection,
    { guid, version }: PackageDescriptor,
    verdict: { readonly for: 'parent' | 'window'; readonly reason: string; readonly nextAt?: EpochMs },
  ): Move {
    const { reason, nextAt } = verdict;
    const state = verdict.for === 'parent' ? 'INSTALL_WAITING_PARENT' : 'INSTALL_WAITING_SERVICE_WINDOW';
    const time = nextAt === undefined ? {} : { nextAt };
    if (projection.state !== state || projection.reason !== reason || projection.nextAt !== nextAt) {
      const event = verdict.for === 'parent' ? 'waiting-for-parent' : 'waiting-for-window';
      this.#tools.records.append(projection, { event, data: { reason, ...time } });
      this.#ports.log.info('Install of {version} ({guid}) waits: {reason}', { version, guid, reason });
    }
    return { kind: 'waits', reason: `${version} waits: ${reason}`, ...time };
  }

  async #begin(
    projection: UpdateProjection,
    descriptor: PackageDescriptor,
    previous: CurrentRelease,
  ): Promise<void> {
    const { releases, catalogue, log } = this.#ports;
    const { guid, product, version, hooks, healthCheck, content } = descriptor;
    const started: NewEvent = {
      event: 'install-started',
      data: { version, previousVersion: previous.version },
    };
    if (previous.installed.includes(guid)) {
      const data = { product, version, reason: 'It was installed here already.' };
      if (
        this.#tools.records.append(projection, [started, { event: 'install-succeeded', data }]) === undefined
      )
        return;
      log.info('Install of {version} ({guid}) succeeded', { version, guid });
      return;
    }
    const previousHealthCheck = (await catalogue.descriptor(previous.guid))?.healthCheck;
    const journal: InstallJournal = {
      schema: 1,
      guid,
      attempt: projection.attempt,
      product,
      version,
      folder: await releases.folderFor(product, guid, version),
      treeSha256: content.tree.sha256,
      previous,
      hooks,
      ...(healthCheck === undefined ? {} : { healthCheck }),
      ...(previousHealthCheck === undefined ? {} : { previousHealthCheck }),
      phase: 'forward',
      ledger: [],
      undoFailed: [],
      switched: false,
    };
    if (this.#tools.records.append(projection, started, journal) === undefined) return;
    log.info('Install of {version} ({guid}) started', { version, guid });
  }
}

function outcomeOf(waits: readonly Move[]): PassOutcome {
  const reasons = waits
    .map((move) => (move.kind === 'waits' ? move.reason : ''))
    .filter((reason) => reason !== '');
  if (reasons.length === 0) return { state: 'waiting', reason: 'nothing to install' };
  const times = waits
    .map((move) => (move.kind === 'waits' ? move.nextAt : undefined))
    .filter((time) => time !== undefined);
  const reason = reasons.join('; ');
  return times.length === 0
    ? { state: 'waiting', reason }
    : { state: 'waiting', reason, nextAt: Math.min(...times) };
}
