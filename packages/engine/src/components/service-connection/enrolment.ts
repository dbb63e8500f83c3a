import type { Enrolment } from '@sallyport/core/domain/exchange/enrolment';
import type { HierarchyId } from '@sallyport/core/shared/ids';
import { encodeBase64 } from '@sallyport/core/wire/base64';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { SettingReads, WriteTables } from '../../ports/site-database.ts';

/** The setting that holds the vendor's word until the vendor has had it. */
const settingName = 'enrolment';

interface Waiting {
  readonly schema: 1;
  readonly code: string;
}

/** Keeps an enrolment code for the next request file. */
export function keepEnrolment({ settings }: Pick<WriteTables, 'settings'>, code: string): void {
  const waiting: Waiting = { schema: 1, code };
  settings.put(settingName, waiting);
}

/** The vendor has registered the hierarchy: the word has done its work. */
export function forgetEnrolment({ settings }: Pick<WriteTables, 'settings'>): void {
  settings.remove(settingName);
}

/** What registers the hierarchy; undefined once it is registered. The same until then, byte by byte. */
export function enrolmentDue(
  settings: SettingReads,
  hierarchy: { readonly hierarchyId: HierarchyId; readonly operatingKey: EnvelopeJson },
): Enrolment | undefined {
  const waiting = settings.get(settingName) as Waiting | undefined;
  if (waiting === undefined) return undefined;
  return {
    schema: 1,
    hierarchyId: hierarchy.hierarchyId,
    code: waiting.code,
    statement: encodeBase64(canonicalJson(hierarchy.operatingKey)),
  };
}
