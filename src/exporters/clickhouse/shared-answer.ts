/**
 * Many who ask the same at once share an answer, but never one that was begun before they asked: they wait for
 * the next. Rejects as `ask` does.
 */
export class SharedAnswer<A> {
  readonly #ask: () => Promise<A>;
  #running: Promise<A> | undefined;
  #next: Promise<A> | undefined;

  constructor(ask: () => Promise<A>) {
    this.#ask = ask;
  }

  async get(): Promise<A> {
    if (this.#running === undefined) return await this.#begin();
    const begin = async (): Promise<A> => {
      this.#next = undefined;
      return await this.#begin();
    };
    this.#next ??= this.#running.then(begin, begin);
    return await this.#next;
  }

  #begin(): Promise<A> {
    const answer = this.#ask();
    this.#running = answer;
    // Before whoever waits for the next: they find nothing running.
    const forget = (): void => {
      this.#running = undefined;
    };
    answer.then(forget, forget);
    return answer;
  }
}
