const PAGE_BITS = 13;
const PAGE = 1 << PAGE_BITS;

type Page = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/**
 * Many numbers from 0, exact as doubles are: each page of them is as narrow as its largest number allows, and one
 * with a number that is not whole is of doubles.
 */
export class Counts {
  #pages: Page[] = [];

  static of(values: Float64Array): Counts {
    const counts = new Counts();
    for (let i = 0; i < values.length; i++) counts.add(i, values[i] as number);
    return counts;
  }

  /** 0 where nothing was added. */
  get(index: number): number {
    return this.#pages[index >>> PAGE_BITS]?.[index & (PAGE - 1)] ?? 0;
  }

  /** Those from `index` on, as many as `into` has. */
  read(index: number, into: Float64Array): void {
    const at = index & (PAGE - 1);
    const page = this.#pages[index >>> PAGE_BITS];
    const isWithin = page !== undefined && at + into.length <= PAGE;
    for (let i = 0; i < into.length; i++) into[i] = isWithin ? (page[at + i] as number) : this.get(index + i);
  }

  add(index: number, amount: number): void {
    if (amount === 0) return;
    const place = index >>> PAGE_BITS;
    while (place >= this.#pages.length) this.#pages.push(new Uint8Array(PAGE));
    const at = index & (PAGE - 1);
    let page = this.#pages[place] as Page;
    const sum = (page[at] as number) + amount;
    page[at] = sum;
    // A page that is too narrow does not give back what it was given.
    while (page[at] !== sum && !(page instanceof Float64Array)) {
      page = wider(page, at, sum - amount);
      this.#pages[place] = page;
      page[at] = sum;
    }
  }

  clear(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const page = this.#pages[i >>> PAGE_BITS];
      if (page !== undefined) page[i & (PAGE - 1)] = 0;
    }
  }
}

/** `was` stood at `at` before something was written there. */
function wider(page: Page, at: number, was: number): Page {
  page[at] = was;
  if (page instanceof Uint8Array) return new Uint16Array(page);
  if (page instanceof Uint16Array) return new Uint32Array(page);
  return new Float64Array(page);
}
