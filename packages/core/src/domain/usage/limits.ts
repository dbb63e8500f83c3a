/**
 * How much of what a site holds is looked at: collecting must not keep a site server from its work, however much there is.
 * What a limit cuts short says so in the dictionary. Counting these many rows or records takes tens of milliseconds.
 */
export interface UsageLimits {
  /** Of the site's own events, the newest. */
  readonly eventsMax: number;
  /** Of each table. */
  readonly rowsMax: number;
  /** Of each kind. */
  readonly recordsMax: number;
  readonly blobsMax: number;
  /** The newest. */
  readonly ordersMax: number;
}

export const usageLimits: UsageLimits = {
  eventsMax: 20_000,
  rowsMax: 200_000,
  recordsMax: 50_000,
  blobsMax: 200_000,
  ordersMax: 500,
};
