import type { ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import type { SettingReads } from '../../ports/site-database.ts';

/** The setting that holds a site's service windows. */
export const windowsSetting = 'windows';

/** A site's service windows now; none means that it may install at any time. */
export function readWindows(settings: SettingReads): readonly ServiceWindow[] {
  return (settings.get(windowsSetting) as readonly ServiceWindow[] | undefined) ?? [];
}
