import { looksSealed, type Sealed, sealedFormat, sealedInfo } from '@sallyport/core/wire/sealed';
import { decodeBase64 } from '@sallyport/core/wire/base64';
import type { KeyRing } from '../ports/key-ring.ts';
import { type Sealing, SealingError } from '../ports/sealing.ts';
import { Refusal } from './refusal.ts';

/** Opens envelopes that are sealed to this cloud, by whichever seal key it still holds. */
export class EnvelopeOpener {
  readonly #sealing: Pick<Sealing, 'open'>;
  readonly #keys: Pick<KeyRing, 'sealSecret'>;
  /** Secrets are files: each is read once. One that is not there is looked for again, it may be new. */
  readonly #secrets = new Map<string, Uint8Array>();

  constructor(sealing: Pick<Sealing, 'open'>, keys: Pick<KeyRing, 'sealSecret'>) {
    this.#sealing = sealing;
    this.#keys = keys;
  }

  /**
   * What is inside a sealed envelope; anything else as it is.
   *
   * @throws {Refusal} SEALED_TO_OTHER, NOT_OPENED, NESTED
   * @throws {WireError} for what is sealed and no sealed envelope
   */
  async open(bytes: Uint8Array): Promise<Uint8Array> {
    if (!looksSealed(bytes)) return bytes;
    const sealed = sealedFormat.parse(bytes);
    const inside = await this.#unseal(sealed);
    if (looksSealed(inside)) {
      throw new Refusal('NESTED', 'there is a sealed envelope within a sealed envelope: seal it once');
    }
    return inside;
  }

  async #unseal({ to, key, ciphertext }: Sealed): Promise<Uint8Array> {
    const secret = this.#secrets.get(to) ?? (await this.#keys.sealSecret(to));
    if (secret === undefined) {
      throw new Refusal(
        'SEALED_TO_OTHER',
        `it is sealed to the key ${to.slice(0, 16)}…, which this cloud does not hold: fetch the vendor's newer service.json and seal it anew`,
      );
    }
    this.#secrets.set(to, secret);
    try {
      return await this.#sealing.open(secret, sealedInfo, {
        key: decodeBase64(key) ?? new Uint8Array(),
        ciphertext: decodeBase64(ciphertext) ?? new Uint8Array(),
      });
    } catch (error) {
      if (!(error instanceof SealingError) || error.code !== 'NOT_OPENED') throw error;
      throw new Refusal(
        'NOT_OPENED',
        'it is sealed to this cloud and cannot be opened: it was altered or cut on the way; send it again',
      );
    }
  }
}
