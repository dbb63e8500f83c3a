import type { Dispatcher } from 'undici';

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** The head of an answer. */
export interface HttpHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Headers;
}

/** However small they are: each may keep the whole of what was read from the connection with it in memory. */
const piecesMax = 64;

/**
 * One answer as the dispatcher hands it over: the body waits here in the very pieces that the connection gave. A stream in
 * between would copy every byte once more. The server is held back while `aheadBytes` or more wait.
 */
export class HttpReceiver implements Dispatcher.DispatchHandler {
  /** Rejects with what the connection failed with, or `end` was given, when that comes first. */
  readonly head: Promise<HttpHead>;
  readonly #head = Promise.withResolvers<HttpHead>();
  readonly #aheadBytes: number;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.end(this.#signal.reason);
  readonly #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #outcome: { readonly failure?: unknown } | undefined;
  /** Whoever waits for a change. */
  #waking: PromiseWithResolvers<void> | undefined;

  /** @param signal ends it with its reason */
  constructor(aheadBytes: number, signal: AbortSignal) {
    this.#aheadBytes = aheadBytes;
    this.#signal = signal;
    this.head = this.#head.promise;
    // It may fail after nobody waits for it any more.
    this.head.catch(() => undefined);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) {
      this.#onAbort();
    }
  }

  /** Whether everything came and was taken. */
  get isOver(): boolean {
    return this.#outcome !== undefined && !('failure' in this.#outcome) && this.#pieces.length === 0;
  }

  /** The next piece of the body, if it is here. @throws what the connection failed with, after everything that came before */
  take(): Uint8Array | undefined {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#pieceBytes -= piece.length;
      if (!this.#hasEnough()) {
        this.#controller?.resume();
      }
      return piece;
    }
    if (this.#outcome !== undefined && 'failure' in this.#outcome) {
      throw this.#outcome.failure;
    }
    return undefined;
  }

  /** Resolves as soon as `take` or `isOver` may say something else; one waits at a time. */
  async changed(): Promise<void> {
    if (this.#pieces.length === 0 && this.#outcome === undefined) {
      this.#waking ??= Promise.withResolvers();
      await this.#waking.promise;
    }
  }

  /** Ends the exchange with whatever is still to come, and drops what waits; without effect on one that is complete. */
  end(reason: unknown): void {
    this.#pieces.length = 0;
    this.#pieceBytes = 0;
    if (this.#outcome === undefined) {
      this.#fail(reason);
      this.#controller?.abort(asError(reason));
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#outcome !== undefined) {
      controller.abort(asError(this.#outcome.failure));
    }
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // What comes before the answer itself (103 and the like) tells nothing here.
    if (status >= 200) {
      this.#head.resolve({ status, headers });
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Uint8Array): void {
    if (this.#outcome !== undefined) {
      return;
    }
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
    if (this.#hasEnough()) {
      controller.pause();
    }
    this.#wake();
  }

  onResponseEnd(): void {
    this.#over({});
  }

  onResponseError(_: Dispatcher.DispatchController, failure: Error): void {
    this.#fail(failure);
  }

  #fail(failure: unknown): void {
    this.#head.reject(failure);
    this.#over({ failure });
  }

  #over(outcome: { readonly failure?: unknown }): void {
    this.#outcome ??= outcome;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#wake();
  }

  #hasEnough(): boolean {
    return this.#pieceBytes >= this.#aheadBytes || this.#pieces.length >= piecesMax;
  }

  #wake(): void {
    this.#waking?.resolve();
    this.#waking = undefined;
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('the request was ended', { cause: reason });
}
