/** Sanity limits on what a repository may make a client fetch. */
export interface TrustLimits {
  readonly rootMaxBytes: number;
  readonly timestampMaxBytes: number;
  /** When the timestamp names no length. */
  readonly snapshotMaxBytes: number;
  /** For each targets role when the snapshot names no length. */
  readonly targetsMaxBytes: number;
  /** Root versions that one refresh follows. */
  readonly rootRotationsMax: number;
  /** Delegated roles that one search visits. */
  readonly delegatedRolesMax: number;
  /** A target that is read into memory whole. */
  readonly targetFileMaxBytes: number;
}

export const defaultTrustLimits: TrustLimits = {
  rootMaxBytes: 512_000,
  timestampMaxBytes: 16_384,
  snapshotMaxBytes: 2_000_000,
  targetsMaxBytes: 5_000_000,
  rootRotationsMax: 256,
  delegatedRolesMax: 32,
  targetFileMaxBytes: 32 * 1024 * 1024,
};
