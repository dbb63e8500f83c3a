import { HpkeSealing } from '@sallyport/engine/compute/hpke-sealing';
import type { Random } from '@sallyport/engine/ports/random';

/** PKCS#8 of an X25519 key (RFC 8410) before its 32 secret bytes. */
const pkcs8Prefix = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32]);

/** Sealing with keys whose secrets come from `random`. What is sealed is other bytes each time; what opens is the same. */
export class SeededSealing extends HpkeSealing {
  readonly #random: Random;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  override generate(): Uint8Array {
    return Uint8Array.from([...pkcs8Prefix, ...this.#random.bytes(32)]);
  }
}
