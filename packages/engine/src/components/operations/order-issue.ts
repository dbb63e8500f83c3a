import type { Order } from '@sallyport/core/domain/updates/order';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { orderFormat } from '@sallyport/core/wire/order';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { HierarchyReads } from '../hierarchy-manager/order-desk.ts';
import type { TrustedPackage } from '../hierarchy-manager/trusted-view.ts';
import type { OrderBooks } from './order-books.ts';

/** What an order says beyond what follows from the package and the moment. */
export type OrderRequest = Pick<Order, 'action' | 'features' | 'sites'> & {
  readonly by: string;
  /** A new one when not given. */
  readonly attempt?: number;
  readonly consent?: Order['consent'];
  readonly licence?: Order['licence'];
};

/** Gives orders: numbers, signs and records them. Callers take turns, so that no number is given twice. */
export class OrderIssue {
  readonly #database: SiteDatabase;
  readonly #hierarchy: HierarchyReads;
  readonly #books: OrderBooks;
  readonly #signOrder: (order: Order) => unknown;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(options: {
    readonly database: SiteDatabase;
    readonly hierarchy: HierarchyReads;
    readonly books: OrderBooks;
    readonly signOrder: (order: Order) => unknown;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#database = options.database;
    this.#hierarchy = options.hierarchy;
    this.#books = options.books;
    this.#signOrder = options.signOrder;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** @throws {WireError} INVALID for what does not make an order */
  issue(found: TrustedPackage, request: OrderRequest): Order {
    const { by, attempt, consent, licence, ...rest } = request;
    const now = this.#clock.now();
    const book = this.#books.open();
    const sequence = book.nextSequence();
    const order: Order = orderFormat.check({
      ...rest,
      schema: 1,
      hierarchyId: this.#hierarchy.current().hierarchyId,
      sequence,
      attempt: attempt ?? book.nextAttempt(found.entry.guid),
      product: found.product.product,
      guid: found.entry.guid,
      descriptor: found.entry.descriptor,
      issuedAt: new Date(now).toISOString(),
      issuedBy: by,
      ...(consent === undefined ? {} : { consent }),
      ...(licence === undefined ? {} : { licence }),
    });
    const body = this.#signOrder(order);
    this.#database.write(({ records }) =>
      records.putOwn('order', String(sequence).padStart(10, '0'), body, now),
    );
    this.#log.info(
      'Order {sequence} given by {by}: {action} package {guid}, attempt {attempt}, for {sites}',
      {
        sequence,
        by,
        action: order.action,
        guid: order.guid,
        attempt: order.attempt,
        sites: order.sites === 'primaries' ? 'the top-tier site and all primaries' : order.sites.join(', '),
      },
    );
    return order;
  }

  /** The newest attempt at a package so far. */
  lastAttempt(guid: PackageGuid): number {
    return Math.max(1, this.#books.open().nextAttempt(guid) - 1);
  }

  /** What was chosen and accepted when the package was last ordered. */
  asBefore(guid: PackageGuid): Pick<OrderRequest, 'features' | 'licence'> {
    const last = this.#books.open().lastWork(guid);
    return {
      features: last?.features ?? [],
      ...(last?.licence === undefined ? {} : { licence: last.licence }),
    };
  }
}
