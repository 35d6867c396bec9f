/** What a scraper that was never here before gets for older series is the truth: their start is long past. */
const YOUNG_MS = 300_000;
const MOST_SCRAPERS = 64;
/** Who has not come for so long is not waited for. */
const ABSENT_MS = 300_000;

export interface Scraper {
  /** Series born later (see SeriesStore.births) it has not seen yet. */
  seen: number;
  /** Monotonic clock. */
  lastMs: number;
}

/** Who scrapes: told apart by address and program. */
export class Scrapers {
  readonly #scrapers = new Map<string, Scraper>();

  /** `oldBirths` tells how many series are older than `youngMs`; asked for a newcomer only. */
  visit(name: string, nowMs: number, oldBirths: (youngMs: number) => number): Scraper {
    const scraper = this.#scrapers.get(name) ?? { seen: oldBirths(YOUNG_MS), lastMs: nowMs };
    // The one that has not come for longest is first.
    this.#scrapers.delete(name);
    this.#scrapers.set(name, scraper);
    scraper.lastMs = nowMs;
    const oldest = this.#scrapers.keys().next().value;
    if (this.#scrapers.size > MOST_SCRAPERS && oldest !== undefined) this.#scrapers.delete(oldest);
    return scraper;
  }

  /** True when everyone who comes regularly was here at `sinceMs` or later. */
  haveAllComeSince(sinceMs: number): boolean {
    for (const { lastMs } of this.#scrapers.values()) {
      if (lastMs < sinceMs && sinceMs - lastMs < ABSENT_MS) return false;
    }
    return true;
  }
}
