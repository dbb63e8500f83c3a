import type { MediumHierarchy, MediumIndex } from '@sallyport/core/domain/exchange/medium';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import { digest } from '@sallyport/core/shared/ids';
import { sallyportVersion } from '@sallyport/core/shared/release';
import {
  mediumIndexFormat,
  mediumIndexName,
  mediumPlaces,
  printContentList,
} from '@sallyport/core/wire/medium';
import { readMediumIndex } from '@sallyport/core/wire/medium-reading';
import type { CourierPorts, MediumPart } from './courier-ports.ts';
import type { HierarchyPlan } from './plan.ts';
import type { OpenRequest } from './requests.ts';
import { printAnswer, type SentRequest } from './send.ts';
import type { VendorDocuments } from './vendor-documents.ts';

/** What lies on a part for one hierarchy, beside its blobs. */
interface Stop {
  readonly opened: OpenRequest;
  readonly sent: SentRequest | undefined;
  readonly plan: HierarchyPlan;
}

/** Room for an index, and for the folders and blocks of a file system. */
const slackBytes = 1024 * 1024;

/**
 * Writes what a medium carries beside its blobs. Its index says that it is not complete until everything else is there,
 * and is replaced at once: whatever ends the writing, the medium never says more than it has.
 */
export class MediumWriting {
  readonly #ports: CourierPorts;
  readonly #vendor: MediumIndex['vendor'];
  readonly #documents: VendorDocuments;
  /** What earlier trips have brought for hierarchies that are not on this one. */
  readonly #others: readonly MediumHierarchy[];

  private constructor(
    ports: CourierPorts,
    vendor: MediumIndex['vendor'],
    documents: VendorDocuments,
    others: readonly MediumHierarchy[],
  ) {
    this.#ports = ports;
    this.#vendor = vendor;
    this.#documents = documents;
    this.#others = others;
  }

  /** @throws {MediumError} OTHER_VENDOR when the medium holds what came from another */
  static async begin(
    ports: CourierPorts,
    vendor: MediumIndex['vendor'],
    documents: VendorDocuments,
    first: MediumPart,
  ): Promise<MediumWriting> {
    const { folder } = first;
    const bytes = await folder.read(mediumIndexName, mediumIndexFormat.maxBytes);
    if (bytes === undefined) return new MediumWriting(ports, vendor, documents, []);
    const before = readMediumIndex(bytes, `${folder.place}/${mediumIndexName}`);
    for (const { version, sha256 } of before.roots) {
      const own = documents.files.get(`metadata/${version}.root.json`);
      if (own === undefined || ports.digests.of('sha256', own) === sha256) continue;
      throw new MediumError(
        'OTHER_VENDOR',
        `${folder.place} holds a medium of another vendor (${before.vendor.name}): name an empty folder`,
        { place: folder.place },
      );
    }
    return new MediumWriting(ports, vendor, documents, before.hierarchies);
  }

  /** What each part carries beside its blobs. */
  overheadBytes(stops: readonly Pick<Stop, 'plan' | 'sent'>[]): number {
    let sizeBytes = slackBytes;
    for (const bytes of this.#documents.files.values()) sizeBytes += bytes.length;
    for (const { plan, sent } of stops) {
      sizeBytes += printContentList(plan.blobs.values()).length;
      if (sent !== undefined) sizeBytes += printAnswer(sent).length;
    }
    return sizeBytes;
  }

  /** Everything but the blobs: the index first, as of a medium that is not complete, so that the folder is known as one. */
  async writePart(
    { folder }: MediumPart,
    state: Pick<MediumIndex, 'complete' | 'part' | 'parts'>,
    entries: readonly MediumHierarchy[],
    stops: readonly Stop[],
  ): Promise<void> {
    await this.writeIndex({ folder }, state, entries);
    for (const [path, bytes] of this.#documents.files)
      if (path !== timestampPath) await folder.write(path, bytes);
    // Whoever reads it finds all that it names.
    const timestamp = this.#documents.files.get(timestampPath);
    if (timestamp !== undefined) await folder.write(timestampPath, timestamp);
    for (const { opened, sent, plan } of stops) {
      const { answer, content } = mediumPlaces(opened.request.hierarchyId);
      if (sent !== undefined) await folder.write(answer, printAnswer(sent));
      await folder.write(content, printContentList(plan.blobs.values()));
    }
  }

  async writeIndex(
    { folder }: Pick<MediumPart, 'folder'>,
    state: Pick<MediumIndex, 'complete' | 'part' | 'parts'>,
    entries: readonly MediumHierarchy[],
  ): Promise<void> {
    const { clock, digests } = this.#ports;
    const own = new Set(entries.map(({ hierarchyId }) => hierarchyId));
    const index: MediumIndex = {
      schema: 1,
      madeBy: sallyportVersion,
      vendor: this.#vendor,
      roots: [...this.#documents.files].flatMap(([path, bytes]) => {
        const [, version] = /^metadata\/(\d+)\.root\.json$/.exec(path) ?? [];
        return version === undefined
          ? []
          : [{ version: Number(version), sha256: digest(digests.of('sha256', bytes)) }];
      }),
      metadata: this.#documents.versions,
      writtenAt: new Date(clock.now()).toISOString(),
      ...state,
      hierarchies: [...this.#others.filter(({ hierarchyId }) => !own.has(hierarchyId)), ...entries],
    };
    await folder.write(mediumIndexName, mediumIndexFormat.print(index));
  }
}

const timestampPath = 'metadata/timestamp.json';
