import type { EpochMs } from '@sallyport/core/shared/ids';
import type { SettingReads } from '../../ports/site-database.ts';

/** The setting `orders`: how far this site has come with the orders of its hierarchy. */
export interface OrderSetting {
  readonly schema: 1;
  /** Every order up to this sequence has been judged. */
  readonly last: number;
  /** Accepted in principle, and waiting until other work at this site has ended. */
  readonly deferred: readonly number[];
  /** Why the deferred ones wait, as far as they have been looked at. */
  readonly waits?: readonly OrderWait[];
  /** The newest refused ones, the newest last. */
  readonly refused: readonly RefusedOrder[];
}

export interface OrderWait {
  readonly sequence: number;
  readonly reason: string;
}

export type OrderRefusal =
  | 'FORGED'
  | 'NOT_READY'
  | 'OTHER_DESCRIPTOR'
  | 'REPLAYED'
  | 'UNKNOWN_PACKAGE'
  | 'WITHDRAWN';

export interface RefusedOrder {
  readonly sequence: number;
  readonly code: OrderRefusal;
  readonly reason: string;
  readonly at: EpochMs;
}

export const orderSettingName = 'orders';

const refusedMax = 20;

export function readOrders(settings: SettingReads): OrderSetting {
  return (
    (settings.get(orderSettingName) as OrderSetting | undefined) ?? {
      schema: 1,
      last: 0,
      deferred: [],
      refused: [],
    }
  );
}

/** The order has been judged for good. */
export function judged(setting: OrderSetting, sequence: number, refusal?: RefusedOrder): OrderSetting {
  return {
    ...without(setting, [sequence]),
    last: Math.max(setting.last, sequence),
    refused: refusal === undefined ? setting.refused : [...setting.refused, refusal].slice(-refusedMax),
  };
}

/** The order waits, and why; later ones may be judged before it. */
export function deferred(setting: OrderSetting, wait: OrderWait): OrderSetting {
  const { sequence } = wait;
  const { waits = [] } = setting;
  return {
    ...setting,
    last: Math.max(setting.last, sequence),
    deferred: [...new Set([...setting.deferred, sequence])].toSorted((a, b) => a - b),
    waits: [...waits.filter((other) => other.sequence !== sequence), wait],
  };
}

/** These orders do not wait any more. */
export function without(setting: OrderSetting, sequences: readonly number[]): OrderSetting {
  const { waits = [], ...others } = setting;
  const left = waits.filter(({ sequence }) => !sequences.includes(sequence));
  return {
    ...others,
    deferred: setting.deferred.filter((sequence) => !sequences.includes(sequence)),
    ...(left.length === 0 ? {} : { waits: left }),
  };
}
