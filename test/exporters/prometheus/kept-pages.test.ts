import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeptPages } from '../../../src/exporters/prometheus/kept-pages.ts';
import { SeriesLabels } from '../../../src/exporters/prometheus/labels.ts';
import { metricNames } from '../../../src/exporters/prometheus/names.ts';
import { negotiate } from '../../../src/exporters/prometheus/negotiate.ts';
import { renderPage } from '../../../src/exporters/prometheus/page.ts';
import type { PageRequest } from '../../../src/exporters/prometheus/page-request.ts';
import { PlainSource } from '../../../src/exporters/prometheus/plain-source.ts';
import { SeriesStore } from '../../../src/exporters/prometheus/series-store.ts';
import type { RedDescription } from '../../../src/red/red-description.ts';
import type { SeriesKey } from '../../../src/red/red-rows.ts';
import { deltaOf, keyOf } from './deltas.ts';

const BOUNDS = [1, 10];
const description: RedDescription = {
  namespace: 'traces.span.metrics',
  unit: 'ms',
  bounds: BOUNDS,
  dimensions: [],
  excluded: new Set(),
};
const PLENTY = 1 << 30;
const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0';

interface Shown {
  readonly keys: SeriesKey[];
  readonly store: SeriesStore;
  /** Adds to series `i` of `keys`. */
  readonly count: (i: number, calls: number, sumNs?: number) => void;
  readonly request: (accept?: string) => PageRequest;
}

function shown(): Shown {
  const keys: SeriesKey[] = [];
  const room = { limit: 10_000, used: 0, overflow: 0, births: 0 };
  const labels = new SeriesLabels(description, { utf8: false, constLabels: {}, scopeInfo: true });
  const store = new SeriesStore(labels, room, { bucketCount: BOUNDS.length + 1 });
  const names = metricNames(description, { suffixes: true, utf8: false, namespace: '' });
  return {
    keys,
    store,
    count: (i, calls, sumNs = 0) => {
      const rows = [{ series: i, calls, sumNs, buckets: [calls, 0, 0] }];
      store.apply(0, deltaOf(rows), keys, { wallMs: 1.7e12, monotonicMs: 1 });
    },
    request: (accept) => ({
      format: negotiate(accept, true),
      sources: [{ names, unit: 'ms', bounds: BOUNDS, calls: store, duration: store, events: undefined }],
      targets: ['job="shop",instance="1"'],
      targetInfo: 'target_info',
      timestampMs: undefined,
      created: true,
      seen: Number.POSITIVE_INFINITY,
    }),
  };
}

const afresh = (request: PageRequest): string =>
  Array.from(renderPage(request), (chunk) => chunk.toString()).join('');

const keptText = async (pages: KeptPages, request: PageRequest): Promise<string | undefined> => {
  const page = await pages.of(request, 0, true);
  return page && Buffer.concat([...page.parts]).toString();
};

const linesOf = (page: string | undefined, name: string): string[] =>
  (page ?? '').split('\n').filter((line) => line.startsWith(`${name}{`));

test('a kept page shows what has changed since, in its place', async () => {
  const { keys, count, request } = shown();
  keys.push(keyOf('a'), keyOf('b'));
  const pages = new KeptPages(PLENTY);
  count(0, 9, 1_500_000);
  count(1, 1);
  const first = await keptText(pages, request());
  count(0, 1);
  const second = await keptText(pages, request());
  const numbers = (page: string | undefined, name: string): (string | undefined)[] =>
    linesOf(page, name).map((line) => line.split(' ').at(-1));
  const calls = 'traces_span_metrics_calls_total';
  expect([numbers(first, calls), numbers(second, calls)]).toEqual([
    ['9', '1'],
    ['10', '1'],
  ]);
  const buckets = 'traces_span_metrics_duration_milliseconds_bucket';
  expect(numbers(second, buckets)).toEqual(['10', '10', '10', '1', '1', '1']);
  expect(numbers(second, 'traces_span_metrics_duration_milliseconds_sum')).toEqual(['1.5', '0']);
});

test('lines of a third of a chunk are whole', () => {
  const { keys, count, request } = shown();
  keys.push(keyOf('x'.repeat(90_000)));
  count(0, 1);
  const lines = afresh(request(OPEN_METRICS)).split('\n');
  const created = lines.filter((line) => line.includes('_created{'));
  expect(created.map((line) => line.split(' ').at(-1))).toEqual(['1.7e+09', '1.7e+09']);
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('count' as const),
      series: fc.nat(39),
      calls: fc.oneof(
        fc.nat(12),
        fc.nat(2_000_000),
        fc.double({ min: 1, max: 1e9, noNaN: true }),
        fc.constant(1e22),
      ),
      sumNs: fc.oneof(fc.nat(1_000_000_000), fc.constant(1e20)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('forget' as const), series: fc.nat(39) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('show' as const), open: fc.boolean() }) },
);

test('a kept page reads like one rendered afresh, whatever was counted, began and was forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { keys, store, count, request } = shown();
      // Some labels are so long that few series fill a block, and one that a block has no room for it.
      for (let i = 0; i < 40; i++)
        keys.push(keyOf(`op-${i}${'x'.repeat(i % 10 === 0 ? 30_000 * (i / 10) : i)}`));
      const pages = new KeptPages(PLENTY);
      for (const next of [...steps, { act: 'show', open: false }, { act: 'show', open: true }] as const) {
        if (next.act === 'count') count(next.series, next.calls, next.sumNs);
        else if (next.act === 'forget') {
          if (next.series < store.size && store.createdMs[next.series] !== 0) store.forget([next.series]);
        } else {
          const own = request(next.open ? OPEN_METRICS : undefined);
          expect(await keptText(pages, own)).toBe(afresh(own));
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('families that are made anew for each page may lose points and change their order', async () => {
  const [first, second, third] = ['a', 'b', 'c'].map((client) => [['client', client]] as const);
  const point = (labels: typeof first, value: number) => ({ labels: labels ?? [], value, createdMs: 1 });
  let points = [point(first, 1), point(second, 2), point(third, 3)];
  const source = new PlainSource(
    { plainFamilies: () => [{ kind: 'counter', name: 'edges_total', help: '', scope: 'graph', points }] },
    {
      utf8: false,
      constLabels: {},
      scopeInfo: false,
      translation: { suffixes: true, utf8: false, namespace: '' },
      room: { limit: 10, used: 0, births: 0, overflow: 0 },
    },
  );
  const pages = new KeptPages(PLENTY);
  const shownLines = async (): Promise<string[]> => {
    const request = { ...shown().request(), sources: [], plain: source.shown('underscores') };
    return linesOf(await keptText(pages, request), 'edges_total');
  };
  expect(await shownLines()).toEqual([
    'edges_total{client="a"} 1',
    'edges_total{client="b"} 2',
    'edges_total{client="c"} 3',
  ]);
  points = [point(third, 13), point(first, 1)];
  expect(await shownLines()).toEqual(['edges_total{client="c"} 13', 'edges_total{client="a"} 1']);
  points = [point(third, 14), point(first, 1), point(second, 5)];
  expect(await shownLines()).toEqual([
    'edges_total{client="c"} 14',
    'edges_total{client="a"} 1',
    'edges_total{client="b"} 5',
  ]);
});

test('a page that somebody reads stays as it is, and the next one is not made of it', async () => {
  const { keys, count, request } = shown();
  keys.push(keyOf('a'));
  const pages = new KeptPages(PLENTY);
  count(0, 1);
  const page = await pages.of(request(), 0, true);
  if (page === undefined) throw new Error('not kept');
  const text = Buffer.concat([...page.parts]).toString();
  page.readers++;
  count(0, 1);
  expect(await pages.of(request(), 0, true)).toBeUndefined();
  expect(Buffer.concat([...page.parts]).toString()).toBe(text);
  page.readers--;
  expect(await pages.of(request(), 0, true)).toBe(page);
  expect(Buffer.concat([...page.parts]).toString()).toBe(afresh(request()));
});

test('pages that have no room are not kept, and neither is one that was not asked for as it is', async () => {
  const { keys, count, request } = shown();
  keys.push(keyOf('a'));
  count(0, 1);
  expect(await new KeptPages(1000).of(request(), 0, true)).toBeUndefined();
  const pages = new KeptPages(PLENTY);
  expect(await pages.of(request(), 0, false)).toBeUndefined();
  await pages.of(request(), 0, true);
  expect(await pages.of(request(), 0, false)).toBeDefined();
  expect(await pages.of({ ...request(), timestampMs: 1 }, 0, true)).toBeUndefined();
  expect(await pages.of({ ...request(), seen: 3 }, 0, true)).toBeUndefined();
});

test('a page that nobody has asked for in five minutes is let go of', async () => {
  const { keys, count, request } = shown();
  keys.push(keyOf('a'));
  count(0, 1);
  const pages = new KeptPages(PLENTY);
  const page = await pages.of(request(), 0, true);
  pages.sweep(300_000);
  expect(await pages.of(request(), 0, true)).toBe(page);
  pages.sweep(300_001);
  expect(await pages.of(request(), 0, false)).toBeUndefined();
});
