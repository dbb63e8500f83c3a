import { topTierOf } from '@sallyport/core/domain/sites/roster';
import { collect } from '@sallyport/core/domain/usage/collect';
import type { SiteUsage, UsagePolicy } from '@sallyport/core/domain/usage/report';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { UsageLimits } from '@sallyport/core/domain/usage/limits';
import type { Clock } from '../../ports/clock.ts';
import type { Component, ComponentStatus } from '../../ports/component.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { type Concern, concerns } from '../work/concerns.ts';
import { type PassOutcome, WorkLoop } from '../work/work-loop.ts';
import {
  type CollectorState,
  corrected,
  judgeDue,
  readCollector,
  writeCollector,
} from './collector-state.ts';
import { gatherFacts } from './gather.ts';
import { readPolicy } from './policy.ts';
import type { UsageSources } from './sources.ts';

export interface UsageCollectorOptions extends UsageSources {
  readonly clock: Clock;
  readonly random: Random;
  /** `usagecollector.log`. */
  readonly log: Log;
  readonly limits?: UsageLimits;
  readonly times?: CollectorTimes;
}

/** How often a site collects without being asked. */
export interface CollectorTimes {
  /** Seven days when not given. */
  readonly collectEveryMs?: number;
}

/** Key of the record `site-usage`: there is one, which the next collection replaces. */
export const usageRecordKey = 'newest';

const ofPolicy: Concern = { records: ['usage-policy'] };
/** A pause lets everything else have its turn. */
const pauseMs = 1;

/**
 * `SMS_USAGE_COLLECTOR`: collects usage data at this site, at the level that the hierarchy has chosen: every seven days
 * from the site's set-up, when somebody asks for it, and when the level has changed. What it collects is a record, and
 * travels up; that and what it came to are one transaction, so that a crash leaves both or neither.
 */
export class UsageCollector implements Component {
  readonly name = 'SMS_USAGE_COLLECTOR';
  readonly #options: UsageCollectorOptions;
  readonly #loop: WorkLoop;
  #stopListening: (() => void) | undefined;
  #asked = false;

  constructor(options: UsageCollectorOptions) {
    this.#options = options;
    this.#loop = new WorkLoop({ ...options, pass: (signal, report) => this.#pass(signal, report) });
  }

  start(signal: AbortSignal): Promise<void> {
    if (this.#stopListening !== undefined) return Promise.resolve();
    signal.throwIfAborted();
    this.#stopListening = this.#options.database.onCommit((change) => {
      if (concerns(change, ofPolicy)) this.#loop.wake();
    });
    this.#loop.start();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopListening?.();
    this.#stopListening = undefined;
    await this.#loop.stop();
  }

  query(): ComponentStatus {
    return this.#loop.query();
  }

  /** Collects at this site, whether it is due or not; resolves when what was collected is recorded. */
  collectNow(): Promise<void> {
    this.#asked = true;
    return this.#loop.runOnce();
  }

  async #pass(signal: AbortSignal, report: (reason: string) => void): Promise<PassOutcome> {
    let asked = this.#asked;
    this.#asked = false;
    for (;;) {
      const now = Math.round(this.#options.clock.now());
      const state = this.#state(now);
      const policy = this.#policy();
      const verdict = judgeDue(state, policy, now, this.#options.times?.collectEveryMs);
      if (!verdict.due && !asked)
        return { state: 'waiting', reason: 'collects once a week', nextAt: verdict.nextAt };
      const reason = verdict.due ? verdict.reason : 'it was asked for here';
      report(`collects usage data at level ${policy.level}: ${reason}`);
      if (await this.#collect({ state, policy, at: now, reason }, signal)) asked = false;
    }
  }

  /** Answers false, and writes nothing, when the policy has changed meanwhile. */
  async #collect({ state, policy, at, reason }: Task, signal: AbortSignal): Promise<boolean> {
    const { clock, database, log, limits } = this.#options;
    const topTier = this.#topTier();
    const facts = await gatherFacts(this.#options, {
      at,
      level: policy.level,
      state,
      pause: () => clock.sleep(pauseMs, signal),
      ...(limits === undefined ? {} : { limits }),
    });
    signal.throwIfAborted();
    const { items, failed } = collect(facts, policy.level);
    const ms = Math.max(0, Math.round(clock.now() - at));
    const usage: SiteUsage = {
      schema: 1,
      level: policy.level,
      collectedAt: new Date(at).toISOString(),
      request: policy.request,
      items,
    };
    const { level, request } = policy;
    const last = { at, ms, level, request, failedItems: failed.length, count: (state.last?.count ?? 0) + 1 };
    const recorded = database.write(({ records, settings }) => {
      const now = readPolicy(records, topTier);
      if (now.level !== level || now.request !== request) return false;
      records.putOwn('site-usage', usageRecordKey, usage, at);
      writeCollector(settings, { schema: 1, setUpAt: state.setUpAt, last });
      return true;
    });
    if (!recorded) return false;
    for (const { id, reason: why } of failed)
      log.warn('Data item {id} could not be made: {reason}', { id, reason: why });
    log.info('Collected {items} data items at level {level} in {ms} ms: {reason}', {
      items: Object.keys(items).length,
      level,
      ms,
      reason,
    });
    return true;
  }

  /** What is written down, made or corrected where need be. */
  #state(now: EpochMs): CollectorState {
    const { database, site } = this.#options;
    const { known, firstEventAt } = database.read(({ settings, statistics }) => {
      const held = readCollector(settings);
      return { known: held, firstEventAt: held ? undefined : statistics.firstEventAt(site.code) };
    });
    // A site that was set up before there was a collector is as old as what happened there.
    const state = known ?? { schema: 1, setUpAt: Math.min(now, firstEventAt ?? now) };
    const usable = corrected(state, now);
    if (usable !== known) database.write(({ settings }) => writeCollector(settings, usable));
    return usable;
  }

  #policy(): UsagePolicy {
    const topTier = this.#topTier();
    return this.#options.database.read(({ records }) => readPolicy(records, topTier));
  }

  /** A roster without one is refused where it comes in. */
  #topTier(): SiteCode {
    const { hierarchy, site } = this.#options;
    return topTierOf(hierarchy.current().roster)?.code ?? site.code;
  }
}

/** A collection that is to be made. */
interface Task {
  readonly state: CollectorState;
  readonly policy: UsagePolicy;
  readonly at: EpochMs;
  readonly reason: string;
}
