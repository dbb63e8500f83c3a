import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type {
  AuditResult,
  UsageHistoryResult,
  UsageLevelResult,
  UsageReportsResult,
} from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { until, World } from './harness.ts';
import { below, joined, type Site, topTier } from './hierarchy.ts';

describe('usage data in a hierarchy', () => {
  let world: World;
  let cas: Site;
  let pr1: Site;

  before(async () => {
    world = await World.open();
    const cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    cas = await topTier(cloud, await cloud.serve(), 'CAS', 'central');
    pr1 = await joined(cloud, cas, 'PR1', 'primary', below(cas));
  });
  after(() => world.close());

  const reports = (): Promise<UsageReportsResult> => cas.ask<UsageReportsResult>('usage', 'show');

  it('is collected at every site when somebody asks, and shown as the bytes that leave', async () => {
    const level = await cas.ask<UsageLevelResult>('usage', 'collect', '--wait');
    assert.deepEqual(
      level.sites.map(({ site, current, level: at }) => [site, current, at]),
      [
        ['CAS', true, 'enhanced'],
        ['PR1', true, 'enhanced'],
      ],
    );
    const { waiting, names } = await reports();
    const [first] = waiting;
    assert.ok(first !== undefined);
    const { out: raw } = await world.run(['usage', 'show', '--raw', '--data', cas.data]);
    assert.equal(createHash('sha256').update(raw).digest('hex'), first.payloadSha256);
    assert.doesNotMatch(raw, /"(?:CAS|PR1)"/, 'names leave as hashes');
    assert.deepEqual(Object.values(names).toSorted(), ['CAS', 'PR1']);
    const { out: text } = await world.run(['usage', 'show', '--data', cas.data]);
    assert.match(text, /Report 1 of epoch 1, level enhanced/);
    assert.match(text, /setup\./);
  });

  it('is exported as CSV, never over something, and compared with what was acknowledged', async () => {
    const file = world.path('usage.csv');
    await cas.run('usage', 'export', file);
    const lines = (await readFile(file, 'utf8')).split('\r\n');
    assert.equal(lines[0], 'epoch,report,site,item,level,row,column,value,unit,name here');
    assert.ok(lines.some((line) => line.startsWith('1,1,CAS,setup.')));
    assert.ok(
      lines.some((line) => line.includes(',PR1,')),
      'an administrator may see names',
    );
    await cas.refused(['usage', 'export', file], /exists|already/i);
    const diff = await cas.ask<{ changes: readonly { before?: string; after?: string }[] }>('usage', 'diff');
    assert.ok(diff.changes.length > 10 && diff.changes.every((change) => change.before === undefined));
  });

  it('tells less at once when the level is lowered, everywhere, and keeps who did it', async () => {
    const { level, changedBy } = await cas.ask<UsageLevelResult>('usage', 'level', 'basic');
    assert.equal(level, 'basic');
    const { waiting } = await reports();
    assert.ok(waiting.length > 0 && waiting.every((report) => report.level === 'basic'));
    await until('every site to collect at the new level', async () => {
      const { sites } = await cas.ask<UsageLevelResult>('usage', 'level');
      return sites.every((site) => site.level === 'basic') ? true : undefined;
    });
    const { entries } = await cas.ask<AuditResult>('site', 'audit');
    assert.ok(entries.some(({ action }) => action === 'usage-report-lowered'));
    const change = entries.find(({ text }) =>
      /changed the level of usage data from enhanced to basic/.test(text),
    );
    assert.equal(change?.by, changedBy);
  });

  it('is taken by the vendor once, sealed, and stays for the next comparison', async () => {
    const { waiting } = await reports();
    const { out } = await world.run(['update', 'check', '--data', cas.data]);
    assert.match(out, /usage: ok/);
    const { reports: history } = await cas.ask<UsageHistoryResult>('usage', 'history');
    assert.ok(history.length >= waiting.length && history.every(({ state }) => state === 'acknowledged'));
    const { acknowledged } = await reports();
    assert.equal(acknowledged?.payloadSha256, history[0]?.payloadSha256);
  });

  it('is decided at the top-tier site only, and a level that is none is wrong usage', async () => {
    await pr1.refused(['usage', 'level', 'full'], /kept at its top-tier site CAS: ask there/);
    await cas.refused(['usage', 'level', 'everything'], /Allowed choices are basic, enhanced, full/, 2);
  });
});
