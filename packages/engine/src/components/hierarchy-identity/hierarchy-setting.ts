import type { HierarchyId } from '@sallyport/core/shared/ids';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { SettingReads, SettingWrites, SiteDatabase } from '../../ports/site-database.ts';

/** The hierarchy a site belongs to: its pinned id, and the newest documents that verified against it. */
export interface HierarchySetting {
  readonly hierarchyId: HierarchyId;
  readonly operatingKey: EnvelopeJson;
  readonly roster: EnvelopeJson;
}

/** The setting that holds them. */
export const hierarchySettingName = 'hierarchy';

export function readHierarchy(settings: SettingReads): HierarchySetting | undefined {
  return settings.get(hierarchySettingName) as HierarchySetting | undefined;
}

export function writeHierarchy(settings: SettingWrites, value: HierarchySetting): void {
  settings.put(hierarchySettingName, value);
}

/** Keys of the records that carry the two documents down; each exists once. */
export const operatingKeyRecord = 'operating-key';
export const rosterRecord = 'roster';

/** Pins the hierarchy that this site was made in or has joined. Harmless when repeated. */
export function adoptHierarchy(database: SiteDatabase, hierarchy: HierarchySetting): void {
  database.write(({ settings }) => writeHierarchy(settings, hierarchy));
}
