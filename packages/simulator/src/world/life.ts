/** A process for as long as it lives. After its end nothing of it has an effect any more. */
export class Life {
  #isOver = false;
  readonly #onEnd = new Set<() => void>();

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends it at once; harmless a second time. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const last = [...this.#onEnd];
    this.#onEnd.clear();
    for (const action of last) action();
  }

  /** Called when it ends. Answers how to forget it. */
  onEnd(action: () => void): () => void {
    this.#onEnd.add(action);
    return () => {
      this.#onEnd.delete(action);
    };
  }
}
