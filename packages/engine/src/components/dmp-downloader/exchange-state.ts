import type { EpochMs } from '@sallyport/core/shared/ids';
import type { SettingReads } from '../../ports/site-database.ts';

/** How one channel of the exchange fared. */
export interface ChannelState {
  readonly result: 'failed' | 'never' | 'ok' | 'skipped';
  /** When that was. */
  readonly at?: EpochMs;
  /** When it last went well. */
  readonly okAt?: EpochMs;
  readonly code?: string;
  readonly error?: string;
}

/** The setting `exchange`: every channel with its own last result, because they fail apart. */
export interface ExchangeState {
  readonly schema: 1;
  readonly metadata: ChannelState;
  readonly facts: ChannelState;
  readonly offer: ChannelState;
  readonly usage: ChannelState;
  readonly startedAt?: EpochMs;
  readonly finishedAt?: EpochMs;
  /** When the next exchange begins by itself. */
  readonly nextAt?: EpochMs;
  /** Exchanges in a row in which a channel failed. */
  readonly failures: number;
}

export const exchangeSettingName = 'exchange';

const never: ChannelState = { result: 'never' };
const neverExchanged: ExchangeState = {
  schema: 1,
  metadata: never,
  facts: never,
  offer: never,
  usage: never,
  failures: 0,
};

export function readExchange(settings: SettingReads): ExchangeState {
  // One that was written before there was a channel for usage data lacks it.
  return { ...neverExchanged, ...(settings.get(exchangeSettingName) as ExchangeState | undefined) };
}

/** What a channel came to; `reason` says why it was skipped. */
export type ChannelOutcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly code: string; readonly error: string };

export function channelAfter(before: ChannelState, outcome: ChannelOutcome, at: EpochMs): ChannelState {
  const okAt = before.okAt === undefined ? {} : { okAt: before.okAt };
  switch (outcome.kind) {
    case 'ok':
      return { result: 'ok', at, okAt: at };
    case 'skipped':
      return { result: 'skipped', at, ...okAt, error: outcome.reason };
    case 'failed':
      return { result: 'failed', at, ...okAt, code: outcome.code, error: outcome.error };
  }
}
