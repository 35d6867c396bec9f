import { expect, test } from 'vitest';
import { negotiate } from '../../../src/exporters/prometheus/negotiate.ts';
import { type Page, Pages } from '../../../src/exporters/prometheus/pages.ts';
import { Scrapers } from '../../../src/exporters/prometheus/scrapers.ts';
import { handClock } from './deltas.ts';

const WISH = { format: negotiate(undefined, false), seen: 0, gzipped: true };

const pageOf = (text: string): Page => ({ parts: [Buffer.from(text)], gzipped: true, births: 0 });

function slowPages() {
  const clock = handClock();
  const ends: ((page: Page) => void)[] = [];
  const pages = new Pages(clock, () => new Promise((resolve) => ends.push(resolve)));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, ends, pages, turn };
}

test('a page that shows a moment of more than a second ago is not shared', async () => {
  const { clock, ends, pages, turn } = slowPages();
  const first = pages.get(WISH);
  await turn();
  clock.forward(1000);
  expect(pages.get(WISH)).toBe(first);
  clock.forward(1);
  const second = pages.get(WISH);
  expect(second).not.toBe(first);
  // It waits for its turn: whoever comes now gets its moment, which is yet to be.
  clock.forward(60_000);
  expect(pages.get(WISH)).toBe(second);
  ends[0]?.(pageOf('1'));
  await first;
  await turn();
  ends[1]?.(pageOf('2'));
  expect(Buffer.concat((await second).parts).toString()).toBe('2');
  expect(pages.get(WISH)).not.toBe(second);
});

test('a packed page and one that is not packed are not shared', async () => {
  const { pages } = slowPages();
  expect(pages.get({ ...WISH, gzipped: false })).not.toBe(pages.get(WISH));
});

test('everyone who scrapes regularly is waited for, and nobody else', () => {
  const scrapers = new Scrapers();
  const none = () => 0;
  scrapers.visit('gone', 0, none);
  scrapers.visit('a', 500_000, none);
  scrapers.visit('b', 500_000, none);
  expect(scrapers.haveAllComeSince(510_000)).toBe(false);
  scrapers.visit('a', 511_000, none);
  expect(scrapers.haveAllComeSince(510_000)).toBe(false);
  scrapers.visit('b', 512_000, none);
  expect(scrapers.haveAllComeSince(510_000)).toBe(true);
});
