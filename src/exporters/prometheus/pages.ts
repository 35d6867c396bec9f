import type { ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { contentType, type Format } from './negotiate.ts';

/** Nobody gets a page that shows an older moment. */
const FRESH_MS = 1000;

export interface Page {
  readonly parts: readonly Buffer[];
  /** Its bytes are packed, also where that was not asked for: a page may be too large to be held as it is. */
  readonly gzipped: boolean;
  /** The newest series in it (see SeriesStore.births). */
  readonly births: number;
  /** Where the parts may be changed once nobody reads them any more; each who gets the page is a reader. */
  readonly lent?: { readers: number } | undefined;
}

export interface PageWish {
  readonly format: Format;
  /** Series born later are shown as 0. */
  readonly seen: number;
  readonly gzipped: boolean;
}

interface RunningPage {
  readonly page: Promise<Page>;
  /** Who waits for it. */
  readers: number;
  /** The moment that it shows; undefined while it waits for its turn. */
  momentMs: number | undefined;
}

/** Renders one page at a time. Scrapes that ask alike while one is on its way share it. */
export class Pages {
  readonly #clock: Clock;
  readonly #render: (wish: PageWish) => Promise<Page>;
  readonly #running = new Map<string, RunningPage>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, render: (wish: PageWish) => Promise<Page>) {
    this.#clock = clock;
    this.#render = render;
  }

  get(wish: PageWish): Promise<Page> {
    const key = `${contentType(wish.format)} ${wish.seen} ${wish.gzipped}`;
    const known = this.#running.get(key);
    if (known !== undefined && this.#isFresh(known)) {
      known.readers++;
      return known.page;
    }
    const running: RunningPage = {
      momentMs: undefined,
      readers: 1,
      page: this.#last.then(async () => {
        running.momentMs = this.#clock.monotonicMs();
        try {
          const page = await this.#render(wish);
          if (page.lent !== undefined) page.lent.readers += running.readers;
          return page;
        } finally {
          if (this.#running.get(key) === running) this.#running.delete(key);
        }
      }),
    };
    // One at a time, so that what was held meanwhile gets its turn.
    this.#last = running.page.catch(() => undefined);
    this.#running.set(key, running);
    return running.page;
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ page }) => page));
  }

  #isFresh({ momentMs }: RunningPage): boolean {
    return momentMs === undefined || this.#clock.monotonicMs() - momentMs <= FRESH_MS;
  }
}

/** The page that a response is given is given back when the response is over. */
export function readUntilClosed({ lent }: Page, response: ServerResponse): void {
  if (lent === undefined) return;
  if (response.destroyed) lent.readers--;
  else response.once('close', () => lent.readers--);
}
