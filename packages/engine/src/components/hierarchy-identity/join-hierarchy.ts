import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { SiteType } from '@sallyport/core/domain/sites/site';
import { hierarchyId, type SiteCode } from '@sallyport/core/shared/ids';
import { type VerificationTools } from '@sallyport/core/wire/hierarchy-documents';
import { decodeHex } from '@sallyport/core/wire/hex';
import { joinMacInput, type JoinReply, type JoinRequest, type JoinToken } from '@sallyport/core/wire/join';
import type { Clock } from '../../ports/clock.ts';
import type { JoinChannel } from '../../ports/join-channel.ts';
import type { Keys } from '../../ports/keys.ts';
import { LinkError } from '../../ports/link-error.ts';
import type { HierarchySetting } from './hierarchy-setting.ts';
import { type Hierarchy, verifyHierarchy } from './hierarchy-view.ts';

export type JoinOutcome =
  | { readonly state: 'joined'; readonly hierarchy: Hierarchy }
  /** `reason` says what to do. */
  | { readonly state: 'refused'; readonly code: string; readonly reason: string };

/** Between two questions whether the top-tier site has answered. */
const pollMs = 500;
/** After a question that did not get through. */
const retryMs = 2_000;

/**
 * Asks the parent that a token names to take this site in, until the top-tier site has decided. A parent that cannot
 * be reached is asked again until the signal ends it. Nothing is stored: the caller adopts `hierarchy.documents`.
 *
 * @param onProgress what is waited for, for people
 * @throws {HierarchyError} FORGED when the answer does not follow from the token's hierarchy id
 * @throws {LinkError} FOREIGN_KEY, PROTOCOL, REFUSED: waiting would not help
 */
export async function joinHierarchy(
  options: {
    readonly token: JoinToken;
    /** What the administrator says this site is; the token must say the same. */
    readonly code: SiteCode;
    readonly type: Exclude<SiteType, 'central'>;
    /** This site's link key, raw and hexadecimal. */
    readonly linkKey: string;
    readonly channel: JoinChannel;
    readonly keys: Pick<Keys, 'mac'>;
    readonly tools: VerificationTools;
    readonly clock: Clock;
    readonly onProgress?: (reason: string) => void;
  },
  signal: AbortSignal,
): Promise<JoinOutcome> {
  const { token, channel, tools, clock, onProgress } = options;
  const request = requestOf(options);
  for (;;) {
    const reply = await askOnce(channel, request, signal);
    if (reply.state === 'accepted') {
      const documents: HierarchySetting = {
        hierarchyId: hierarchyId(token.hierarchyId),
        operatingKey: reply.operatingKey,
        roster: reply.roster,
      };
      return { state: 'joined', hierarchy: requireEntry(verifyHierarchy(documents, tools), request) };
    }
    if (reply.state === 'refused') {
      return reply;
    }
    onProgress?.(reply.reason);
    await clock.sleep(reply.state === 'pending' ? pollMs : retryMs, signal);
  }
}

type Asked = JoinReply | { readonly state: 'unreachable'; readonly reason: string };

async function askOnce(channel: JoinChannel, request: JoinRequest, signal: AbortSignal): Promise<Asked> {
  try {
    return await channel.ask(request, signal);
  } catch (error) {
    if (error instanceof LinkError && (error.code === 'UNREACHABLE' || error.code === 'STALLED')) {
      return { state: 'unreachable', reason: error.message };
    }
    throw error;
  }
}

function requestOf(options: {
  readonly token: JoinToken;
  readonly code: SiteCode;
  readonly type: Exclude<SiteType, 'central'>;
  readonly linkKey: string;
  readonly keys: Pick<Keys, 'mac'>;
  readonly tools: VerificationTools;
}): JoinRequest {
  const { token, code, type, linkKey, keys, tools } = options;
  const fields = {
    hierarchyId: token.hierarchyId,
    tokenId: token.id,
    code,
    type,
    parent: token.parent,
    key: linkKey,
  };
  // What the top-tier site keeps is the secret's digest, so that is what both sides use.
  const macKey =
    decodeHex(tools.digestOf('sha256', decodeHex(token.secret) ?? new Uint8Array())) ?? new Uint8Array();
  return { schema: 1, ...fields, mac: keys.mac(macKey, joinMacInput(fields)) };
}

/** A roster that verifies but does not hold this site is an old one played back. */
function requireEntry(hierarchy: Hierarchy, request: JoinRequest): Hierarchy {
  const entry = entryOf(hierarchy.roster, request.code);
  if (entry?.key !== request.key || entry.type !== request.type || entry.parent !== request.parent) {
    throw new HierarchyError(
      'FORGED',
      `the parent says that site ${request.code} has been accepted, but the signed roster does not hold it: ask again, and distrust that parent if it goes on`,
      { site: request.code },
    );
  }
  return hierarchy;
}
