import type { EnvelopeJson } from '@sallyport/core/domain/sites/joining';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { ContentSource } from './content-source.ts';
import type { RepositorySource } from './repository.ts';

/** The signed documents that prove what a hierarchy's operating key says, to whoever knows the hierarchy's id. */
export interface HierarchyProof {
  readonly operatingKey: EnvelopeJson;
  readonly roster: EnvelopeJson;
}

/** What a handshake tells of the other side. Protocols are whole numbers; TUF versions become floors. */
export interface LinkHello {
  readonly site: SiteCode;
  readonly epoch: number;
  readonly protocols: { readonly lowest: number; readonly highest: number };
  readonly tufVersions: Readonly<Record<string, number>>;
  /** Highest arrival number here, and the highest applied from the other side. */
  readonly head: number;
  readonly cursor: number;
  /** The highest epoch known here of the other side: one that is below it is an old copy, or this side lies. */
  readonly peerEpoch: number;
  /** Set while this side has stopped applying the other's records, with the reason. */
  readonly fork?: string;
  /** Sent by a child whose parent did not take its word for `peerEpoch`, when the roster says so too. */
  readonly proof?: HierarchyProof;
}

/** A child's connection to its parent, mutually authenticated by the keys of the roster. Errors are `LinkError`. */
export interface ParentLink {
  hello(own: LinkHello, signal: AbortSignal): Promise<LinkHello>;
  /** Records above `after` in the parent's order; waits up to `waitMs` for the first one. */
  pull(
    after: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly records: readonly ReplicatedRecord[]; readonly cursor: number }>;
  /** Gives records to the parent; resolves when the parent has them durably. `cursor` is the arrival number of the last one here. */
  push(records: readonly ReplicatedRecord[], cursor: number, signal: AbortSignal): Promise<void>;
  /** The parent's content library. */
  readonly content: ContentSource;
  /** The vendor's metadata as the parent holds it, byte-identical. */
  readonly repository: RepositorySource;
  close(): Promise<void>;
}
