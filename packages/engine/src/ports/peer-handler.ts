import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { JoinReply, JoinRequest } from '@sallyport/core/domain/sites/joining';
import type { LinkErrorCode } from './link-error.ts';
import type { LinkHello } from './parent-link.ts';

/** Whom a link key belongs to, as the parent's roster says. */
export type PeerIdentity =
  | { readonly kind: 'child'; readonly site: SiteCode }
  | { readonly kind: 'refused'; readonly code: LinkErrorCode; readonly message: string };

/** The parent's side of its children's links: what the server asks once it knows the caller's key. Errors are `LinkError`. */
export interface PeerHandler {
  /** Asked with every request, so that a revocation counts at once. */
  identify(key: string): PeerIdentity;
  hello(child: SiteCode, hello: LinkHello): Promise<LinkHello>;
  /** Records for the child above `after`; waits up to `waitMs` for the first one. */
  pull(
    child: SiteCode,
    after: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly records: readonly ReplicatedRecord[]; readonly cursor: number }>;
  /** Takes a child's records, not believed in yet; they are durable when it answers. */
  push(child: SiteCode, records: readonly unknown[], cursor: number): void;
  /** A site that is not in the roster yet asks to be; `clientKey` is proved by the connection. */
  join(request: JoinRequest, clientKey: string): JoinReply;
}
