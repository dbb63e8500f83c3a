import type { OperatingKeyStatement, SiteType } from '@sallyport/core/domain/sites/site';
import type { HierarchyId, SiteCode } from '@sallyport/core/shared/ids';
import { hierarchyIdOf, signOperatingKey, signRoster } from '@sallyport/core/wire/hierarchy-documents';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { Digests } from '../../ports/digests.ts';
import type { Keys, Signer } from '../../ports/keys.ts';
import type { Vault } from '../../ports/vault.ts';
import type { HierarchySetting } from './hierarchy-setting.ts';

/** The vault's name for the key that a site's links are made with. */
export const linkKeyName = 'link';

/** The vault's name for an operating key: the vault never overwrites, so each successor has a name of its own. */
export function operatingKeyName(sequence: number): string {
  return sequence === 1 ? 'operating' : `operating-${sequence}`;
}

/** A key of the vault, made at the first asking. A set-up that was cut short goes on with the same key. */
export async function loadOrCreateKey(
  vault: Vault,
  keys: Keys,
  name: string,
): Promise<{ readonly secret: Uint8Array; readonly signer: Signer }> {
  const held = await vault.load(name);
  if (held !== undefined) {
    return { secret: held, signer: keys.open(held) };
  }
  const secret = keys.generate();
  await vault.create(name, secret);
  return { secret, signer: keys.open(secret) };
}

/**
 * Makes a hierarchy with its top-tier site: recovery key, operating key, the statement that ties them, and the
 * first roster. The link and operating keys are in the vault when it resolves.
 *
 * The recovery key is in the answer only, sealed: the caller stores it where the administrator says, before it
 * adopts the hierarchy. Nothing of it stays at the site.
 */
export async function createHierarchy(options: {
  readonly vault: Vault;
  readonly keys: Keys;
  readonly digests: Digests;
  readonly code: SiteCode;
  readonly type: Exclude<SiteType, 'secondary'>;
  /** Seals the recovery key. */
  readonly passphrase: string;
}): Promise<HierarchySetting & { readonly recoveryKeyPem: string }> {
  const { vault, keys, digests, code, type } = options;
  const link = await loadOrCreateKey(vault, keys, linkKeyName);
  const operating = await loadOrCreateKey(vault, keys, operatingKeyName(1));
  const recoverySecret = keys.generate();
  const recovery = keys.open(recoverySecret);
  const id = hierarchyIdOf(recovery.publicKey, digests.of);
  const statement = operatingKeyStatement(id, 1, recovery, operating.signer.publicKey);
  const roster = signRoster(
    { schema: 1, hierarchyId: id, version: 1, sites: [{ code, type, key: link.signer.publicKey, epoch: 1 }] },
    operating.signer,
  );
  return {
    hierarchyId: id,
    operatingKey: statement,
    roster,
    recoveryKeyPem: keys.seal(recoverySecret, options.passphrase),
  };
}

/**
 * The recovery key's word for the next operating key, when the one before is lost or stolen. `sequence` is one more
 * than that of the statement in force.
 */
export function operatingKeyStatement(
  id: HierarchyId,
  sequence: number,
  recovery: Signer,
  operatingKey: string,
): EnvelopeJson {
  const statement: OperatingKeyStatement = {
    schema: 1,
    hierarchyId: id,
    sequence,
    recoveryKey: recovery.publicKey,
    operatingKey,
  };
  return signOperatingKey(statement, recovery);
}
