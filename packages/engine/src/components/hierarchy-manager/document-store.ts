import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Catalogue, PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Digest, PackageGuid } from '@sallyport/core/shared/ids';
import { parseDescriptor } from '@sallyport/core/wire/descriptor';
import type { Blobs } from '../../ports/blobs.ts';
import type { Log } from '../../ports/log.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { DocumentProblem, TrustedProduct } from './trusted-view.ts';

/** The setting `trusted`: the newest targets that were ever verified here, by path; their bytes are blobs. */
interface TrustedIndex {
  readonly schema: 1;
  readonly targets: Readonly<Record<string, BlobRef>>;
}

/** The setting that names them. */
export const trustedSettingName = 'trusted';

/** Where a site keeps the vendor's documents: their names in a setting, their bytes in the content library. */
export class DocumentStore {
  readonly #options: {
    readonly database: SiteDatabase;
    readonly blobs: Blobs;
    readonly log: Log;
  };
  /** Documents that were read since the last `forgetUnused`, parsed, and those that were read before it. */
  #parsed = new Map<string, unknown>();
  #parsedBefore: ReadonlyMap<string, unknown> = new Map();
  /** Descriptors that were found damaged, and are not back yet. */
  readonly #lost = new Map<PackageGuid, { readonly sha256: Digest; readonly problem: DocumentProblem }>();

  constructor(options: { readonly database: SiteDatabase; readonly blobs: Blobs; readonly log: Log }) {
    this.#options = options;
  }

  /** The descriptors of a catalogue that are held and understood. */
  async descriptors(catalogue: Catalogue): Promise<ReadonlyMap<PackageGuid, PackageDescriptor>> {
    const held = await this.#options.blobs.held(
      catalogue.packages.map(({ descriptor }) => descriptor.sha256),
    );
    const descriptors = new Map<PackageGuid, PackageDescriptor>();
    for (const [guid, { sha256 }] of this.#lost) if (held.has(sha256)) this.#lost.delete(guid);
    for (const { guid, descriptor } of catalogue.packages) {
      if (!held.has(descriptor.sha256)) continue;
      try {
        descriptors.set(guid, await this.read<PackageDescriptor>(descriptor, parseDescriptor));
      } catch (error) {
        if (error instanceof ContentError)
          this.#lost.set(guid, {
            sha256: descriptor.sha256,
            problem: { what: guid, code: error.code, message: error.message },
          });
        // A descriptor of a newer kind than this program knows: its package alone is unavailable.
        this.#options.log.debug('The descriptor of {guid} cannot be understood: {err}', {
          guid,
          err: messageOf(error),
        });
      }
    }
    return descriptors;
  }

  /** Catalogued descriptors that were found damaged, or that are not held: a refresh could not have them, or they went. */
  async missing({
    catalogue,
    descriptors,
  }: Pick<TrustedProduct, 'catalogue' | 'descriptors'>): Promise<readonly DocumentProblem[]> {
    const absent = catalogue.packages.filter(({ guid }) => !descriptors.has(guid));
    const held = await this.#options.blobs.held(absent.map(({ descriptor }) => descriptor.sha256));
    return absent.flatMap(({ guid, descriptor }) => {
      const lost = this.#lost.get(guid);
      if (lost !== undefined) return [lost.problem];
      // One that is held and not understood, of a newer kind, is no damage.
      if (held.has(descriptor.sha256)) return [];
      const message = `the descriptor of package ${guid} is not held here: the next refresh fetches it`;
      return [{ what: guid, code: 'NOT_HELD', message }];
    });
  }

  /**
   * A held document, parsed once. One that turns out to be damaged is dropped, so that the next refresh fetches it.
   *
   * @throws {ContentError} NOT_HELD, HASH_MISMATCH
   */
  async read<T>(blob: BlobRef, parse: (bytes: Uint8Array) => T): Promise<T> {
    const known = this.#parsed.get(blob.sha256) ?? this.#parsedBefore.get(blob.sha256);
    const value = known === undefined ? parse(await this.#bytes(blob)) : (known as T);
    this.#parsed.set(blob.sha256, value);
    return value;
  }

  /**
   * Called before each look at everything: forgets what the look before did not read. So a catalogue of any size is
   * parsed once, and nothing is kept that no catalogue names.
   */
  forgetUnused(): void {
    this.#parsedBefore = this.#parsed;
    this.#parsed = new Map();
  }

  async #bytes({ sha256, sizeBytes }: BlobRef): Promise<Uint8Array> {
    const { blobs, log } = this.#options;
    try {
      return await blobs.readBytes(sha256, sizeBytes);
    } catch (error) {
      if (error instanceof ContentError && error.code === 'HASH_MISMATCH') {
        log.warn(
          'The document {sha256} is damaged on disk and is dropped: the next exchange fetches it again',
          { sha256 },
        );
        await blobs.remove(sha256);
      }
      throw error;
    }
  }

  index(): TrustedIndex {
    const stored = this.#options.database.read(({ settings }) => settings.get(trustedSettingName)) as
      | TrustedIndex
      | undefined;
    return stored ?? { schema: 1, targets: {} };
  }

  keepIndex(targets: Readonly<Record<string, BlobRef>>): void {
    // Most refreshes bring nothing new.
    if (JSON.stringify(this.index().targets) === JSON.stringify(targets)) return;
    const index: TrustedIndex = { schema: 1, targets };
    this.#options.database.write(({ settings }) => settings.put(trustedSettingName, index));
  }
}
