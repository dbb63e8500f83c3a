import type { Socket } from 'node:net';
import type { Log } from '../../ports/log.ts';

/** So many connections may be open of whoever has not shown a child's key yet: sites that join, and attackers. */
const strangersMax = 512;
/** Somebody who keeps trying fills no log. */
const tellEvery = 10_000;

/**
 * Connections of whoever has not shown the key of a child site. They are bounded by themselves, and the oldest makes
 * room for the newest: a child shows its key within the handshake, so whoever only holds connections open keeps no
 * child out.
 */
export class Strangers {
  readonly #log: Log;
  readonly #max: number;
  /** By the caller's address and port, which the plain and the encrypted side of a connection share; oldest first. */
  readonly #open = new Map<string, Socket>();
  #closed = 0;

  constructor(log: Log, max = strangersMax) {
    this.#log = log;
    this.#max = max;
  }

  /** Somebody has called, and has not said who it is. */
  came(socket: Socket): void {
    const caller = callerOf(socket);
    this.#open.set(caller, socket);
    socket.once('close', () => {
      if (this.#open.get(caller) === socket) this.#open.delete(caller);
    });
    if (this.#open.size > this.#max) this.#closeOldest(caller);
  }

  /** The connection is encrypted now: whoever ends it, ends this side. */
  isEncrypted(socket: Socket): void {
    const caller = callerOf(socket);
    if (this.#open.has(caller)) this.#open.set(caller, socket);
  }

  /** It has shown the key of a child site. */
  isKnown(socket: Socket): void {
    this.#open.delete(callerOf(socket));
  }

  /** Nobody waits for whoever says nothing. */
  close(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }

  #closeOldest(newest: string): void {
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    const [caller, socket] = oldest;
    this.#open.delete(caller);
    socket.destroy();
    if (this.#closed % tellEvery === 0) {
      this.#log.warn(
        'More than {max} connections are open without the key of a child site, the newest from {newest}: the oldest are closed, so that children get in. Find out who calls, and let only sites reach this port',
        { max: this.#max, newest },
      );
    }
    this.#closed += 1;
  }
}

function callerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? 'somewhere'} ${remotePort ?? 0}`;
}
