import type { TestContext } from 'node:test';
import type { RecordFields } from '@sallyport/core/domain/sites/record';
import type { Roster } from '@sallyport/core/domain/sites/site';
import { collect } from '@sallyport/core/domain/usage/collect';
import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import type { SiteUsage } from '@sallyport/core/domain/usage/report';
import { bareFacts } from '@sallyport/core/domain/usage/test-support/bare-facts';
import { hierarchyId, siteCode, type SiteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '../../../compute/digest.ts';
import { nodeKeys } from '../../../compute/ed25519.ts';
import type { SiteDatabase } from '../../../ports/site-database.ts';
import { MemoryVault } from '../../../storage/memory/vault.ts';
import { memoryDatabase } from '../../../storage/sqlite/test-support/databases.ts';
import { ManualClock } from '../../../../test-support/manual-clock.ts';
import { fixedRandom, KeptLog } from '../../work/test-support/fixed-ports.ts';
import { putPolicy, readPolicy } from '../../usage-collector/policy.ts';
import { nameHash } from '../name-hash.ts';
import { ReportDesk } from '../report-desk.ts';

export const cas = siteCode('CAS');
export const pr1 = siteCode('PR1');

/** A top-tier site with one child, as far as reports need them: a real database, real hashes. */
export class UsageSite {
  readonly database: SiteDatabase;
  readonly clock = new ManualClock(Date.UTC(2026, 10, 24));
  readonly log = new KeptLog();
  readonly hashName: (text: string) => string;
  readonly desk: ReportDesk;
  readonly roster: Roster = {
    schema: 1,
    hierarchyId: hierarchyId('a'.repeat(64)),
    version: 1,
    sites: [
      { code: cas, type: 'central', key: '1'.repeat(64), epoch: 1 },
      { code: pr1, type: 'primary', parent: cas, key: '2'.repeat(64), epoch: 1 },
    ],
  };
  #arrival = 0;

  private constructor(database: SiteDatabase, hashName: (text: string) => string) {
    this.database = database;
    this.hashName = hashName;
    this.desk = this.deskOn(database);
  }

  /** Another life of the desk, on the same database or on one that is cut off at some time. */
  deskOn(database: SiteDatabase): ReportDesk {
    return new ReportDesk({
      site: { code: cas, type: 'central' },
      database,
      // As the real one does: a snapshot of its own, which no transaction may wrap.
      roster: () => this.database.read(() => this.roster),
      hashName: this.hashName,
      digests: nodeDigests,
      clock: this.clock,
      log: this.log,
    });
  }

  static async open(t: TestContext): Promise<UsageSite> {
    const database = memoryDatabase('CAS');
    t.after(() => database.close());
    const tools = { vault: new MemoryVault(), random: fixedRandom(0.5), keys: nodeKeys };
    return new UsageSite(database, await nameHash(tools));
  }

  /** A site collects at a level, as the collector does. */
  collects(site: SiteCode, level: UsageLevel): SiteUsage {
    const at = this.clock.now();
    const usage: SiteUsage = {
      schema: 1,
      level,
      collectedAt: new Date(at).toISOString(),
      request: 0,
      items: collect({ ...bareFacts, site: { ...bareFacts.site, code: site, topTier: site === cas } }, level)
        .items,
    };
    this.database.write(({ records }) => {
      if (site === cas) {
        records.putOwn('site-usage', 'newest', usage, at);
        return;
      }
      const n = (records.get(site, 'site-usage', 'newest')?.n ?? 0) + 1;
      const fields: RecordFields = {
        owner: site,
        kind: 'site-usage',
        key: 'newest',
        epoch: 1,
        n,
        body: usage,
      };
      this.#arrival += 1;
      records.apply(site, [{ ...fields, hash: recordHash(fields, nodeDigests.of) }], this.#arrival);
    });
    return usage;
  }

  chooses(level: UsageLevel): void {
    const at = this.clock.now();
    this.database.write(({ records }) => putPolicy(records, { ...readPolicy(records, cas), level }, at));
  }
}
