import type { EpochMs, SiteCode } from '../../shared/ids.ts';
import type { RosterEntry, SiteType } from '../sites/site.ts';
import type { UpdateState } from './event.ts';
import { type ServiceWindow, windowAt } from './service-window.ts';

export type StartVerdict =
  | { readonly kind: 'go' }
  | {
      readonly kind: 'wait';
      readonly for: 'parent' | 'window';
      readonly reason: string;
      /** When a window opens. A parent's end has no known time. */
      readonly nextAt?: EpochMs;
    };

/**
 * Whether a site may begin to install: after its parent, and inside a service window. The parent comes first, so
 * that the reason shown is the one that lasts longest.
 */
export function mayStart(question: {
  readonly site: { readonly type: SiteType; readonly parent?: SiteCode };
  /** The package's state at the parent as this site knows it; undefined when it has said nothing. */
  readonly parentState: UpdateState | undefined;
  readonly windows: readonly ServiceWindow[];
  readonly at: EpochMs;
}): StartVerdict {
  const { site, parentState, windows, at } = question;
  if (site.parent !== undefined && parentState !== 'INSTALL_SUCCESS') {
    return {
      kind: 'wait',
      for: 'parent',
      reason: `The parent site ${site.parent} installs first; there it is in state ${parentState ?? 'UNKNOWN'}.`,
    };
  }
  const window = windowAt(windows, at);
  if (!window.open) {
    return {
      kind: 'wait',
      for: 'window',
      reason: `No service window is open; the next one opens at ${new Date(window.nextAt).toISOString()}.`,
      nextAt: window.nextAt,
    };
  }
  return { kind: 'go' };
}

/** A site's turn in installing a package through the hierarchy. */
export interface SiteTurn {
  readonly site: SiteCode;
  readonly type: SiteType;
  readonly state: UpdateState;
  /**
   * - `done`: installed
   * - `now`: its parent is done; its window and prerequisites decide
   * - `after-parent`: ordered, the parent is not done
   * - `on-request`: a secondary site that nobody has ordered it for
   */
  readonly turn: 'after-parent' | 'done' | 'now' | 'on-request';
}

const typeOrder: Readonly<Record<SiteType, number>> = { central: 0, primary: 1, secondary: 2 };

/**
 * The sites of a hierarchy in install order (top-tier, primaries, secondaries; by code among equals) and whose
 * turn it is. Revoked sites take no part.
 *
 * @param states the package's state by site; a site that is missing is UNKNOWN
 * @param requested secondary sites that an administrator has ordered the package for
 */
export function siteTurns(
  sites: readonly RosterEntry[],
  states: ReadonlyMap<SiteCode, UpdateState>,
  requested: ReadonlySet<SiteCode>,
): readonly SiteTurn[] {
  return sites
    .filter(({ revoked }) => revoked === undefined)
    .toSorted((a, b) => typeOrder[a.type] - typeOrder[b.type] || (a.code < b.code ? -1 : 1))
    .map((site) => {
      const state = states.get(site.code) ?? 'UNKNOWN';
      return { site: site.code, type: site.type, state, turn: turnOf(site, state) };
    });

  function turnOf(site: RosterEntry, state: UpdateState): SiteTurn['turn'] {
    if (state === 'INSTALL_SUCCESS') {
      return 'done';
    }
    if (site.type === 'secondary' && !requested.has(site.code)) {
      return 'on-request';
    }
    return site.parent === undefined || states.get(site.parent) === 'INSTALL_SUCCESS'
      ? 'now'
      : 'after-parent';
  }
}
