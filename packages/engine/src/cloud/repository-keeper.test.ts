import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { RepositoryKeeper } from './repository-keeper.ts';
import { readState } from './repository/state.ts';
import { newCloud } from './test-support/cloud-fixture.ts';

const hour = 60 * 60 * 1000;

/** A clock whose sleepers a test wakes, and that tells when somebody sleeps. */
class WakingClock implements Clock {
  time = Date.now();
  #wake: (() => void) | undefined;
  #asleep = Promise.withResolvers<void>();

  now(): number {
    return this.time;
  }

  async sleep(_ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    this.#asleep.resolve();
    await promise;
  }

  until(): Promise<void> {
    return Promise.reject(new Error('the keeper sleeps'));
  }

  /** Lets the time pass, and resolves when everybody sleeps again. */
  async pass(ms: number): Promise<void> {
    await this.#asleep.promise;
    this.#asleep = Promise.withResolvers();
    this.time += ms;
    this.#wake?.();
    await this.#asleep.promise;
  }
}

function keptLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      void lines.push(
        `${level} ${message.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(fields[name]))}`,
      );
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

test('no online signature expires while the service runs, and people hear in time of what they must sign', async (context) => {
  const cloud = await newCloud(context);
  const clock = new WakingClock();
  const tools = { ...cloud.tools, clock };
  const log = keptLog();
  const keeper = new RepositoryKeeper(tools, log);
  await keeper.start();
  const before = await readState(tools.repository);
  for (let passed = 0; passed < 62 * 24; passed += 10) {
    await clock.pass(10 * hour);
    const { timestamp, snapshot, rollout } = await readState(tools.repository);
    for (const document of [timestamp, snapshot, rollout]) {
      assert.ok(
        document.signed.expiresMs > clock.time + 10 * hour,
        `${document.signed.type} after ${passed} h`,
      );
    }
  }
  assert.ok((await readState(tools.repository)).timestamp.signed.version > before.timestamp.signed.version);
  assert.ok(
    log.lines.some(
      (line) => line.startsWith('warn catalog expires at') && line.includes('sallyport cloud resign'),
    ),
  );
  await keeper.stop();
  await keeper.stop();
});

test('a failure is told and tried again', async (context) => {
  const cloud = await newCloud(context);
  const clock = new WakingClock();
  const log = keptLog();
  const online = join(cloud.folder, 'keys', 'online', 'timestamp-1.json');
  const keeper = new RepositoryKeeper({ ...cloud.tools, clock }, log);
  await keeper.start();
  await rm(online);
  await clock.pass(14 * hour);
  assert.match(log.lines.join('\n'), /error .*timestamp needs 1 of its 1 keys/);
  await clock.pass(hour);
  await keeper.stop();
});

test('stopping before starting is harmless', async (context) => {
  const cloud = await newCloud(context);
  await new RepositoryKeeper(cloud.tools, keptLog()).stop();
});
