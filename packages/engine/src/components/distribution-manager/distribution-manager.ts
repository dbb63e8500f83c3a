import type { UpdateEventName, UpdateProjection, UpdateState } from '@sallyport/core/domain/updates/event';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { formatBytes } from '@sallyport/core/shared/units';
import type { Clock } from '../../ports/clock.ts';
import type { Component, ComponentStatus } from '../../ports/component.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { FetchedPackage, PackageFetcher } from '../content/package-fetcher.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';
import { packageOf } from '../hierarchy-manager/trusted-view.ts';
import { backOffMs, isDue, type BackOff } from '../work/back-off.ts';
import { concerns } from '../work/concerns.ts';
import { TransferLog, type TransferProgress } from '../work/transfer-log.ts';
import { transfer } from '../work/transfer.ts';
import { type PassOutcome, WorkLoop } from '../work/work-loop.ts';
import { type ContentStatus, SlowRecord } from './content-status.ts';
import type { LibraryCare } from './library-care.ts';

export interface DistributionManagerOptions {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly documents: TrustedDocuments;
  readonly fetcher: Pick<PackageFetcher, 'fetch'>;
  /** The parent's content library; at the top-tier site the vendor's, for what has gone missing since the download. */
  readonly content: ContentSource;
  /** Looks after the content library while nothing is to be replicated. */
  readonly care?: Pick<LibraryCare, 'pass'>;
  readonly clock: Clock;
  readonly random: Random;
  /** `distmgr.log`. */
  readonly log: Log;
}

const retry: BackOff = { firstMs: 5_000, maxMs: 900_000 };

const wanted: ReadonlySet<UpdateState> = new Set(['ENABLED', 'CONTENT_REPLICATING']);

/**
 * `SMS_DISTRIBUTION_MANAGER`: brings the content of what was ordered to this site, and says how far it has come.
 *
 * A child takes from its parent whatever it does not hold, by digest, every byte verified here; at the top-tier site
 * the download has brought it, and this makes sure that it is all there. What is replicated stays servable to the
 * sites below. A failure is tried again by itself; a restart goes on where it was.
 */
export class DistributionManager implements Component {
  readonly name = 'SMS_DISTRIBUTION_MANAGER';
  readonly #options: DistributionManagerOptions;
  readonly #loop: WorkLoop;
  readonly #status: SlowRecord;
  readonly #listeners = new Set<() => void>();
  #progress: TransferProgress | undefined;
  #check: (() => void) | undefined;
  #stopListening: (() => void) | undefined;

  constructor(options: DistributionManagerOptions) {
    this.#options = options;
    this.#status = new SlowRecord(options);
    this.#loop = new WorkLoop({ ...options, pass: (signal, report) => this.#pass(signal, report) });
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#stopListening !== undefined) return;
    signal.throwIfAborted();
    const { database, site } = this.#options;
    this.#stopListening = database.onCommit((change) => {
      if (!concerns(change, { updates: [site.code] })) return;
      this.#check?.();
      this.#loop.wake();
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#stopListening?.();
    this.#stopListening = undefined;
    await this.#loop.stop();
  }

  query(): ComponentStatus {
    return this.#loop.query();
  }

  /** Progress of the replication under way at this site. */
  progress(): readonly TransferProgress[] {
    return this.#progress === undefined ? [] : [this.#progress];
  }

  /** Called whenever progress changes; answers how to stop. */
  onProgress(listener: () => void): () => void {
    const registered = (): void => listener();
    this.#listeners.add(registered);
    return () => this.#listeners.delete(registered);
  }

  async #pass(signal: AbortSignal, report: (reason: string) => void): Promise<PassOutcome> {
    let care: PassOutcome | 'not-wanted' | undefined = 'not-wanted';
    while (care === 'not-wanted') {
      for (let due = this.#nextDue(); due !== undefined; due = this.#nextDue()) {
        await this.#replicate(due, signal, report);
      }
      this.#status.write({ schema: 1, transfers: [] });
      care = await this.#care(signal, report);
    }
    const failed = this.#own()
      .filter(({ state }) => state === 'CONTENT_REPLICATION_FAILED')
      .toSorted((a, b) => (a.nextAt ?? 0) - (b.nextAt ?? 0))[0];
    if (failed === undefined) {
      const idle: PassOutcome = { state: 'waiting', reason: 'no content to replicate' };
      return care === undefined ? idle : { ...care, reason: `no content to replicate; ${care.reason}` };
    }
    const nextAt = Math.min(failed.nextAt ?? this.#options.clock.now(), care?.nextAt ?? Infinity);
    return { state: 'waiting', reason: failed.reason, nextAt };
  }

  /** Looks after the content library until there is something to replicate: an order goes first. */
  async #care(
    signal: AbortSignal,
    report: (reason: string) => void,
  ): Promise<PassOutcome | 'not-wanted' | undefined> {
    const { care } = this.#options;
    if (care === undefined) return undefined;
    return transfer({
      fetch: (within) => care.pass(within, report),
      isWanted: () => this.#nextDue() === undefined,
      onChange: (check) => {
        this.#check = check;
      },
      signal,
    });
  }

  #own(): readonly UpdateProjection[] {
    return this.#options.database.read(({ updates }) =>
      updates.projections({ site: this.#options.site.code }),
    );
  }

  #nextDue(): UpdateProjection | undefined {
    const now = this.#options.clock.now();
    return this.#own()
      .filter(
        ({ state, nextAt }) =>
          wanted.has(state) || (state === 'CONTENT_REPLICATION_FAILED' && isDue(retry, nextAt, now)),
      )
      .toSorted((a, b) => a.since - b.since)[0];
  }

  async #replicate(
    due: UpdateProjection,
    signal: AbortSignal,
    report: (reason: string) => void,
  ): Promise<void> {
    const { log, documents, clock } = this.#options;
    const failures = Number(due.data['failures'] ?? 0);
    const { guid } = due;
    if (
      due.state !== 'CONTENT_REPLICATING' &&
      !this.#append(guid, due.state, 'replication-started', { failures })
    )
      return;
    const descriptor = packageOf(await documents.view(), guid)?.descriptor;
    if (descriptor === undefined) {
      this.#fail(
        guid,
        failures,
        new Error(
          'the package is not in this site’s trusted catalogue: check that metadata arrive from the parent',
        ),
      );
      return;
    }
    const { name, version } = descriptor;
    report(`replicates ${name} ${version}`);
    log.info('Replication of {name} {version} ({guid}) from {source} begins', {
      name,
      version,
      guid,
      source: this.#options.content.name,
    });
    const startedAt = clock.now();
    try {
      const fetched = await this.#fetch(guid, descriptor, signal);
      if (fetched === 'not-wanted')
        log.info('Replication of {name} {version} was stopped', { name, version });
      else this.#succeed(guid, descriptor, fetched, clock.now() - startedAt);
    } catch (error) {
      signal.throwIfAborted();
      this.#fail(guid, failures, error);
    } finally {
      this.#progress = undefined;
      this.#changed();
    }
  }

  #fetch(
    guid: PackageGuid,
    descriptor: PackageDescriptor,
    signal: AbortSignal,
  ): Promise<FetchedPackage | 'not-wanted'> {
    const { database, site, clock, log, fetcher, content } = this.#options;
    const { name, version } = descriptor;
    const lines = new TransferLog({ kind: 'replication', what: { name, version }, clock, log });
    return transfer({
      fetch: (within) =>
        fetcher.fetch(descriptor.content, content, {
          signal: within,
          onProgress: (progress) => {
            this.#progress = { guid, ...progress };
            lines.update(progress);
            this.#changed();
          },
          onRetry: (notice) => {
            const of = { guid, totalBytes: descriptor.content.totalBytes };
            this.#progress = lines.interrupted(this.#progress, of, notice);
            this.#changed();
          },
        }),
      isWanted: () =>
        database.read(({ updates }) => updates.projection(guid, site.code))?.state === 'CONTENT_REPLICATING',
      onChange: (check) => {
        this.#check = check;
      },
      signal,
    });
  }

  #succeed(
    guid: PackageGuid,
    { name, version }: PackageDescriptor,
    { receivedBytes, totalBytes, routes }: FetchedPackage,
    elapsedMs: number,
  ): void {
    const reason = `The content is complete and verified: ${formatBytes(receivedBytes)} travelled for ${formatBytes(totalBytes)}.`;
    this.#append(guid, 'CONTENT_REPLICATING', 'replication-succeeded', {
      receivedBytes,
      totalBytes,
      routes,
      elapsedMs: Math.round(elapsedMs),
      reason,
    });
    this.#options.log.info('Replication of {name} {version} succeeded: {received} received for {total}', {
      name,
      version,
      received: formatBytes(receivedBytes),
      total: formatBytes(totalBytes),
    });
  }

  #fail(guid: PackageGuid, failuresBefore: number, error: unknown): void {
    const { clock, random, log } = this.#options;
    const failures = failuresBefore + 1;
    const nextAt = clock.now() + backOffMs(retry, failures, random.fraction());
    const code = error instanceof SallyportError ? error.code : 'FAILED';
    const reason = messageOf(error);
    this.#append(guid, 'CONTENT_REPLICATING', 'replication-failed', { code, reason, failures, nextAt });
    log.error('Replication of package {guid} failed ({code}), next try at {nextAt}: {error}', {
      guid,
      code,
      nextAt: new Date(nextAt).toISOString(),
      error: reason,
    });
  }

  /** Answers false when somebody else has changed the state meanwhile: then there is nothing to say. */
  #append(
    guid: PackageGuid,
    expected: UpdateState,
    event: UpdateEventName,
    data: Readonly<Record<string, unknown>>,
  ): boolean {
    const { database, site, clock } = this.#options;
    return database.write(({ updates }) => {
      const before = updates.projection(guid, site.code);
      if (before?.state !== expected) return false;
      updates.append(nextEvent(before, { guid, site: site.code, event, at: clock.now(), data }));
      return true;
    });
  }

  #changed(): void {
    const transfers: ContentStatus['transfers'] = this.progress().map(
      ({ guid, doneBytes, totalBytes, receivedBytes, interrupted: reason }) => ({
        guid,
        doneBytes,
        totalBytes,
        receivedBytes,
        ...(reason === undefined ? {} : { interrupted: reason }),
      }),
    );
    this.#status.write({ schema: 1, transfers });
    for (const listener of this.#listeners) listener();
  }
}
