import type { Signer } from './keys.ts';

/** Roles whose keys stay away from every server. */
export type OfflineRole = 'catalog' | 'root' | 'targets';
/** Roles whose keys the cloud service signs with by itself; `seal` keys sign nothing, they open what is sealed to them. */
export type OnlineRole = 'offer' | 'rollout' | 'seal' | 'snapshot' | 'timestamp';
export type KeyRole = OfflineRole | OnlineRole;

export const offlineRoles: readonly OfflineRole[] = ['root', 'targets', 'catalog'];
export const onlineRoles: readonly OnlineRole[] = ['snapshot', 'timestamp', 'rollout', 'offer', 'seal'];

/** A key file that was found. */
export interface HeldKey {
  /** `root-1`, `snapshot-2`. */
  readonly name: string;
  readonly role: KeyRole;
  /** Raw public key, hexadecimal. */
  readonly publicKey: string;
  readonly offline: boolean;
  /** For messages: where it was found. */
  readonly place: string;
}

/**
 * How far a ceremony has come that is not complete: its keys are being made, and nothing says that anybody may believe
 * them; or its root, the last of all, may be published already.
 */
export type CeremonyStage = 'making-keys' | 'publishing';

/** The vendor's private keys: offline ones sealed by a passphrase, online ones readable by their owner alone. */
export interface KeyRing {
  /** For messages: where offline keys are looked for. */
  readonly places: readonly string[];
  /** Makes new keys, durable before it resolves: X25519 for `seal`, else Ed25519. Answers their raw public keys, hexadecimal. */
  create(role: KeyRole, count: number): Promise<readonly string[]>;
  /**
   * Signers for those of `publicKeys` that are at hand, in that order.
   * @throws {CloudError} WRONG_PASSPHRASE, BAD_KEY_FILE, KEYS_MISSING when a key is there but no passphrase was given
   */
  signers(publicKeys: readonly string[]): Promise<readonly Signer[]>;
  /**
   * The private key of a `seal` key, PKCS#8 DER; undefined when it is not at hand.
   * @throws {CloudError} BAD_KEY_FILE
   */
  sealSecret(publicKey: string): Promise<Uint8Array | undefined>;
  /** Every key file at hand, without opening one. @throws {CloudError} BAD_KEY_FILE */
  list(): Promise<readonly HeldKey[]>;
  /** Removes an online key that nothing trusts any more; harmless when it is not there. */
  forget(publicKey: string): Promise<void>;
  /**
   * What was noted last of the ceremony that the online keys are of; undefined when no ceremony is under way: then a
   * repository rests on whatever keys there are.
   * @throws {CloudError} BAD_KEY_FILE
   */
  ceremony(): Promise<CeremonyStage | undefined>;
  /** Notes it beside the online keys, or that it is complete; durable before it resolves. */
  noteCeremony(stage: CeremonyStage | undefined): Promise<void>;
}
