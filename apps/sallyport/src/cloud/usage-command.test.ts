import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  digestOfReport,
  reportedSite,
  ReportingHierarchy,
} from '@sallyport/engine/cloud/test-support/reporting-hierarchy';
import { SqliteCloudDatabase } from '@sallyport/engine/storage/sqlite/cloud/cloud-database';
import { packageGuid, productId } from '@sallyport/core/shared/ids';
import { targetingFactsFormat } from '@sallyport/core/wire/facts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const guid = packageGuid('00000000-0000-4000-8000-000000000001');

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('the commands on usage data', () => {
  let folder: string;
  let data: string;
  const hierarchy = new ReportingHierarchy();
  const other = new ReportingHierarchy();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-usage-'));
    data = join(folder, 'cloud');
    const few = ['root', 'targets', 'catalogue'].flatMap((role) => [
      `--${role}-keys`,
      '1',
      `--${role}-threshold`,
      '1',
    ]);
    await done('init', '--vendor', 'Example', '--product', 'hello', ...few);
    await mkdir(join(folder, 'payload'));
    await writeFile(join(folder, 'payload', 'hello.txt'), 'hello');
    const lines = [
      'schema: 1',
      `guid: ${guid}`,
      'product: hello',
      'name: Hello 1.1',
      'kind: version-update',
      "version: '1.1'",
      'releasedAt: 2026-01-12',
      'payload: [{ folder: payload }]',
    ];
    await writeFile(join(folder, 'package.yaml'), lines.join('\n'));
    await done('publish', '--percentage', '100', join(folder, 'package.yaml'));
    await withDatabase(async (database) => {
      for (const each of [hierarchy, other]) await enrol(database, each);
      const failed = { product: 'hello', version: '1.1', package: guid };
      const report = hierarchy.next({
        sites: [
          reportedSite('A', {
            'setup.products': [{ product: 'hello', version: '=1+1', packages: 1 }],
            'updates.packages': [{ ...failed, state: 'INSTALL_FAILED', succeeded: 1, failed: 1 }],
            'updates.failures': [
              { ...failed, event: 'install-failed', code: 'HOOK_FAILED', step: 'hook', times: 1 },
            ],
          }),
        ],
      });
      await database.acceptReport(report, { sha256: digestOfReport(report), sizeBytes: 10 }, Date.now());
      const facts = hierarchy.facts(1, {
        products: [
          {
            product: productId('hello'),
            version: '1.0',
            installed: [],
            versions: [{ version: '1.0', type: 'central', sites: 1 }],
          },
        ],
      });
      const bytes = targetingFactsFormat.print(facts);
      await database.acceptFacts(facts, { bytes, sha256: 'f'.repeat(64) }, Date.now());
    });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  function run(...args: readonly string[]): Promise<Outcome> {
    const env = { ...process.env, SALLYPORT_PASSPHRASE: 'correct horse', SALLYPORT_CLOUD_DATA: data };
    return new Promise((resolve) => {
      execFile(process.execPath, [main, 'cloud', ...args], { env }, (failure, out, err) =>
        resolve({ code: failure === null ? 0 : Number(failure.code), out, err }),
      );
    });
  }

  async function done(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await run(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${err}`);
    return out;
  }

  async function withDatabase(work: (database: SqliteCloudDatabase) => Promise<void>): Promise<void> {
    const database = await SqliteCloudDatabase.open(join(data, 'database', 'cloud.db'));
    try {
      await work(database);
    } finally {
      await database.close();
    }
  }

  async function enrol(database: SqliteCloudDatabase, { id }: ReportingHierarchy): Promise<void> {
    await database.addCodes([{ sha256: id, createdAt: 1 }]);
    await database.enrol({
      codeSha256: id,
      hierarchyId: id,
      statement: new Uint8Array([1]),
      statementSequence: 1,
      operatingKey: '1'.repeat(64),
      at: Date.now(),
    });
  }

  it('show hierarchies for people, as JSON, and as CSV in which nothing is a formula', async () => {
    const shown = await done('usage', 'hierarchies');
    assert.match(shown, /=1\+1 /);
    assert.ok(shown.includes(hierarchy.id) && shown.includes(other.id));
    const json = JSON.parse(await done('usage', 'hierarchies', '--json')) as {
      versions: { version: string }[];
      hierarchies: { id: string; reports: number }[];
    };
    assert.equal(json.versions[0]?.version, '=1+1');
    assert.deepEqual(
      json.hierarchies.map(({ reports }) => reports).toSorted((x, y) => x - y),
      [0, 1],
    );
    const csv = await done('usage', 'hierarchies', '--csv');
    assert.match(csv, /^hierarchy,level,sites,reports,newest report,.*\r\n/);
    assert.equal(csv.trimEnd().split('\r\n').length, 3);
  });

  it('show states, error rates, problems and reports', async () => {
    assert.match(await done('usage', 'states'), /hello\s+1\.1\s+INSTALL_FAILED\s+1\s+1/);
    assert.match(await done('usage', 'errors'), /hello\s+1\.1\s+1\s+1\s+1\s+50/);
    assert.match(
      await done('usage', 'problems', '--csv'),
      new RegExp(`hello,1\\.1,install-failed,HOOK_FAILED,hook,1,1,1,${hierarchy.id}\r\n`),
    );
    assert.match(await done('usage', 'reports', hierarchy.id.slice(0, 10)), /\s1\s+1\s+enhanced /);
    assert.match(await done('usage', 'reports', other.id), /No report of/);
    const unknown = await run('usage', 'reports', 'zz');
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /no hierarchy .* begins with "zz": "sallyport cloud usage hierarchies"/);
  });

  it('say why a package is offered or not, and take limits of failed installs', async () => {
    const id = hierarchy.id.slice(0, 12);
    assert.match(await done('offer', '--explain', id), /\noffered: hello 1\.1, Hello 1\.1/);
    await done('rollout', '1.1', '--hold', 'it crashes', '--where', 'platform.os=linux');
    assert.match(await done('offer', '--explain', id), /\nnot offered: hello 1\.1.*\n.*it crashes/);
    assert.match(await done('show'), /held on some configurations: it crashes/);
    assert.match((await run('offer', '--explain', other.id)).err, /no facts of the hierarchy/);
    assert.match(
      await done('rollout', '1.1', '--stop-above', '10', '--of-at-least', '5'),
      /more than 10 % of at least 5/,
    );
    assert.match((await run('rollout', '1.1', '--stop-above', '10')).err, /--stop-above and --of-at-least/);
    assert.match((await run('rollout', '1.1', '--where', 'platform.os=linux')).err, /give --hold/);
    assert.equal((await run('rollout', '1.1', '--hold', 'x', '--where', 'nonsense')).code, 2);
    assert.match(await done('rollout', '1.1', '--no-stop-above', '--release'), /is not stopped by itself/);
    assert.match(await done('usage', 'audit', '--csv'), /stop-limit-removed.*\r\n.*stop-limit-set/);
  });

  it('end a quarantine, and say so when there is none', async () => {
    await withDatabase(async (database) => {
      const copy = { ...other.next(), fixedAt: '2026-01-01T00:00:00Z' };
      const first = other.next({ sequence: 1 });
      await database.acceptReport(first, { sha256: digestOfReport(first), sizeBytes: 1 }, 1);
      await database.acceptReport(copy, { sha256: digestOfReport(copy), sizeBytes: 1 }, 1);
    });
    assert.match(await done('usage', 'hierarchies'), /quarantined since/);
    assert.match(await done('show'), new RegExp(`${other.id.slice(0, 16)}.* quarantined\n`));
    assert.match(await done('usage', 'release', other.id.slice(0, 16)), /is released/);
    const again = await run('usage', 'release', other.id);
    assert.deepEqual([again.code, /is not quarantined/.test(again.out)], [1, true]);
  });

  it('keep reports as long as was decided, and erase a hierarchy whole', async () => {
    assert.match(
      await done('usage', 'retention'),
      /kept 365 days; 1 older reports and 0 older facts were removed/,
    );
    assert.match(await done('usage', 'retention', '--days', '400'), /kept 400 days; 0 older/);
    assert.match(
      await done('usage', 'erase', hierarchy.id.slice(0, 16)),
      /usage_row\s+3\s+0\n[\s\S]*stays enrolled/,
    );
    const erased = JSON.parse(await done('usage', 'erase', hierarchy.id, '--enrolment', '--json')) as {
      left: Record<string, number>;
      overwritten: boolean;
    };
    assert.ok(Object.values(erased.left).every((rows) => rows === 0));
    assert.ok(erased.overwritten);
    assert.equal((await run('usage', 'erase', hierarchy.id)).code, 1, 'nobody of that name is left');
  });
});
