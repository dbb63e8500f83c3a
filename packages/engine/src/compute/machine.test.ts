import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { NodeMachine } from './machine.ts';

const jobs = [{ job: 'hashFile', count: 2, failed: 0, ms: 3 }];

test('describes the machine that it runs on', (t) => {
  const machine = new NodeMachine(() => jobs);
  t.after(() => machine.close());
  const described = machine.describe();
  assert.equal(described.os, process.platform);
  assert.equal(described.arch, process.arch);
  assert.equal(described.node, process.versions.node);
  assert.match(described.sqlite, /^3\.\d+\.\d+/);
  assert.ok(described.processors >= 1 && Number.isInteger(described.processors));
  assert.ok(described.memoryBytes > 64 * 1024 * 1024);
  assert.equal(described.privileged, process.getuid?.() === 0);
});

test('tells what its process has used, in whole numbers', async (t) => {
  const machine = new NodeMachine(() => jobs);
  t.after(() => machine.close());
  await sleep(60);
  const before = machine.performance();
  const until = process.cpuUsage().user + 30_000;
  while (process.cpuUsage().user < until);
  await sleep(60);
  const after = machine.performance();
  assert.ok(before.startedAt <= Date.now() && before.startedAt > Date.now() - 3_600_000);
  assert.equal(after.startedAt, before.startedAt);
  assert.ok(after.processorMs >= before.processorMs + 20);
  assert.ok(after.residentBytes > after.heapBytes && after.heapBytes > 0);
  // The loop above kept the thread from its timers.
  assert.ok(after.loopDelayP99Us >= 5_000, String(after.loopDelayP99Us));
  assert.ok(after.loopDelayP50Us <= after.loopDelayP99Us);
  assert.deepEqual(after.jobs, jobs);
  for (const value of Object.values(after))
    if (typeof value === 'number') assert.ok(Number.isSafeInteger(value));
});
