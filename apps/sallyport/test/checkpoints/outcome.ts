import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { UpdateEvent } from '@sallyport/core/domain/updates/event';
import { refold } from '@sallyport/core/domain/updates/state';
import { packageGuid, siteCode } from '@sallyport/core/shared/ids';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { openSiteDatabase } from '@sallyport/engine/storage/sqlite/site-database';
import { siteFolders } from '../../src/site/site-config.ts';
import type { Stage } from './stage.ts';

/** What a play leaves behind, without what differs from one to the next: times, ids of processes, bytes that travelled. */
export interface Outcome {
  readonly sites: Readonly<Record<string, SiteOutcome>>;
  /** Every published file and its digest. */
  readonly vendor: readonly string[];
  /** What each hook did, and how often. */
  readonly traces: Readonly<Record<string, number>>;
}

interface SiteOutcome {
  /** Path, mode and digest of every file that is not the database itself. */
  readonly files: readonly string[];
  /** What this site knows of the package's history everywhere. */
  readonly history: Readonly<Record<string, readonly string[]>>;
}

/** The database itself, what says how things went, and what tells a running server from a stopped one. */
const passing = /^(?:database\/|logs\/|run\/|trust\/run\/|trust\/time-floor$)/;
/**
 * What may be said, or not, depending on who is first: while an exchange that was cut short has not been repeated, by a
 * primary that is ready before its parent, and when the other side dies while content travels.
 */
const passingEvents: ReadonlySet<string> = new Set([
  'applicability-failed',
  'not-applicable',
  'waiting-for-parent',
  'download-failed',
  'replication-failed',
]);
/** May begin more than once. */
const repeatable = / (?:prerequisites-.*|download-started|replication-started)$/;

/** Reads what a stage that has stopped holds, and checks what must be so whatever happened. */
export async function outcomeOf(stage: Stage): Promise<Outcome> {
  const vendor = await filesOf(stage.path('vendor', 'repository'), /(?!)/);
  const documents = new Set(
    vendor.flatMap((file) => /^targets\/\S* \d+ (?<digest>\S+)$/.exec(file)?.groups?.['digest'] ?? []),
  );
  const sites: Record<string, SiteOutcome> = {};
  for (const name of ['cas', 'pr1', 'se1'] as const) sites[name] = await siteOutcome(stage, name, documents);
  const traces: Record<string, number> = {};
  for (const name of await readdir(stage.path('traces'))) {
    traces[name] = (await readFile(stage.path('traces', name), 'utf8')).trim().split('\n').length;
  }
  return { sites, vendor, traces };
}

/** @param documents digests of catalogues and roll-outs: a library may have dropped those that are superseded, or not yet */
async function siteOutcome(stage: Stage, name: string, documents: ReadonlySet<string>): Promise<SiteOutcome> {
  const data = stage.path(name);
  for (const left of ['content/partial', 'scratch']) {
    assert.deepEqual(await readdir(join(data, left)), [], `${name}: nothing unfinished is left in ${left}`);
  }
  const files = await filesOf(data, passing);
  const compared = files.filter((file) => {
    const [, blob, digest] = /^content\/blobs\/sha256\/(\S+) \d+ (\S+)$/.exec(file) ?? [];
    assert.equal(blob, digest, `${name}: a blob is what its name says`);
    return blob === undefined || !documents.has(blob);
  });
  assert.ok(
    compared.some((file) => file.startsWith('products/hello/current.json ')),
    `${name}: nobody compares what is in force`,
  );
  return { files: compared.map((file) => withoutBackups(file)), history: historyOf(data, name, stage.guid) };
}

/** Backups are copies of the database: their bytes differ. */
function withoutBackups(file: string): string {
  return file.startsWith('backup/') ? file.replace(/ \S+$/, '') : file;
}

function historyOf(data: string, name: string, guid: string): Readonly<Record<string, readonly string[]>> {
  const code = siteCode(name.toUpperCase());
  const database = openSiteDatabase(siteFolders(data).database, {
    site: code,
    hashRecord: (fields) => recordHash(fields, nodeDigests.of),
  });
  try {
    return database.read(({ settings, updates }) => {
      assert.equal(settings.get('installer') ?? undefined, undefined, `${name}: no install is under way`);
      const history: Record<string, readonly string[]> = {};
      for (const site of ['CAS', 'PR1', 'SE1']) {
        const events = updates.events({ guid: packageGuid(guid), site: siteCode(site) });
        history[site] = toldOnce(events);
        assert.deepEqual(
          refold(events),
          updates.projection(packageGuid(guid), siteCode(site)),
          `${name}: the state of ${site} is what its history says`,
        );
      }
      return history;
    });
  } finally {
    database.close();
  }
}

/**
 * The events in their order. What may be looked at again before an install begins is told once, as it was seen last;
 * everything else must have happened once.
 */
function toldOnce(events: readonly UpdateEvent[]): readonly string[] {
  const lines = events.filter(({ event }) => !passingEvents.has(event)).map((event) => lineOf(event));
  return lines.filter((line, at) => !repeatable.test(line) || lines.lastIndexOf(line) === at);
}

function lineOf({ attempt, event, data }: UpdateEvent): string {
  const { step } = data;
  return typeof step === 'string' ? `${attempt} ${event} ${step}` : `${attempt} ${event}`;
}

async function filesOf(folder: string, left: RegExp): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (left.test(name)) continue;
    const mode = ((await stat(path)).mode & 0o777).toString(8);
    files.push(
      `${name} ${mode} ${createHash('sha256')
        .update(await readFile(path))
        .digest('hex')}`,
    );
  }
  return files.toSorted();
}
