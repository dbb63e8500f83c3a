import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { placementRefusals } from '@sallyport/core/domain/sites/placement';
import { entryOf, topTierOf } from '@sallyport/core/domain/sites/roster';
import type { Roster, RosterEntry } from '@sallyport/core/domain/sites/site';
import type { Order } from '@sallyport/core/domain/updates/order';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { signOrder, signRoster, verifyOperatingKey } from '@sallyport/core/wire/hierarchy-documents';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { Clock } from '../../ports/clock.ts';
import type { Signer } from '../../ports/keys.ts';
import type { Log } from '../../ports/log.ts';
import type { ReadTables, SiteDatabase, WriteTables } from '../../ports/site-database.ts';
import { readOnlyReason } from '../replication-manager/old-copy.ts';
import {
  type HierarchySetting,
  operatingKeyRecord,
  rosterRecord,
  writeHierarchy,
} from './hierarchy-setting.ts';
import type { HierarchyView } from './hierarchy-view.ts';

/**
 * Speaks for the hierarchy with its operating key; exists at the top-tier site only. Every change of the roster is a
 * new signed version, and leaves as a record in the same transaction.
 */
export class HierarchyAuthority {
  readonly #database: SiteDatabase;
  readonly #view: HierarchyView;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #site: SiteCode;
  #signer: Signer;

  /**
   * @throws {HierarchyError} NOT_TOP_TIER, WRONG_KEY, NOT_JOINED, FORGED
   */
  constructor(options: {
    readonly database: SiteDatabase;
    readonly view: HierarchyView;
    readonly site: SiteCode;
    /** The operating key that the hierarchy's statement names. */
    readonly signer: Signer;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#database = options.database;
    this.#view = options.view;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#site = options.site;
    this.#signer = options.signer;
    const { roster, statement } = this.#view.current();
    if (topTierOf(roster)?.code !== this.#site) {
      throw new HierarchyError(
        'NOT_TOP_TIER',
        `site ${this.#site} is not the top-tier site of its hierarchy: ${topTierOf(roster)?.code ?? 'none'} is`,
      );
    }
    requireKey(statement.operatingKey, this.#signer);
  }

  /**
   * Publishes statement and roster as records, where they are not yet, and in the roster the epoch that this site
   * was restored in. For the start of the top-tier site.
   */
  publish(): void {
    this.raiseEpochs(new Map([[this.#site, this.#database.read(({ records }) => records.epoch())]]));
    const { documents } = this.#view.current();
    this.#database.write((tables) => this.#store(tables, documents));
  }

  /**
   * @throws {HierarchyError} READ_ONLY
   */
  signOrder(order: Order): EnvelopeJson {
    this.#database.read((tables) => this.#requireWritable(tables));
    return signOrder(order, this.#signer);
  }

  /**
   * Adds a site within the caller's transaction, so that the token is used up by the same commit.
   *
   * @throws {HierarchyError} PLACEMENT, READ_ONLY
   */
  addSite(tables: WriteTables, roster: Roster, site: Omit<RosterEntry, 'epoch' | 'revoked'>): void {
    const refusals = placementRefusals(site, roster.sites);
    if (refusals.length > 0) {
      throw new HierarchyError(
        'PLACEMENT',
        refusals.map(({ reason, remedy }) => `${reason} ${remedy}`).join(' '),
        {
          site: site.code,
          code: refusals[0]?.code ?? '',
        },
      );
    }
    this.#storeRoster(tables, {
      ...roster,
      version: roster.version + 1,
      sites: [...roster.sites, { ...site, epoch: 1 }],
    });
    this.#log.info('Site {site} ({type}) joined the hierarchy under {parent}', {
      site: site.code,
      type: site.type,
      parent: site.parent,
    });
  }

  /**
   * Shuts a site out for good: its links are refused as soon as the roster has arrived, and its code stays taken.
   *
   * @param reason for people; the revoked site is told
   * @throws {HierarchyError} UNKNOWN_SITE, ALREADY_REVOKED, READ_ONLY, NOT_TOP_TIER when it is the top-tier site itself
   */
  revokeSite(code: SiteCode, reason: string): void {
    const { roster } = this.#view.current();
    const entry = entryOf(roster, code);
    if (entry === undefined) {
      throw new HierarchyError(
        'UNKNOWN_SITE',
        `site ${code} is not in the roster: nothing is to be revoked`,
        { site: code },
      );
    }
    if (entry.parent === undefined) {
      throw new HierarchyError(
        'NOT_TOP_TIER',
        `site ${code} is the top-tier site and cannot revoke itself: use the recovery key to replace the operating key`,
        { site: code },
      );
    }
    if (entry.revoked !== undefined) {
      throw new HierarchyError(
        'ALREADY_REVOKED',
        `site ${code} was revoked at ${entry.revoked.at}: ${entry.revoked.reason}`,
        { site: code },
      );
    }
    const revoked = { at: new Date(this.#clock.now()).toISOString(), reason };
    const sites = roster.sites.map((site) => (site.code === code ? { ...site, revoked } : site));
    this.#database.write((tables) =>
      this.#storeRoster(tables, { ...roster, version: roster.version + 1, sites }),
    );
    this.#log.warn('Site {site} was revoked: {reason}', { site: code, reason });
  }

  /** Writes higher epochs of restored sites into the roster, so that nobody follows an old copy of them. */
  raiseEpochs(epochs: ReadonlyMap<SiteCode, number>): void {
    const { roster } = this.#view.current();
    const raised = roster.sites.filter(({ code, epoch }) => (epochs.get(code) ?? 0) > epoch);
    if (raised.length === 0) {
      return;
    }
    const sites = roster.sites.map((site) => ({
      ...site,
      epoch: Math.max(site.epoch, epochs.get(site.code) ?? 0),
    }));
    this.#database.write((tables) =>
      this.#storeRoster(tables, { ...roster, version: roster.version + 1, sites }),
    );
    for (const { code } of raised) {
      this.#log.warn('Site {site} was restored: it is in epoch {epoch} now', {
        site: code,
        epoch: epochs.get(code),
      });
    }
  }

  /**
   * Goes over to the next operating key, on the recovery key's word, and signs the roster anew with it. What the key
   * before signs from now on is refused wherever the statement has arrived.
   *
   * @throws {HierarchyError} FORGED, OLDER, WRONG_KEY, READ_ONLY
   */
  replaceOperatingKey(envelope: EnvelopeJson, signer: Signer): void {
    const { hierarchyId, statement, roster, documents } = this.#view.current();
    const next = verifyOperatingKey(envelope, hierarchyId, this.#view.tools);
    if (next.sequence <= statement.sequence) {
      throw new HierarchyError(
        'OLDER',
        `operating key ${statement.sequence} is in force: the recovery key must sign one with a higher sequence than ${next.sequence}`,
        {
          inForce: statement.sequence,
          offered: next.sequence,
        },
      );
    }
    requireKey(next.operatingKey, signer);
    this.#database.read((tables) => this.#requireWritable(tables));
    const signed = signRoster({ ...roster, version: roster.version + 1 }, signer);
    this.#database.write((tables) =>
      this.#store(tables, { ...documents, operatingKey: envelope, roster: signed }),
    );
    this.#signer = signer;
    this.#log.warn('Operating key {sequence} is in force now', { sequence: next.sequence });
  }

  /** A top-tier site that was restored elsewhere since must not contradict the one that goes on. */
  #requireWritable(tables: ReadTables): void {
    const reason = readOnlyReason(tables);
    if (reason !== undefined) {
      throw new HierarchyError('READ_ONLY', reason, { site: this.#site });
    }
  }

  #storeRoster(tables: WriteTables, roster: Roster): void {
    this.#requireWritable(tables);
    const before = this.#view.documentsIn(tables.settings);
    this.#store(tables, { ...before, roster: signRoster(roster, this.#signer) });
  }

  #store(tables: WriteTables, documents: HierarchySetting): void {
    const now = this.#clock.now();
    writeHierarchy(tables.settings, documents);
    // The statement first: a roster is verified with the key that the statement before it names.
    tables.records.putOwn('operating-key', operatingKeyRecord, documents.operatingKey, now);
    tables.records.putOwn('roster', rosterRecord, documents.roster, now);
  }
}

function requireKey(operatingKey: string, signer: Signer): void {
  if (signer.publicKey !== operatingKey) {
    throw new HierarchyError(
      'WRONG_KEY',
      `the private key in the vault is not the operating key that the hierarchy names (${operatingKey.slice(0, 16)}…): restore the vault, or replace the operating key with the recovery key`,
    );
  }
}
