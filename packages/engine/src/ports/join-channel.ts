import type { JoinReply, JoinRequest } from '@sallyport/core/domain/sites/joining';

/** A new site's way to the parent that its token names, pinned by that parent's key. Errors are `LinkError`. */
export interface JoinChannel {
  /** Asks; the same request may be made again and again. */
  ask(request: JoinRequest, signal: AbortSignal): Promise<JoinReply>;
  close(): Promise<void>;
}
