import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { entryOf, topTierOf } from '@sallyport/core/domain/sites/roster';
import type { SiteDatabase } from '@sallyport/engine/ports/site-database';
import { createHierarchy } from '@sallyport/engine/components/hierarchy-identity/create-hierarchy';
import {
  adoptHierarchy,
  type HierarchySetting,
  readHierarchy,
} from '@sallyport/engine/components/hierarchy-identity/hierarchy-setting';
import { verifyHierarchy } from '@sallyport/engine/components/hierarchy-identity/hierarchy-view';
import { createFileDurably } from '@sallyport/engine/storage/files/create-file';
import type { SiteAdapters } from './adapters.ts';
import type { TopTierAnswers } from './setup-answers.ts';
import { SetupError } from './setup-error.ts';

/** Noted before the recovery key is written: by its digest a repeat knows the file as its own. */
interface BegunHierarchy {
  readonly hierarchy: HierarchySetting;
  readonly fileSha256: string;
}

const begunSetting = 'hierarchy-begun';

/**
 * The hierarchy of a new top-tier site, with its recovery key written where the administrator says. A set-up that was
 * cut short goes on with the one it began: the vendor may have used an enrolment code up for it.
 *
 * @throws {SetupError} BAD_ANSWERS when the folder's earlier set-up was for another site
 * @throws {StorageError} EXISTS when the file of the recovery key is there already
 */
export async function ownHierarchy(
  work: {
    readonly adapters: SiteAdapters;
    readonly database: SiteDatabase;
    readonly say: (text: string) => void;
  },
  answers: Pick<TopTierAnswers, 'code' | 'data' | 'recoveryKeyFile' | 'type'>,
  passphrase: () => Promise<string>,
): Promise<HierarchySetting> {
  const { adapters, database, say } = work;
  const { code, type, recoveryKeyFile } = answers;
  const adopted = database.read(({ settings }) => readHierarchy(settings));
  const begun = adopted ?? (await begunWith(database, recoveryKeyFile, adapters.digests));
  if (begun !== undefined) {
    const { roster } = verifyHierarchy(begun, { check: adapters.check, digestOf: adapters.digests.of });
    if (topTierOf(roster)?.code !== code || entryOf(roster, code)?.type !== type) {
      throw new SetupError(
        'BAD_ANSWERS',
        `an earlier set-up in ${answers.data} was for another site than ${code} (${type}): give the same answers again, or use an empty folder`,
      );
    }
    say(`hierarchy ${begun.hierarchyId} goes on; an earlier set-up wrote its recovery key`);
    if (adopted === undefined) adoptHierarchy(database, begun);
    return begun;
  }
  const { recoveryKeyPem, ...hierarchy } = await createHierarchy({
    ...adapters,
    code,
    type,
    passphrase: await passphrase(),
  });
  const recoveryKey = new TextEncoder().encode(recoveryKeyPem);
  const note: BegunHierarchy = { hierarchy, fileSha256: adapters.digests.of('sha256', recoveryKey) };
  database.write(({ settings }) => settings.put(begunSetting, note));
  await createFileDurably(recoveryKeyFile, recoveryKey);
  say(
    `recovery key written to ${recoveryKeyFile}: take it offline; whoever has it and its passphrase speaks for the hierarchy`,
  );
  adoptHierarchy(database, hierarchy);
  say(`hierarchy ${hierarchy.hierarchyId}`);
  return hierarchy;
}

/** The hierarchy whose recovery key lies in the file already: a set-up was cut short right after it had written that. */
async function begunWith(
  database: SiteDatabase,
  recoveryKeyFile: string,
  digests: SiteAdapters['digests'],
): Promise<HierarchySetting | undefined> {
  const begun = database.read(({ settings }) => settings.get(begunSetting)) as BegunHierarchy | undefined;
  if (begun === undefined || !existsSync(recoveryKeyFile)) return undefined;
  const found = digests.of('sha256', new Uint8Array(await readFile(recoveryKeyFile)));
  return found === begun.fileSha256 ? begun.hierarchy : undefined;
}
