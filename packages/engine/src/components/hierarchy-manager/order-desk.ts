import { orderSequenceMax } from '@sallyport/core/domain/sites/epoch';
import { topTierOf } from '@sallyport/core/domain/sites/roster';
import type { ReplicatedRecord, Roster } from '@sallyport/core/domain/sites/site';
import type { Order } from '@sallyport/core/domain/updates/order';
import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs, HierarchyId, PackageGuid } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Releases } from '../../ports/releases.ts';
import type { RecordReads, SiteDatabase } from '../../ports/site-database.ts';
import { backOffMs, isDue } from '../work/back-off.ts';
import { cataloguePath } from './document-paths.ts';
import { isAddressed, judgePackage, judgeWork } from './order-judgement.ts';
import { OrderLedger } from './order-ledger.ts';
import { type OrderRefusal, readOrders } from './order-setting.ts';
import { isTopTierSite, type SiteIdentity } from './site-identity.ts';
import type { TrustedDocuments } from './trusted-documents.ts';
import { packageOf, type TrustedView, type TrustProblem } from './trusted-view.ts';

/** What the hierarchy says of itself, as far as it is verified from the pinned hierarchy id. */
export interface HierarchyReads {
  /** @throws {HierarchyError} NOT_JOINED, FORGED, BAD_ROSTER */
  current(): { readonly hierarchyId: HierarchyId; readonly roster: Roster };
  /** The order in a record's body, signed by this hierarchy's operating key. @throws {HierarchyError} FORGED */
  verifyOrder(body: unknown): Order;
}

/** Why some orders could not be judged yet. */
export interface OrdersWaiting {
  readonly reason: string;
  readonly nextAt?: EpochMs;
}

export interface OrderDeskOptions {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly documents: TrustedDocuments;
  readonly hierarchy: HierarchyReads;
  readonly releases: Releases;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

type Verdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'waits'; readonly reason: string; readonly nextAt?: EpochMs };

const done: Verdict = { kind: 'done' };

/** Below a child of the top-tier site metadata may come later than an order: so often is looked again before it is refused. */
const looksMax = 12;
const lookAgain = { firstMs: 2_000, maxMs: 300_000 };

/**
 * Takes the hierarchy's orders: each exactly once, in sequence, verified here for itself whatever the parent
 * may have let through. What cannot be accepted is refused with a reason that stays visible; the others go on.
 * While one waits, those after it wait too, but for cancels.
 */
export class OrderDesk {
  readonly #options: OrderDeskOptions;
  readonly #ledger: OrderLedger;
  /** Orders that are here and not judged for good, by sequence. */
  readonly #open = new Map<number, ReplicatedRecord>();
  readonly #looks = new Map<
    number,
    { readonly count: number; readonly nextAt: EpochMs; readonly reason: string }
  >();
  #scannedTo: number | undefined;

  constructor(options: OrderDeskOptions) {
    this.#options = options;
    this.#ledger = new OrderLedger(options);
  }

  /** Judges every order that is here; answers why the first one that has to wait does. */
  async work(signal: AbortSignal): Promise<OrdersWaiting | undefined> {
    this.#scan();
    let first: OrdersWaiting | undefined;
    for (const [sequence, record] of [...this.#open].toSorted(([a], [b]) => a - b)) {
      signal.throwIfAborted();
      if (!this.#open.has(sequence)) continue;
      const verdict = await this.#judge(sequence, record, first !== undefined, signal);
      if (verdict.kind === 'done') {
        this.#open.delete(sequence);
        this.#looks.delete(sequence);
      } else {
        this.#ledger.defer(sequence, verdict.reason);
        const nextAt = verdict.nextAt === undefined ? {} : { nextAt: verdict.nextAt };
        first ??= { reason: `order ${sequence} waits: ${verdict.reason}`, ...nextAt };
      }
    }
    return first;
  }

  /** Finds orders that have arrived since the last look. */
  #scan(): void {
    const { database, hierarchy, log } = this.#options;
    const owner = topTierOf(hierarchy.current().roster)?.code;
    const before = this.#scannedTo;
    const { arrived, head, setting } = database.read(({ records, settings }) => ({
      arrived: before === undefined ? records.list({ kind: 'order' }) : ordersAfter(records, before),
      head: records.head(),
      setting: readOrders(settings),
    }));
    this.#scannedTo = head;
    for (const record of arrived) {
      const sequence = Number(record.key);
      if (record.owner !== owner || !isOrderNumber(sequence)) continue;
      if (sequence > setting.last || setting.deferred.includes(sequence)) this.#open.set(sequence, record);
      else if (before !== undefined) log.warn('Order {sequence} came again and is ignored', { sequence });
    }
  }

  async #judge(
    sequence: number,
    record: ReplicatedRecord,
    blocked: boolean,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const { site, hierarchy } = this.#options;
    let order: Order;
    try {
      order = hierarchy.verifyOrder(record.body);
    } catch (error) {
      return this.#refuse(sequence, 'FORGED', messageOf(error));
    }
    if (order.sequence !== sequence) {
      return this.#refuse(
        sequence,
        'REPLAYED',
        `it is order ${order.sequence}, given again in another place`,
      );
    }
    if (!isAddressed(order, site)) return this.#pass(order, undefined);
    if (order.action === 'cancel') return this.#cancel(order);
    if (blocked) return { kind: 'waits', reason: 'an order before it waits' };
    return this.#work(order, signal);
  }

  async #work(order: Order, signal: AbortSignal): Promise<Verdict> {
    const look = this.#looks.get(order.sequence);
    if (look !== undefined && !isDue(lookAgain, look.nextAt, this.#options.clock.now()))
      return { kind: 'waits', reason: look.reason, nextAt: look.nextAt };
    const view = await this.#trustedView(order, signal);
    const known = judgePackage(order, view);
    if (known.kind === 'refuse') return this.#refuse(order.sequence, known.code, known.reason);
    if (known.kind === 'look-again') {
      return this.#mayLookAgain(order.sequence, known.code)
        ? this.#lookLater(order.sequence, known.reason)
        : this.#refuse(order.sequence, known.code, known.reason);
    }
    const { site, database, releases } = this.#options;
    const current = await releases.current(order.product);
    const own = database.read(({ updates }) => updates.projections({ site: site.code }));
    const work = judgeWork(order, own, current, packageOf(view, order.guid)?.entry.version ?? '');
    switch (work.kind) {
      case 'refuse':
        return this.#refuse(order.sequence, work.code, work.reason);
      case 'nothing':
        return this.#pass(order, work.reason);
      case 'defer':
        return { kind: 'waits', reason: work.reason };
      case 'order':
        this.#ledger.accept(order);
        return done;
    }
  }

  /** The trusted view, brought up to date first where this site can and the order's package is not known for sure. */
  async #trustedView(order: Order, signal: AbortSignal): Promise<TrustedView> {
    const { documents, site, log } = this.#options;
    const view = await documents.view();
    if (isTopTierSite(site) || judgePackage(order, view).kind !== 'look-again') return view;
    // What was not learnt may still be there: an order is not refused for it.
    let unlearnt: TrustProblem | undefined;
    try {
      const problems = await documents.refresh(signal, [order.product]);
      for (const { what, message } of problems) {
        log.warn('Metadata from the parent: {what} could not be taken: {error}', { what, error: message });
      }
      unlearnt = problems.find(
        ({ what, code }) =>
          what === cataloguePath(order.product) &&
          // A product that nothing names was looked for, and is not there.
          (code !== 'NOT_FOUND' || view.products.has(order.product)),
      );
    } catch (error) {
      signal.throwIfAborted();
      log.warn('Metadata could not be taken from the parent: {error}', { error: messageOf(error) });
      unlearnt = { code: 'UNREACHABLE', message: messageOf(error) };
    }
    const fresh = await documents.view();
    if (unlearnt === undefined) return fresh;
    const { code, message } = unlearnt;
    return { ...fresh, problem: fresh.problem ?? { code, message } };
  }

  /** Metadata that are out of date are waited for; what fresh metadata from the top-tier site do not name is refused. */
  #mayLookAgain(sequence: number, code: OrderRefusal): boolean {
    if (code === 'NOT_READY') return true;
    const { hierarchy, site } = this.#options;
    const direct = site.parent === undefined || site.parent === topTierOf(hierarchy.current().roster)?.code;
    return !direct && (this.#looks.get(sequence)?.count ?? 0) < looksMax;
  }

  #lookLater(sequence: number, reason: string): Verdict {
    const { clock, random } = this.#options;
    const count = (this.#looks.get(sequence)?.count ?? 0) + 1;
    const nextAt = clock.now() + backOffMs(lookAgain, count, random.fraction());
    this.#looks.set(sequence, { count, nextAt, reason });
    return { kind: 'waits', reason, nextAt };
  }

  #cancel(order: Order): Verdict {
    const overtaken = [...this.#open.keys()].filter(
      (sequence) => sequence < order.sequence && this.#isFor(sequence, order.guid),
    );
    this.#ledger.cancel(order, overtaken);
    for (const sequence of overtaken) this.#open.delete(sequence);
    return done;
  }

  /** Whether the open order of that sequence is for the package. */
  #isFor(sequence: number, guid: PackageGuid): boolean {
    const record = this.#open.get(sequence);
    return record !== undefined && this.#options.hierarchy.verifyOrder(record.body).guid === guid;
  }

  #pass(order: Order, reason: string | undefined): Verdict {
    this.#ledger.pass(order, reason);
    return done;
  }

  #refuse(sequence: number, code: OrderRefusal, reason: string): Verdict {
    this.#ledger.refuse(sequence, code, reason);
    return done;
  }
}

/** A parent could hand out anything as an order; a higher number, judged once, would shut out all that are real. */
function isOrderNumber(sequence: number): boolean {
  return Number.isSafeInteger(sequence) && sequence <= orderSequenceMax;
}

const batch = 500;

function ordersAfter(records: RecordReads, from: number): readonly ReplicatedRecord[] {
  const found: ReplicatedRecord[] = [];
  let arrived = records.after(from, batch, 'order');
  while (arrived.length > 0) {
    found.push(...arrived.map(({ record }) => record));
    arrived = records.after(arrived.at(-1)?.arrival ?? Number.MAX_SAFE_INTEGER, batch, 'order');
  }
  return found;
}
