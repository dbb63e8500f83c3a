import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { type PlacementCode, placementRefusals } from '@sallyport/core/domain/sites/placement';
import { entryOf, entryOfKey } from '@sallyport/core/domain/sites/roster';
import type { Roster, SiteType } from '@sallyport/core/domain/sites/site';
import { siteCode, type EpochMs, type SiteCode } from '@sallyport/core/shared/ids';
import { decodeHex, encodeHex } from '@sallyport/core/wire/hex';
import { isLinkAddress, joinMacInput, type JoinRequest, printJoinToken } from '@sallyport/core/wire/join';
import type { Clock } from '../../ports/clock.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Keys } from '../../ports/keys.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { SiteDatabase, WriteTables } from '../../ports/site-database.ts';
import type { HierarchyAuthority } from './hierarchy-authority.ts';
import type { HierarchyView } from './hierarchy-view.ts';
import { type IssuedToken, putToken, readTokens } from './join-tokens.ts';

/** Why a site may not join, beside the placement rules' own codes. */
export type JoinRefusalCode =
  | 'TOKEN_UNKNOWN'
  | 'TOKEN_WRONG'
  | 'TOKEN_USED'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_MISMATCH'
  | 'KEY_TAKEN'
  | 'WRONG_HIERARCHY'
  | 'WRONG_PARENT';

export type JoinDecision =
  | { readonly state: 'accepted' }
  | { readonly state: 'refused'; readonly code: JoinRefusalCode | PlacementCode; readonly reason: string };

/** Issues join tokens and decides about those who come with one. At the top-tier site only. */
export class JoinDesk {
  readonly #database: SiteDatabase;
  readonly #view: HierarchyView;
  readonly #authority: HierarchyAuthority;
  readonly #keys: Pick<Keys, 'mac'>;
  readonly #digests: Digests;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;

  constructor(options: {
    readonly database: SiteDatabase;
    readonly view: HierarchyView;
    readonly authority: HierarchyAuthority;
    readonly keys: Pick<Keys, 'mac'>;
    readonly digests: Digests;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
  }) {
    this.#database = options.database;
    this.#view = options.view;
    this.#authority = options.authority;
    this.#keys = options.keys;
    this.#digests = options.digests;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#log = options.log;
  }

  /**
   * A token that lets one site join, once, as what it says. The text is the only copy of its secret.
   *
   * @param what `address` is where the parent's link is reached, as the new site sees it: `host:port`
   * @throws {HierarchyError} BAD_ADDRESS; PLACEMENT when such a site could not join now; `details.code` says which rule
   */
  issue(what: {
    readonly code: SiteCode;
    readonly type: Exclude<SiteType, 'central'>;
    readonly parent: SiteCode;
    readonly address: string;
    readonly expiresAt: EpochMs;
  }): string {
    if (!isLinkAddress(what.address)) {
      throw new HierarchyError(
        'BAD_ADDRESS',
        `"${what.address}" is not where a site can be reached: write host:port, such as pr1.example.com:10123`,
        { address: what.address },
      );
    }
    const { hierarchyId, roster } = this.#view.current();
    const refusals = placementRefusals(what, roster.sites);
    const parentKey = entryOf(roster, what.parent)?.key;
    if (refusals.length > 0 || parentKey === undefined) {
      const reason = refusals.map((refusal) => `${refusal.reason} ${refusal.remedy}`).join(' ');
      throw new HierarchyError('PLACEMENT', `no join token for site ${what.code}: ${reason}`, {
        site: what.code,
        code: refusals[0]?.code ?? 'PARENT_UNKNOWN',
      });
    }
    const secret = this.#random.bytes(32);
    const token: IssuedToken = {
      id: encodeHex(this.#random.bytes(16)),
      secretSha256: this.#digests.of('sha256', secret),
      code: what.code,
      type: what.type,
      parent: what.parent,
      expiresAt: what.expiresAt,
    };
    this.#database.write(({ settings }) => putToken(settings, token, this.#clock.now()));
    this.#log.info('Issued a join token for site {site} ({type}) under {parent}, valid until {until}', {
      site: what.code,
      type: what.type,
      parent: what.parent,
      until: new Date(what.expiresAt).toISOString(),
    });
    const { id, code, type, parent, expiresAt } = token;
    return printJoinToken({
      schema: 1,
      id,
      address: what.address,
      hierarchyId,
      parentKey,
      parent,
      code,
      type,
      secret: encodeHex(secret),
      expiresAt,
    });
  }

  /**
   * Decides about a request that came through `relay`; accepting signs the site into the roster and uses the token
   * up, in one transaction. The same request again gets the same answer.
   */
  decide(request: JoinRequest, relay: SiteCode): JoinDecision {
    const { hierarchyId, roster } = this.#view.current();
    const decision =
      request.hierarchyId === hierarchyId
        ? this.#database.write((tables) => this.#decideIn(tables, roster, request, relay))
        : refused(
            'WRONG_HIERARCHY',
            'The token belongs to another hierarchy. Ask for one of this hierarchy.',
          );
    if (decision.state === 'refused') {
      this.#log.warn('Site {site} was refused: {reason}', {
        site: request.code,
        reason: decision.reason,
        code: decision.code,
      });
    }
    return decision;
  }

  #decideIn(tables: WriteTables, roster: Roster, request: JoinRequest, relay: SiteCode): JoinDecision {
    const token = readTokens(tables.settings).find(({ id }) => id === request.tokenId);
    if (token === undefined) {
      return refused(
        'TOKEN_UNKNOWN',
        'The join token is not known at the top-tier site. Issue a new one there.',
      );
    }
    const macKey = decodeHex(token.secretSha256) ?? new Uint8Array();
    if (!equalInConstantTime(this.#keys.mac(macKey, joinMacInput(request)), request.mac)) {
      return refused(
        'TOKEN_WRONG',
        'The join token is wrong: its secret does not fit. Copy it again, or issue a new one.',
      );
    }
    if (token.used !== undefined) {
      return token.used.key === request.key && entryOfKey(roster, request.key)?.code === request.code
        ? { state: 'accepted' }
        : refused(
            'TOKEN_USED',
            `The join token was used at ${new Date(token.used.at).toISOString()}. Issue a new one.`,
          );
    }
    const now = this.#clock.now();
    if (now >= token.expiresAt) {
      return refused(
        'TOKEN_EXPIRED',
        `The join token expired at ${new Date(token.expiresAt).toISOString()}. Issue a new one.`,
      );
    }
    const mismatch = mismatchOf(token, request, relay);
    if (mismatch !== undefined) {
      return mismatch;
    }
    const holder = entryOfKey(roster, request.key);
    if (holder !== undefined) {
      return refused(
        'KEY_TAKEN',
        `The new site's key belongs to site ${holder.code} already: its data folder was copied. Set it up in an empty folder.`,
      );
    }
    const site = { code: token.code, type: token.type, parent: token.parent, key: request.key };
    const [refusal] = placementRefusals(site, roster.sites);
    if (refusal !== undefined) {
      return refused(refusal.code, `${refusal.reason} ${refusal.remedy}`);
    }
    this.#authority.addSite(tables, roster, site);
    putToken(tables.settings, { ...token, used: { at: now, key: request.key } }, now);
    return { state: 'accepted' };
  }
}

function mismatchOf(token: IssuedToken, request: JoinRequest, relay: SiteCode): JoinDecision | undefined {
  if (token.code !== request.code || token.type !== request.type) {
    return refused(
      'TOKEN_MISMATCH',
      `The join token is for site ${token.code} (${token.type}), not for ${request.code} (${request.type}). Set the site up as that, or issue another token.`,
    );
  }
  if (token.parent !== siteCode(request.parent) || relay !== token.parent) {
    return refused(
      'WRONG_PARENT',
      `The join token is for a site under ${token.parent}, and the request came through ${relay}. Join there.`,
    );
  }
  return undefined;
}

function refused(code: JoinRefusalCode | PlacementCode, reason: string): JoinDecision {
  return { state: 'refused', code, reason };
}

/** How long it takes must not tell how much of a guess was right. */
function equalInConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index += 1) {
    difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  }
  return difference === 0;
}
