interface Asked<A> {
  readonly answer: Promise<A>;
  next?: Promise<A>;
}

/**
 * Many who ask the same at once share an answer, but never one that was begun before they asked: they wait for
 * the next. Rejects as `ask` does.
 */
export class SharedQuestions<A> {
  readonly #ask: (about: string) => Promise<A>;
  readonly #asked = new Map<string, Asked<A>>();

  constructor(ask: (about: string) => Promise<A>) {
    this.#ask = ask;
  }

  async answer(about: string): Promise<A> {
    const running = this.#asked.get(about);
    if (running === undefined) return await this.#begin(about);
    const begin = async (): Promise<A> => await this.#begin(about);
    running.next ??= running.answer.then(begin, begin);
    return await running.next;
  }

  #begin(about: string): Promise<A> {
    const answer = this.#ask(about);
    this.#asked.set(about, { answer });
    // Before whoever waits for the next: they find nothing running.
    const forget = (): void => void this.#asked.delete(about);
    answer.then(forget, forget);
    return answer;
  }
}
