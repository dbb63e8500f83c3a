import { SallyportError } from '@sallyport/core/shared/errors';

/** Why a source gave nothing: the way there is at fault, not what it carries. */
export type RepositorySourceErrorCode =
  | 'BAD_ADDRESS'
  | 'BAD_NAME'
  | 'BAD_STATUS'
  | 'STALLED'
  | 'TOO_LARGE'
  | 'UNREACHABLE';

export class RepositorySourceError extends SallyportError<RepositorySourceErrorCode> {}

/**
 * Somewhere a TUF repository can be read from: the cloud over HTTPS, the parent site, a folder or medium.
 * Never trusted: whoever reads verifies.
 */
export interface RepositorySource {
  /** For logs and errors. */
  readonly name: string;
  /**
   * A metadata file by its name in the repository (`12.root.json`, `timestamp.json`, `3.catalog.json`; role names
   * are percent-encoded). Resolves to undefined when there is none, and never reads more than `maxBytes`.
   * @throws {RepositorySourceError} TOO_LARGE, UNREACHABLE, STALLED, BAD_STATUS, BAD_NAME
   */
  metadata(
    name: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined>;
  /**
   * A target file by its path in the repository (already with the digest in its name when the repository has
   * consistent snapshots). The chunks come once, in order, and fail with TOO_LARGE beyond `maxBytes`.
   * @throws {RepositorySourceError} as above, also while chunks are read
   */
  target(
    path: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
}
