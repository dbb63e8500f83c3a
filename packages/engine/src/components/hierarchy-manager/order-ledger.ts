import type { UpdateEventName } from '@sallyport/core/domain/updates/event';
import type { Order } from '@sallyport/core/domain/updates/order';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { SiteDatabase, WriteTables } from '../../ports/site-database.ts';
import { judgeCancel } from './order-judgement.ts';
import {
  deferred,
  judged,
  orderSettingName,
  readOrders,
  type RefusedOrder,
  without,
} from './order-setting.ts';
import type { SiteIdentity } from './site-identity.ts';

/**
 * Writes down what became of orders. What an order does and that it was done are one transaction: a crash leaves
 * both or neither.
 */
export class OrderLedger {
  readonly #site: SiteIdentity;
  readonly #database: SiteDatabase;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(options: {
    readonly site: SiteIdentity;
    readonly database: SiteDatabase;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#site = options.site;
    this.#database = options.database;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  accept(order: Order): void {
    const what = order.action === 'install' ? 'Install' : 'Prerequisite check';
    const data = {
      order: order.sequence,
      action: order.action,
      by: order.issuedBy,
      features: order.features,
      reason: `${what} ordered by ${order.issuedBy} (order ${order.sequence}): the content is the next step.`,
      ...(order.consent === undefined ? {} : { consent: order.consent }),
      ...(order.licence === undefined ? {} : { licence: order.licence }),
    };
    this.#close(order.sequence, (tables) => this.#append(tables, order, 'ordered', data, order.attempt));
    this.#log.info('Order {sequence} accepted: {action} package {guid}, attempt {attempt}', {
      sequence: order.sequence,
      action: order.action,
      guid: order.guid,
      attempt: order.attempt,
    });
  }

  /** @param overtaken open orders for the same package that the cancel makes void */
  cancel(order: Order, overtaken: readonly number[]): void {
    const data = {
      order: order.sequence,
      by: order.issuedBy,
      reason: `Cancelled by ${order.issuedBy} (order ${order.sequence}).`,
    };
    const outcome = this.#close(order.sequence, (tables) => {
      tables.settings.put(orderSettingName, without(readOrders(tables.settings), overtaken));
      const work = judgeCancel(tables.updates.projection(order.guid, this.#site.code));
      if (work.kind === 'cancel') this.#append(tables, order, 'cancelled', data);
      if (work.kind === 'reset') this.#append(tables, order, 'reset', data);
      return work.kind === 'nothing' ? work.reason : work.kind;
    });
    this.#log.info('Order {sequence} accepted: cancel package {guid} ({outcome})', {
      sequence: order.sequence,
      guid: order.guid,
      outcome,
    });
  }

  /** The order asks nothing of this site. */
  pass(order: Order, reason: string | undefined): void {
    const { sequence, action, guid } = order;
    if (reason === undefined) this.#log.debug('Order {sequence} is for other sites', { sequence });
    else
      this.#log.info('Order {sequence} ({action} package {guid}) needs nothing here: {reason}', {
        sequence,
        action,
        guid,
        reason,
      });
    this.#close(sequence, () => undefined);
  }

  /** The order has to wait; it is kept in mind while later ones are judged, and the sites above are told why. */
  defer(sequence: number, reason: string): void {
    const { waits = [] } = this.#database.read(({ settings }) => readOrders(settings));
    if (waits.some((wait) => wait.sequence === sequence && wait.reason === reason)) return;
    this.#database.write(({ settings }) =>
      settings.put(orderSettingName, deferred(readOrders(settings), { sequence, reason })),
    );
    this.#log.info('Order {sequence} waits: {reason}', { sequence, reason });
  }

  refuse(sequence: number, code: RefusedOrder['code'], reason: string): void {
    const refusal: RefusedOrder = { sequence, code, reason, at: this.#clock.now() };
    this.#database.write(({ settings }) =>
      settings.put(orderSettingName, judged(readOrders(settings), sequence, refusal)),
    );
    this.#log.error('Order {sequence} refused ({code}): {reason}', { sequence, code, reason });
  }

  #close<T>(sequence: number, work: (tables: WriteTables) => T): T {
    return this.#database.write((tables) => {
      const result = work(tables);
      tables.settings.put(orderSettingName, judged(readOrders(tables.settings), sequence));
      return result;
    });
  }

  #append(
    tables: WriteTables,
    { guid }: Order,
    event: UpdateEventName,
    data: Readonly<Record<string, unknown>>,
    attempt?: number,
  ): void {
    const site = this.#site.code;
    const before = tables.updates.projection(guid, site);
    const given = attempt === undefined ? {} : { attempt };
    tables.updates.append(nextEvent(before, { guid, site, event, at: this.#clock.now(), data, ...given }));
  }
}
