import { entryOfKey, topTierOf } from '@sallyport/core/domain/sites/roster';
import type { SiteCode } from '@sallyport/core/shared/ids';
import {
  joinAnswerFormat,
  type JoinReply,
  type JoinRequest,
  joinRequestFormat,
  relayedRequestFormat,
} from '@sallyport/core/wire/join';
import type { Clock } from '../../ports/clock.ts';
import type { Digests } from '../../ports/digests.ts';
import type { ReadTables, SiteDatabase } from '../../ports/site-database.ts';
import type { HierarchySetting } from './hierarchy-setting.ts';
import type { HierarchyView } from './hierarchy-view.ts';
import type { JoinDesk } from './join-desk.ts';

/**
 * Requests that a parent passes on and has no answer to yet. Anybody who reaches the port can ask, so what they can
 * make a site keep is bounded: this many records, used again and again.
 */
const slotCount = 32;

/** Where a parent answers new sites: at the top-tier site from the desk, elsewhere by asking the top-tier site through records. */
export class JoinRelay {
  readonly #database: SiteDatabase;
  readonly #view: HierarchyView;
  readonly #digests: Digests;
  readonly #clock: Clock;
  readonly #site: SiteCode;
  readonly #desk: JoinDesk | undefined;

  constructor(options: {
    readonly database: SiteDatabase;
    readonly view: HierarchyView;
    readonly digests: Digests;
    readonly clock: Clock;
    readonly site: SiteCode;
    /** At the top-tier site. */
    readonly desk?: JoinDesk;
  }) {
    this.#database = options.database;
    this.#view = options.view;
    this.#digests = options.digests;
    this.#clock = options.clock;
    this.#site = options.site;
    this.#desk = options.desk;
  }

  /** Answers one request, as often as it is made. `clientKey` is the key that the caller has proved to hold. */
  answer(request: JoinRequest, clientKey: string): JoinReply {
    const { hierarchyId, documents, roster } = this.#view.current();
    if (request.key !== clientKey) {
      return {
        state: 'refused',
        code: 'WRONG_KEY',
        reason:
          'The request names another key than the one the connection was made with. Start the set-up again.',
      };
    }
    if (request.hierarchyId !== hierarchyId || request.parent !== this.#site) {
      return {
        state: 'refused',
        code: 'WRONG_PARENT',
        reason: `The join token is for a site under ${request.parent} of another address, and this is ${this.#site}. Correct the address in the set-up, or issue another token.`,
      };
    }
    if (this.#desk !== undefined) {
      const decision = this.#desk.decide(request, this.#site);
      // The decision has made a new roster.
      return decision.state === 'accepted' ? accepted(this.#view.current().documents) : decision;
    }
    if (entryOfKey(roster, request.key)?.code === request.code) {
      return accepted(documents);
    }
    return this.#ask(request, topTierOf(roster)?.code ?? this.#site);
  }

  /** At the top-tier site: decides about every request that came up and has no answer yet. */
  answerRelayed(): void {
    const desk = this.#desk;
    if (desk === undefined) {
      return;
    }
    for (const record of this.#database.read(({ records }) => records.list({ kind: 'join-request' }))) {
      const { id, request } = relayedRequestFormat.check(record.body);
      const key = `${record.owner}/${record.key}`;
      const held = this.#database.read(({ records }) => records.get(this.#site, 'join-answer', key));
      if (held === undefined || joinAnswerFormat.check(held.body).id !== id) {
        const outcome = desk.decide(request, record.owner);
        this.#database.write(({ records }) =>
          records.putOwn('join-answer', key, { id, outcome }, this.#clock.now()),
        );
      }
    }
  }

  #ask(request: JoinRequest, topTier: SiteCode): JoinReply {
    const id = this.#digests.of('sha256', joinRequestFormat.print(request));
    return this.#database.write((tables): JoinReply => {
      const slots = Array.from({ length: slotCount }, (_, index) =>
        this.#slot(tables, topTier, `slot-${String(index).padStart(2, '0')}`),
      );
      const mine = slots.find((slot) => slot.id === id);
      if (mine?.answer?.state === 'refused') {
        return mine.answer;
      }
      if (mine !== undefined) {
        return pending(`Site ${topTier} has been asked; its answer comes with the next records.`);
      }
      const free = slots.find((slot) => slot.id === undefined || slot.answer !== undefined);
      if (free === undefined) {
        return pending(
          `Site ${this.#site} waits for answers to ${slotCount} requests already and takes no other until site ${topTier} has answered.`,
        );
      }
      tables.records.putOwn('join-request', free.key, { id, request }, this.#clock.now());
      return pending(`Site ${topTier} is being asked.`);
    });
  }

  #slot({ records }: ReadTables, topTier: SiteCode, key: string) {
    const asked = records.get(this.#site, 'join-request', key);
    const id = asked === undefined ? undefined : relayedRequestFormat.check(asked.body).id;
    const answered = records.get(topTier, 'join-answer', `${this.#site}/${key}`);
    const answer = answered === undefined ? undefined : joinAnswerFormat.check(answered.body);
    return { key, id, answer: answer !== undefined && answer.id === id ? answer.outcome : undefined };
  }
}

function pending(reason: string): JoinReply {
  return { state: 'pending', reason };
}

function accepted({ operatingKey, roster }: HierarchySetting): JoinReply {
  return { state: 'accepted', operatingKey, roster };
}
