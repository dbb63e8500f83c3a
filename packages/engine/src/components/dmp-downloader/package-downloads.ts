import type { UpdateProjection, UpdateState } from '@sallyport/core/domain/updates/event';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import type { EpochMs, PackageGuid } from '@sallyport/core/shared/ids';
import { formatBytes } from '@sallyport/core/shared/units';
import type { Clock } from '../../ports/clock.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { FetchedPackage, PackageFetcher } from '../content/package-fetcher.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';
import { packageOf } from '../hierarchy-manager/trusted-view.ts';
import { backOffMs, isDue, type BackOff } from '../work/back-off.ts';
import { TransferLog, type TransferProgress } from '../work/transfer-log.ts';
import type { PassOutcome } from '../work/work-loop.ts';
import { transfer } from '../work/transfer.ts';

export interface PackageDownloadsOptions {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly documents: TrustedDocuments;
  readonly fetcher: Pick<PackageFetcher, 'fetch'>;
  readonly content: ContentSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const retry: BackOff = { firstMs: 15_000, maxMs: 3_600_000 };

/**
 * Downloads, one after another, the packages whose download has been started, oldest first. What is in the database
 * says what is wanted: a restart goes on, at any byte; a cancel stops; a failure is tried again by itself.
 */
export class PackageDownloads {
  readonly #options: PackageDownloadsOptions;
  readonly #listeners = new Set<() => void>();
  #progress: TransferProgress | undefined;
  #check: (() => void) | undefined;
  /** Failures before this moment are not waited out. */
  #tryAgainSince = Number.NEGATIVE_INFINITY;

  constructor(options: PackageDownloadsOptions) {
    this.#options = options;
  }

  async work(signal: AbortSignal, report: (reason: string) => void): Promise<PassOutcome> {
    for (let due = this.#nextDue(); due !== undefined; due = this.#nextDue()) {
      await this.#download(due, signal, report);
    }
    const failed = this.#own().filter(({ state }) => state === 'DOWNLOAD_FAILED');
    const nextAt = failed.map((own) => own.nextAt ?? 0).toSorted((a, b) => a - b)[0];
    if (nextAt === undefined) return { state: 'waiting', reason: 'nothing to download' };
    return { state: 'waiting', reason: failed[0]?.reason ?? 'a download failed', nextAt };
  }

  /** The database changed: a download that is not wanted any more ends. */
  lookAgain(): void {
    this.#check?.();
  }

  /** Why downloads failed is over: whatever failed until now is due. */
  tryAllAgain(): void {
    this.#tryAgainSince = this.#options.clock.now();
  }

  progress(): readonly TransferProgress[] {
    return this.#progress === undefined ? [] : [this.#progress];
  }

  onProgress(listener: () => void): () => void {
    const registered = (): void => listener();
    this.#listeners.add(registered);
    return () => this.#listeners.delete(registered);
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
        ({ state, nextAt, since }) =>
          state === 'DOWNLOAD_IN_PROGRESS' ||
          (state === 'DOWNLOAD_FAILED' && (since <= this.#tryAgainSince || isDue(retry, nextAt, now))),
      )
      .toSorted((a, b) => a.since - b.since)[0];
  }

  async #download(
    due: UpdateProjection,
    signal: AbortSignal,
    report: (reason: string) => void,
  ): Promise<void> {
    const { clock, log } = this.#options;
    // How often in a row it failed lies in the event that says so, and passes on in the one that starts anew.
    const failures = Number(due.data['failures'] ?? 0);
    if (due.state === 'DOWNLOAD_FAILED') {
      const data = { failures, reason: 'The download is tried again.' };
      this.#append(due.guid, 'DOWNLOAD_FAILED', 'download-started', data);
    }
    const known = packageOf(await this.#options.documents.view(), due.guid);
    if (known?.descriptor === undefined) {
      this.#fail(
        due,
        failures,
        new Error(
          'the trusted catalogue does not name the package any more, or its descriptor is missing: check for updates',
        ),
      );
      return;
    }
    const { name, version } = known.descriptor;
    report(`downloads ${name} ${version}`);
    log.info('Download of {name} {version} ({guid}) begins', { name, version, guid: due.guid });
    const startedAt = clock.now();
    try {
      const fetched = await this.#fetch(due, known.descriptor, signal);
      if (fetched === 'not-wanted') log.info('Download of {name} {version} was stopped', { name, version });
      else this.#succeed(due, known.descriptor, fetched, startedAt);
    } catch (error) {
      signal.throwIfAborted();
      this.#fail(due, failures, error);
    } finally {
      this.#progress = undefined;
      this.#changed();
    }
  }

  #fetch(
    due: UpdateProjection,
    descriptor: PackageDescriptor,
    signal: AbortSignal,
  ): Promise<FetchedPackage | 'not-wanted'> {
    const { database, site, clock, log, fetcher, content } = this.#options;
    const what = { name: descriptor.name, version: descriptor.version };
    const lines = new TransferLog({ kind: 'download', what, clock, log });
    return transfer({
      fetch: (within) =>
        fetcher.fetch(descriptor.content, content, {
          signal: within,
          onProgress: (progress) => {
            this.#progress = { guid: due.guid, ...progress };
            lines.update(progress);
            this.#changed();
          },
          onRetry: (notice) => {
            const of = { guid: due.guid, totalBytes: descriptor.content.totalBytes };
            this.#progress = lines.interrupted(this.#progress, of, notice);
            this.#changed();
          },
        }),
      isWanted: () =>
        database.read(({ updates }) => updates.projection(due.guid, site.code))?.state ===
        'DOWNLOAD_IN_PROGRESS',
      onChange: (check) => {
        this.#check = check;
      },
      signal,
    });
  }

  #succeed(
    due: UpdateProjection,
    { name, version }: PackageDescriptor,
    fetched: FetchedPackage,
    startedAt: EpochMs,
  ): void {
    const { log, clock } = this.#options;
    const { receivedBytes, totalBytes, routes } = fetched;
    const reason = `Downloaded and verified: ${formatBytes(receivedBytes)} travelled for ${formatBytes(totalBytes)}. Ready to install.`;
    this.#append(due.guid, 'DOWNLOAD_IN_PROGRESS', 'download-succeeded', {
      receivedBytes,
      totalBytes,
      routes,
      elapsedMs: Math.round(clock.now() - startedAt),
      reason,
    });
    log.info('Download of {name} {version} succeeded: {received} received for {total}', {
      name,
      version,
      received: formatBytes(receivedBytes),
      total: formatBytes(totalBytes),
    });
  }

  #fail(due: UpdateProjection, failuresBefore: number, error: unknown): void {
    const { clock, random, log } = this.#options;
    const failures = failuresBefore + 1;
    const nextAt = clock.now() + backOffMs(retry, failures, random.fraction());
    const code = error instanceof SallyportError ? error.code : 'FAILED';
    const reason = messageOf(error);
    this.#append(due.guid, 'DOWNLOAD_IN_PROGRESS', 'download-failed', { code, reason, failures, nextAt });
    log.error('Download of package {guid} failed ({code}), next try at {nextAt}: {error}', {
      guid: due.guid,
      code,
      nextAt: new Date(nextAt).toISOString(),
      error: reason,
    });
  }

  /** Somebody else may have changed the state meanwhile: then there is nothing to say. */
  #append(
    guid: PackageGuid,
    expected: UpdateState,
    event: 'download-failed' | 'download-started' | 'download-succeeded',
    data: Readonly<Record<string, unknown>>,
  ): void {
    const { database, site, clock } = this.#options;
    database.write(({ updates }) => {
      const before = updates.projection(guid, site.code);
      if (before?.state === expected)
        updates.append(nextEvent(before, { guid, site: site.code, event, at: clock.now(), data }));
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
