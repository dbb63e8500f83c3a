import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { days, hours } from '@sallyport/core/shared/units';
import type { Log } from '../ports/log.ts';
import type { UsageLedger } from '../ports/usage-ledger.ts';
import { stopWhatFails } from './automatic-stop.ts';
import type { CloudTools } from './cloud-tools.ts';
import { serviceName } from '../ports/service-name.ts';

const intervalMs = hours(1);

/**
 * What the running service does with usage data by itself: it removes what is older than the retention once a day, and
 * stops packages whose installs fail above their limits, when reports have come and once an hour. A failure is logged
 * and tried again.
 */
export class UsageKeeper {
  readonly #ledger: UsageLedger;
  readonly #tools: CloudTools;
  readonly #log: Log;
  readonly #end = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> | undefined;
  #purgeDueAt: EpochMs = 0;

  constructor(ledger: UsageLedger, tools: CloudTools, log: Log) {
    this.#ledger = ledger;
    this.#tools = tools;
    this.#log = log;
  }

  /** Looks once, then goes on by itself. */
  async start(): Promise<void> {
    await this.look();
    this.#running ??= this.#run();
  }

  /** Harmless before `start` and a second time. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  /** Reports were accepted: limits are looked at soon, and nobody waits for it. */
  wake(): void {
    this.#wake.abort();
  }

  /** Does what is due. */
  async look(): Promise<void> {
    const { clock } = this.#tools;
    await this.#trying('what is older than the retention could not be removed', async () => {
      const now = clock.now();
      if (now < this.#purgeDueAt) return;
      const retentionDays = await this.#ledger.retentionDays();
      const before = now - days(retentionDays);
      const { reports, facts } = await this.#ledger.purge(before, { at: now, who: serviceName });
      this.#purgeDueAt = now + days(1);
      if (reports + facts > 0) {
        const gone = { reports, facts, retentionDays };
        this.#log.info(
          'removed what is older than {retentionDays} days: {reports} reports, {facts} facts',
          gone,
        );
      }
    });
    await this.#trying('limits of failed installs could not be looked at', () =>
      stopWhatFails(this.#ledger, this.#tools, this.#log, this.#end.signal),
    );
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      try {
        await this.#tools.clock.sleep(intervalMs, AbortSignal.any([this.#end.signal, this.#wake.signal]));
      } catch {
        // Woken or stopped while asleep.
      }
      if (this.#end.signal.aborted) return;
      // Before the look: reports that come during it are seen by the next one.
      this.#wake = new AbortController();
      await this.look();
    }
  }

  async #trying(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#end.signal.aborted)
        this.#log.error(`${what}: {reason}`, { reason: messageOf(error), err: error });
    }
  }
}
