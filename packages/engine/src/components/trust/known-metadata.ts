import type { MetadataParser, SignedDocument } from '@sallyport/core/domain/trust/documents';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import { parseMetadata } from '@sallyport/core/wire/tuf';

/** How many files of one role are remembered: the one before, and its successor. */
const defaultFilesPerRole = 2;
/** Roles beyond so many push out those that were asked for longest ago. */
const rolesMax = 64;

interface Known {
  /** A copy of our own: whoever hands bytes in may do with them what it likes. */
  readonly bytes: Uint8Array;
  readonly document: SignedDocument;
}

/**
 * Reads metadata files, and remembers what was in the newest ones. A site looks at its stored metadata at every pass of
 * its components, and they change a few times a day: the same bytes are read, and each signature in them is checked,
 * once.
 *
 * It remembers only what follows from the bytes alone. Whether a document counts (its time, its version, who may sign
 * it) is judged anew by whoever asks.
 */
export class KnownMetadata {
  readonly #check: SignatureCheck;
  readonly #filesPerRole: number;
  /** By kind and role, the roles asked for last at the end; of each the newest file first. */
  readonly #known = new Map<string, readonly Known[]>();
  /** By signature, as `parse` made it: what was signed, and whether it fits, by key. */
  readonly #answers = new WeakMap<
    Uint8Array,
    { readonly message: Uint8Array; readonly byKey: Map<string, boolean> }
  >();

  constructor(options: { readonly check: SignatureCheck; readonly filesPerRole?: number }) {
    this.#check = options.check;
    this.#filesPerRole = options.filesPerRole ?? defaultFilesPerRole;
  }

  /** As `parseMetadata`; what it throws is not remembered. */
  readonly parse: MetadataParser = (kind, bytes, role = kind) => {
    const name = `${kind} ${role}`;
    const files = this.#known.get(name) ?? [];
    let found = files.find((known) => isSame(known.bytes, bytes));
    if (found === undefined) {
      const copy = bytes.slice();
      found = { bytes: copy, document: parseMetadata(kind, copy, role) };
    }
    this.#keep(name, [found, ...files.filter((known) => known !== found)]);
    // What is kept under the name of a kind was parsed as that kind.
    return found.document as ReturnType<typeof parseMetadata<typeof kind>>;
  };

  /** As the check that this was made with, for signatures of documents that `parse` answered. */
  readonly check: SignatureCheck = (key, signature, message) => {
    const before = this.#answers.get(signature);
    const answers = before?.message === message ? before : { message, byKey: new Map<string, boolean>() };
    const name = `${key.keyType} ${key.scheme} ${key.publicValue}`;
    const known = answers.byKey.get(name);
    if (known !== undefined) return known;
    const answer = this.#check(key, signature, message);
    answers.byKey.set(name, answer);
    this.#answers.set(signature, answers);
    return answer;
  };

  #keep(name: string, files: readonly Known[]): void {
    this.#known.delete(name);
    this.#known.set(name, files.slice(0, this.#filesPerRole));
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= rolesMax) return;
      this.#known.delete(oldest);
    }
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0;
}
