interface Counted {
  count: number;
  /** At most so much of the count is of others. */
  error: number;
}

/**
 * The words that come most often, in bounded memory (Metwally, Agrawal, El Abbadi: Space-Saving, 2005): whatever
 * makes up more than 1/capacity of all that was offered is in it, and no count is too small.
 */
export class SpaceSaving {
  readonly #capacity: number;
  readonly #words = new Map<string, Counted>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Returns how often the word came at least. */
  offer(word: string, times: number): number {
    const known = this.#words.get(word);
    if (known !== undefined) {
      known.count += times;
      return known.count - known.error;
    }
    const error = this.#words.size < this.#capacity ? 0 : this.#giveUpSmallest();
    this.#words.set(word, { count: error + times, error });
    return times;
  }

  #giveUpSmallest(): number {
    let smallest = '';
    let least = Number.POSITIVE_INFINITY;
    for (const [word, { count }] of this.#words) {
      if (count >= least) continue;
      least = count;
      smallest = word;
    }
    this.#words.delete(smallest);
    return least;
  }
}
