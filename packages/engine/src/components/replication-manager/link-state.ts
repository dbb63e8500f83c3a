import type { LinkHalt } from '@sallyport/core/domain/sites/epoch';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { SettingReads, SettingWrites } from '../../ports/site-database.ts';

/** What a site remembers of a link beside the cursor. */
export interface LinkState {
  /** The highest epoch that the peer has been seen in. */
  readonly epoch: number;
  /** Set while this site takes nothing over the link. */
  readonly halt?: LinkHalt;
}

/** The setting that holds the links' states. */
export const linksSettingName = 'replication';

type LinkStates = Readonly<Record<string, LinkState>>;

function readLinks(settings: SettingReads): LinkStates {
  return (settings.get(linksSettingName) as LinkStates | undefined) ?? {};
}

export function readLink(settings: SettingReads, peer: SiteCode): LinkState {
  return readLinks(settings)[peer] ?? { epoch: 1 };
}

export function writeLink(settings: SettingReads & SettingWrites, peer: SiteCode, state: LinkState): void {
  settings.put(linksSettingName, { ...readLinks(settings), [peer]: state });
}
