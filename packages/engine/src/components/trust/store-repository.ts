import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import type { RepositorySource } from '../../ports/repository.ts';
import type { TrustStore } from '../../ports/trust-store.ts';

/**
 * A site's own trusted metadata as a repository for its children: byte-identical to what the vendor published, every
 * root version included. A role is given only in the version that is asked for, so a child never sees a mix.
 */
export class StoreRepository implements RepositorySource {
  readonly name: string;
  readonly target: RepositorySource['target'];
  readonly #store: TrustStore;

  /** @param target where the site keeps targets; a site that passes on metadata only answers undefined */
  constructor(name: string, store: TrustStore, target: RepositorySource['target']) {
    this.name = name;
    this.target = target;
    this.#store = store;
  }

  async metadata(
    name: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    const bytes = await this.#find(name);
    return bytes !== undefined && bytes.length <= limits.maxBytes ? bytes : undefined;
  }

  async #find(name: string): Promise<Uint8Array | undefined> {
    if (name === 'timestamp.json') {
      return this.#store.load('timestamp');
    }
    const [, versionText, encoded] = /^([1-9]\d{0,14})\.(.+)\.json$/.exec(name) ?? [];
    const role = encoded === undefined ? undefined : decoded(encoded);
    if (role === undefined) {
      return undefined;
    }
    const version = Number(versionText);
    if (role === 'root') {
      return this.#store.loadRoot(version);
    }
    const bytes = await this.#store.load(role);
    return bytes !== undefined && hasVersion(role, bytes, version) ? bytes : undefined;
  }
}

function hasVersion(role: string, bytes: Uint8Array, version: number): boolean {
  try {
    return parseMetadata(role === 'snapshot' ? 'snapshot' : 'targets', bytes).signed.version === version;
  } catch (error) {
    if (error instanceof TrustError) {
      return false;
    }
    throw error;
  }
}

function decoded(encodedRole: string): string | undefined {
  try {
    return decodeURIComponent(encodedRole);
  } catch {
    // A percent sign that starts no encoding: no role is called that.
    return undefined;
  }
}
