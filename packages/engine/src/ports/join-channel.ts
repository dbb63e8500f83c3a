import type { JoinReply, JoinRequest } from '@sallyport/core/domain/sites/joining';

/** A new site's way to the parent that its token names, pinned by that parent's key. Errors are `LinkError`. */
export interface JoinChannel {
  /** Asks; the same request may be made again and again. */
  ask(request: JoinRequest, signal: AbortSignal): Promise<JoinReply>;
  /**
   * A version of the vendor's root as the parent holds it; undefined when it holds none of that version, or is of a
   * release that does not tell. It uses no token up.
   */
  trustRoot(version: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}
