export interface DeathRecord {
  readonly lane: number;
  readonly death: string;
  readonly why: string;
}

const WITHIN_MS = 60_000;
const TOO_MANY = 3;

/** Counts the deaths of threads: when three come within a minute, starting them again is no use. */
export class Deaths {
  readonly #records: { readonly record: DeathRecord; readonly atMs: number }[] = [];
  #hungMs = 0;

  /** A thread did nothing for so long before it was ended: that does not make its death a late one. */
  hung(ms: number): void {
    this.#hungMs += ms;
  }

  /** Returns the last three when this was one too many. */
  add(record: DeathRecord, nowMs: number): readonly DeathRecord[] | undefined {
    this.#records.push({ record, atMs: nowMs - this.#hungMs });
    while (this.#records.length > TOO_MANY) this.#records.shift();
    const [first] = this.#records;
    const last = this.#records.at(-1);
    if (first === undefined || last === undefined || this.#records.length < TOO_MANY) return undefined;
    return last.atMs - first.atMs <= WITHIN_MS ? this.#records.map(({ record: one }) => one) : undefined;
  }
}
