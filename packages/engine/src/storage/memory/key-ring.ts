import type { CeremonyStage, HeldKey, KeyRing, KeyRole } from '../../ports/key-ring.ts';
import { offlineRoles } from '../../ports/key-ring.ts';
import type { Keys, Signer } from '../../ports/keys.ts';
import type { Sealing } from '../../ports/sealing.ts';
import type { DiskMount } from './disk.ts';

const folder = 'memory:key-ring/';
const notePlace = 'memory:ceremony';

/** A vendor's keys on a disk in memory, the offline ones unsealed and always at hand: for worlds without people. */
export class MemoryKeyRing implements KeyRing {
  readonly places: readonly string[] = [folder];
  readonly #mount: DiskMount;
  readonly #keys: Keys;
  readonly #sealing: Pick<Sealing, 'generate' | 'publicKeyOf'>;
  /** Opening a key costs more than signing with it. */
  readonly #opened = new Map<string, Signer>();

  constructor(mount: DiskMount, keys: Keys, sealing: Pick<Sealing, 'generate' | 'publicKeyOf'>) {
    this.#mount = mount;
    this.#keys = keys;
    this.#sealing = sealing;
  }

  async create(role: KeyRole, count: number): Promise<readonly string[]> {
    const taken = this.#names().filter((name) => name.startsWith(`${role}-`));
    const last = Math.max(0, ...taken.map((name) => Number(name.slice(role.length + 1))));
    return Array.from({ length: count }, (_, index) => {
      const secret = role === 'seal' ? this.#sealing.generate() : this.#keys.generate();
      const name = `${role}-${last + index + 1}`;
      this.#mount.writeDurably(`${folder}${name}`, secret);
      return this.#publicKeyOf(name, secret);
    });
  }

  async signers(publicKeys: readonly string[]): Promise<readonly Signer[]> {
    const held = new Map(
      this.#all()
        .filter(([name]) => roleOf(name) !== 'seal')
        .map(([name, secret]) => this.#signerOf(name, secret))
        .map((signer) => [signer.publicKey, signer]),
    );
    return publicKeys.flatMap((key) => held.get(key) ?? []);
  }

  async sealSecret(publicKey: string): Promise<Uint8Array | undefined> {
    const found = this.#all().find(
      ([name, secret]) => roleOf(name) === 'seal' && this.#publicKeyOf(name, secret) === publicKey,
    );
    return found?.[1];
  }

  async list(): Promise<readonly HeldKey[]> {
    return this.#all().map(([name, secret]) => {
      const role = roleOf(name);
      const publicKey = this.#publicKeyOf(name, secret);
      return { name, role, publicKey, offline: isOffline(role), place: `${folder}${name}` };
    });
  }

  async forget(publicKey: string): Promise<void> {
    for (const key of await this.list()) {
      if (key.publicKey === publicKey && !key.offline) this.#mount.remove(key.place);
    }
  }

  async ceremony(): Promise<CeremonyStage | undefined> {
    const note = this.#mount.read(notePlace);
    return note === undefined ? undefined : (new TextDecoder().decode(note) as CeremonyStage);
  }

  async noteCeremony(stage: CeremonyStage | undefined): Promise<void> {
    if (stage !== undefined) {
      this.#mount.writeDurably(notePlace, new TextEncoder().encode(stage));
    } else if (this.#mount.read(notePlace) !== undefined) {
      this.#mount.remove(notePlace);
      this.#mount.sync(notePlace);
    }
  }

  #names(): readonly string[] {
    return this.#mount.under(folder);
  }

  #all(): readonly (readonly [string, Uint8Array])[] {
    return this.#names().flatMap((name) => {
      const secret = this.#mount.read(`${folder}${name}`);
      return secret === undefined ? [] : [[name, secret] as const];
    });
  }

  #publicKeyOf(name: string, secret: Uint8Array): string {
    return roleOf(name) === 'seal'
      ? this.#sealing.publicKeyOf(secret)
      : this.#signerOf(name, secret).publicKey;
  }

  #signerOf(name: string, secret: Uint8Array): Signer {
    let signer = this.#opened.get(name);
    if (signer === undefined) {
      signer = this.#keys.open(secret);
      this.#opened.set(name, signer);
    }
    return signer;
  }
}

function roleOf(name: string): KeyRole {
  return name.slice(0, name.lastIndexOf('-')) as KeyRole;
}

function isOffline(role: KeyRole): boolean {
  return (offlineRoles as readonly KeyRole[]).includes(role);
}
