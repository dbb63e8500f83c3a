import type { EpochMs } from '../../shared/ids.ts';

/**
 * Epochs are whole numbers from 1 to this: more than a site is ever restored, and little enough that whoever claims a
 * high one takes no room from numbers that are derived from it.
 */
export const epochMax = 9_999;

/** Each epoch of the top-tier site has so many order numbers of its own: more than it gives between two restores. */
export const ordersPerEpoch = 1_000_000;

/** The highest number of an order. */
export const orderSequenceMax = ordersPerEpoch * epochMax;

/** The epochs of both sides of a link. A site's epoch rises with each restore of it. */
export interface LinkEpochs {
  readonly own: number;
  readonly peer: number;
}

/** Why a site has stopped taking records over one link. Lasts until the epoch of either side is higher. */
export interface LinkHalt {
  readonly code: 'FORK' | 'READ_ONLY';
  readonly reason: string;
  readonly since: EpochMs;
  readonly epochs: LinkEpochs;
}

/** What an administrator does about two histories of one site; completes a sentence. */
export const restoreRemedy =
  'stop the copy that is wrong, and give the one that goes on a higher epoch with "sallyport site restore" on its data folder';

/** `older`: an old copy of a site that has been restored since; it must not write, and nobody follows it. */
export type EpochVerdict = 'current' | 'older' | 'newer';

/** Judges the epoch that a site claims against the highest one that is known of it. */
export function judgeEpoch(highestKnown: number, claimed: number): EpochVerdict {
  if (claimed === highestKnown) {
    return 'current';
  }
  return claimed < highestKnown ? 'older' : 'newer';
}

/** A restore with a higher epoch, at either side, is the way out of a halt. */
export function endsHalt(halt: LinkHalt, epochs: LinkEpochs): boolean {
  return epochs.own > halt.epochs.own || epochs.peer > halt.epochs.peer;
}

/**
 * What a handshake's numbers say about the two histories: a side that has given out less than the other has taken
 * from it has lost writes that it had acknowledged. Undefined when they fit.
 */
export function forkByCursor(link: {
  readonly ownHead: number;
  readonly ownCursor: number;
  readonly peerHead: number;
  readonly peerCursor: number;
  readonly own: string;
  readonly peer: string;
}): string | undefined {
  if (link.peerHead < link.ownCursor) {
    return behind(link.peer, link.peerHead, link.own, link.ownCursor);
  }
  if (link.ownHead < link.peerCursor) {
    return behind(link.own, link.ownHead, link.peer, link.peerCursor);
  }
  return undefined;
}

function behind(lost: string, head: number, reader: string, cursor: number): string {
  return (
    `site ${lost} has ${head} changes, but ${reader} has already taken ${cursor} from it: ` +
    `${lost} runs on an old copy of its database; ${restoreRemedy}`
  );
}
