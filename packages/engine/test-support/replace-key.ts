import { nodeKeys } from '../src/compute/ed25519.ts';
import { operatingKeyStatement } from '../src/components/hierarchy-identity/create-hierarchy.ts';
import { passphrase, type TopTierSite } from './site-network.ts';

/** Replaces a top-tier site's operating key on the recovery key's word. Answers the key before. */
export async function replaceKey(top: TopTierSite): Promise<void> {
  const { hierarchyId, statement } = top.view.current();
  const recovery = nodeKeys.open(nodeKeys.unseal(top.recoveryKeyPem, passphrase));
  const secret = nodeKeys.generate();
  const sequence = statement.sequence + 1;
  await top.vault.create(`operating-${sequence}`, secret);
  const signer = nodeKeys.open(secret);
  top.authority.replaceOperatingKey(
    operatingKeyStatement(hierarchyId, sequence, recovery, signer.publicKey),
    signer,
  );
}
