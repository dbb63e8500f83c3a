import { messageOf } from '@sallyport/core/shared/errors';
import { minutes } from '@sallyport/core/shared/units';
import type { Log } from '../ports/log.ts';
import type { CloudTools } from './cloud-tools.ts';
import { forecast, renewOnlineRoles } from './renewal.ts';

/** Often enough for a timestamp that lives a day, and after a machine that slept. */
const intervalMs = minutes(10);

/**
 * Keeps what the online keys sign from expiring, and says loudly when something of the offline keys is about to.
 * A failure is logged and tried again.
 */
export class RepositoryKeeper {
  readonly #tools: CloudTools;
  readonly #log: Log;
  readonly #end = new AbortController();
  #running: Promise<void> | undefined;

  constructor(tools: CloudTools, log: Log) {
    this.#tools = tools;
    this.#log = log;
  }

  /** Looks once, then goes on by itself. */
  async start(): Promise<void> {
    await this.#look();
    this.#running ??= this.#run();
  }

  /** Harmless before `start` and a second time. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        await this.#tools.clock.sleep(intervalMs, signal);
      } catch {
        // Stopped while asleep.
        return;
      }
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    try {
      const { renewed, missing } = await renewOnlineRoles(this.#tools, this.#end.signal);
      if (renewed.length > 0) {
        this.#log.info('signed anew: {roles}', { roles: renewed.join(', ') });
      }
      for (const { role, reason } of missing) {
        this.#log.error('{role} cannot be signed anew: {reason}', { role, reason });
      }
      for (const { role, expiresAt, state } of await forecast(this.#tools)) {
        if (state !== 'good' && !renewed.includes(role)) {
          this.#log.warn('{role} expires at {expiresAt}: sign it anew with "sallyport cloud resign"', {
            role,
            expiresAt: new Date(expiresAt).toISOString(),
          });
        }
      }
    } catch (error) {
      if (!this.#end.signal.aborted) {
        this.#log.error('the repository could not be looked after: {reason}', {
          reason: messageOf(error),
          err: error,
        });
      }
    }
  }
}
