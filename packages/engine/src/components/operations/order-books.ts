import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { topTierOf } from '@sallyport/core/domain/sites/roster';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { Order } from '@sallyport/core/domain/updates/order';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { HierarchyReads } from '../hierarchy-manager/order-desk.ts';
import { ordersRecordKey, type OrdersStatus } from '../hierarchy-manager/own-records.ts';
import { OrderBook } from './order-book.ts';

/** Opens order books: reads the orders and what the sites say of them. An order is verified once. */
export class OrderBooks {
  readonly #database: SiteDatabase;
  readonly #hierarchy: HierarchyReads;
  readonly #verified = new Map<string, Order | undefined>();

  constructor(options: { readonly database: SiteDatabase; readonly hierarchy: HierarchyReads }) {
    this.#database = options.database;
    this.#hierarchy = options.hierarchy;
  }

  open(): OrderBook {
    const { roster } = this.#hierarchy.current();
    const owner = topTierOf(roster)?.code;
    const { records, statuses, projections } = this.#database.read((tables) => ({
      records: tables.records.list({ kind: 'order', ...(owner === undefined ? {} : { owner }) }),
      statuses: tables.records.list({ kind: 'site-status' }).filter(({ key }) => key === ordersRecordKey),
      projections: tables.updates.projections(),
    }));
    return new OrderBook({
      orders: records
        .flatMap((record) => this.#read(record) ?? [])
        .toSorted((a, b) => a.sequence - b.sequence),
      roster,
      statuses: new Map(statuses.map((record) => [record.owner, record.body as OrdersStatus])),
      projections,
    });
  }

  /** Orders that an operating key before this one signed cannot be verified any more: they are history. */
  #read(record: ReplicatedRecord): Order | undefined {
    if (this.#verified.has(record.hash)) return this.#verified.get(record.hash);
    let order: Order | undefined;
    try {
      order = this.#hierarchy.verifyOrder(record.body);
    } catch (error) {
      if (!(error instanceof HierarchyError)) throw error;
    }
    this.#verified.set(record.hash, order);
    return order;
  }
}
