import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { compareText } from '../../../src/sampling/by-operation.ts';
import { type Board, type BoardQuery, committedBoards, queriesOf } from '../../support/boards.ts';
import { clickhouseClient } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { ALL, expandPromql, type Moment } from '../../support/grafana-macros.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';
import { type Answered, askClickHouse, askPrometheus, type Row, targetOf } from './ask.ts';
import { storeDecisions } from './decisions.ts';
import { type FilledPrometheus, fillPrometheus } from './observed.ts';
import { QUESTIONS } from './other-dashboards.ts';
import { type ShopEngine, startShopEngine } from './shop-engine.ts';

const dir = makeTempDir('spanweir-grafana-');
let shop: ShopEngine;
let filled: FilledPrometheus;
let client: ClickHouseClient;

beforeAll(async () => {
  shop = await startShopEngine(dir);
  await storeDecisions(shop.database, shop.untilMs);
  filled = await fillPrometheus({
    dir: join(dir, 'prometheus'),
    pages: shop.pages,
    untilMs: shop.untilMs,
    target: shop.addresses.metrics,
  });
  client = clickhouseClient(shop.database);
});
afterAll(async () => {
  await client?.close();
  await filled?.stop();
  await shop?.end();
  rmSync(dir, { recursive: true, force: true });
});

const boards = new Map(committedBoards().map((board) => [board.uid, board]));
const boardOf = (uid: string): Board => boards.get(uid) as Board;

/** These ask for what the engine says of itself now, the others for the past hour of the shop. */
const LIVE = new Set(['spanweir-engine', 'spanweir-sampling']);

function momentOf(board: Board, values: Moment['values'] = {}): Moment {
  const isLive = LIVE.has(board.uid);
  const toMs = isLive ? Date.now() : shop.untilMs;
  return {
    fromMs: shop.untilMs - 3_600_000,
    toMs,
    intervalS: isLive ? 5 : 60,
    values: {
      trace_id: anyTrace,
      connector: 'span_metrics',
      ...(board.uid === 'spanweir-engine' && { instance: shop.addresses.own }),
      ...values,
    },
    variables: board.templating.list,
  };
}

let anyTrace = '';

async function ask({ board, target }: Pick<BoardQuery, 'board' | 'target'>, values?: Moment['values']) {
  const moment = momentOf(board, values);
  if (target.rawSql !== undefined) return await askClickHouse(client, target.rawSql, moment);
  const url = LIVE.has(board.uid) ? inject('prometheusUrl') : filled.url;
  return await askPrometheus(url, target, moment);
}

async function series(
  uid: string,
  title: string,
  refId = 'A',
  values?: Moment['values'],
): Promise<Answered[]> {
  const board = boardOf(uid);
  return (await ask({ board, target: targetOf(board, title, refId) }, values)) as Answered[];
}

async function rows(uid: string, title: string, values?: Moment['values']): Promise<Row[]> {
  const board = boardOf(uid);
  return (await ask({ board, target: targetOf(board, title) }, values)) as Row[];
}

/** Values by one label. */
const byLabel = (answers: readonly Answered[], label: string): Record<string, number> =>
  Object.fromEntries(answers.map(({ labels, value }) => [labels[label], Number(value.toFixed(6))]));

beforeAll(async () => {
  const [row] = await askClickHouse(
    client,
    "SELECT TraceId FROM otel_traces WHERE SpanName = 'SELECT' LIMIT 1",
    momentOf(boardOf('spanweir-trace-explorer')),
  );
  anyTrace = String(row?.['TraceId']);
});

describe.each([...boards.keys()])('%s', (uid) => {
  test('every query of every panel has an answer', async () => {
    let empty: string[] = [];
    const hasAll = async (): Promise<boolean> => {
      empty = [];
      for (const query of queriesOf(boardOf(uid))) {
        if ((await ask(query)).length === 0) empty.push(query.name);
      }
      return empty.length === 0;
    };
    // Pollers, edges and the rates of counters that have just begun show up with the next looks and scrapes.
    await waitFor('every query has an answer', hasAll, { everyMs: 500 }).catch(() => {});
    expect(empty).toEqual([]);
  });

  test('the values of its variables can be had', async () => {
    const board = boardOf(uid);
    for (const { name, query, datasource } of board.templating.list) {
      if (datasource === undefined || query === undefined) continue;
      const text = typeof query === 'string' ? query : query.query;
      const found =
        datasource.type === 'prometheus'
          ? await labelValues(board, text)
          : await askClickHouse(client, text, momentOf(board));
      expect(found.length, `${uid} ${name}`).toBeGreaterThan(0);
    }
  });
});

/** What `label_values(metric, label)` asks for. */
async function labelValues(board: Board, query: string): Promise<string[]> {
  const [, expr, label] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
  const target = {
    refId: 'A',
    datasource: { type: '', uid: '' },
    expr: `group by (${label}) (${expr})`,
    instant: true,
  };
  const answers = (await ask({ board, target })) as Answered[];
  return answers.flatMap(({ labels }) => labels[label as string] ?? []);
}

describe('what is shown is what was sent', () => {
  test('rate, errors and quantiles of services', async () => {
    const of = async (refId: string) =>
      byLabel(await series('spanweir-service-performance', 'Services', refId), 'service_name');
    expect(await of('A')).toEqual({ frontend: 2, cart: 2, payment: 1 });
    expect(await of('B')).toEqual({ frontend: 0.05, cart: 0.05, payment: 0 });
    // 102 of 120 within (2, 4], 114 up to 50, 6 within (200, 400].
    expect((await of('C')).frontend).toBeCloseTo(2 + (2 * 60) / 102, 5);
    expect((await of('D')).frontend).toBeCloseTo(50, 5);
    expect((await of('E')).frontend).toBeCloseTo(200 + (200 * 4.8) / 6, 5);
  });

  test('one operation of one service', async () => {
    const values = { service: ['frontend'], operation: ['cart.Get'], kind: ['SPAN_KIND_CLIENT'] };
    const calls = await series('spanweir-service-performance', 'Operations', 'A', values);
    expect(byLabel(calls, 'span_name')).toEqual({ 'cart.Get': 2 });
    const busy = await series('spanweir-service-performance', 'Operations', 'F', values);
    expect(byLabel(busy, 'span_name')).toEqual({ 'cart.Get': 0.004 });
    const slowest = await rows('spanweir-service-performance', 'Slowest spans', values);
    expect(slowest.map(({ ms }) => ms)).toEqual(Array.from({ length: 50 }, () => 2));
  });

  test('how sure a rate is', async () => {
    const of = async (service: string) => {
      const minutes = await rows('spanweir-service-performance', 'Rate with its 95 % interval', {
        service: [service],
      });
      return minutes.at(-2);
    };
    expect(await of('cart')).toMatchObject({ rate: 2, low: 2, high: 2 });
    // 30 spans of weight 2: a variance of 60 about 60 calls.
    const sampled = await of('payment');
    expect(sampled?.['rate']).toBe(1);
    expect(sampled?.['low']).toBeCloseTo(46.6176 / 60, 4);
    expect(sampled?.['high']).toBeGreaterThan(76 / 60);
    expect(sampled?.['high']).toBeLessThan(80 / 60);
  });

  test('decisions, what they lead to, and who does not follow', async () => {
    const mail = { service: ['mail'] };
    const stands = await rows('spanweir-sampling', 'What stands, and why', mail);
    expect(stands.map(({ operation, served, why, sampled }) => [operation, served, why, sampled])).toEqual([
      ['send', 0.1, 'more is sampled than wanted', 10],
      ['read', 0.5, 'the difference is within what samples can tell', 2],
      ['(default)', 0.1, 'by the traffic of its siblings', 'nan'],
    ]);
    expect(await rows('spanweir-sampling', 'Budget by service', mail)).toEqual([
      { service: 'mail', target: 12, sampled: 12, budget: 0.5, requests: 104 },
    ]);
    expect((await rows('spanweir-sampling', 'Conformance', mail))[0]).toMatchObject({
      conformance: 'samples_more',
    });
  });

  test('spans by any attribute, each trace whole', async () => {
    const uid = 'spanweir-trace-explorer';
    const cart = { key: 'http.status_code', value: '500' };
    const [operation] = await rows(uid, 'Operations', cart);
    expect(operation).toMatchObject({
      service: 'frontend',
      operation: 'GET /cart',
      stored: 360,
      errors: 1,
      p95: 300,
    });
    const grouped = await rows(uid, 'Values', { group: 'http.status_code', operation: ['GET /cart'] });
    expect(grouped.map(({ value, spans, errors }) => [value, spans, errors])).toEqual([
      ['200', 6840, 0],
      ['500', 360, 1],
    ]);
    const traces = await rows(uid, 'Newest traces', { operation: ['SELECT'] });
    expect(traces.length).toBe(100);
    expect(traces[0]).toMatchObject({ serviceName: 'frontend', operationName: 'GET /cart', spans: 4 });
    const spans = await rows(uid, 'Trace');
    expect(spans.map(({ operationName }) => operationName)).toEqual([
      'GET /cart',
      'cart.Get',
      'Get',
      'SELECT',
    ]);
    expect(spans[3]).toMatchObject({ duration: 0.5, parentSpanID: spans[2]?.['spanID'], kind: 'Client' });
  });

  test('edges with what went over them', async () => {
    const of = async (refId: string) =>
      byLabel(await series('spanweir-service-graph', 'Edges', refId), 'server');
    expect(await of('A')).toEqual({ cart: 2, carts: 1, frontend: 2, payment: 1 });
    expect(await of('B')).toEqual({ cart: 0.05, carts: 0, frontend: 0.05, payment: 0 });
    // All within (0, 2 ms].
    expect((await of('D')).cart).toBeCloseTo(0.0019, 9);
    const nodes = byLabel(await series('spanweir-service-graph', 'Service graph', 'nodes'), 'id');
    expect(nodes).toEqual({ user: 0, frontend: 2, cart: 2, carts: 1, payment: 1 });
    const drawn = await series('spanweir-service-graph', 'Service graph', 'edges');
    expect(drawn.map(({ labels }) => `${labels['source']} ${labels['target']}`).sort(compareText)).toEqual([
      'cart carts',
      'frontend cart',
      'user frontend',
      'user payment',
    ]);
    const stored = await rows('spanweir-service-graph', 'Stored edges', { service: ['cart'] });
    expect(stored[0]).toMatchObject({ client: 'frontend', server: 'cart', failed: 0.05 });
    // Minutes are derived one after the other: as many as there are by now.
    expect((stored[0]?.['calls'] as number) % 120).toBe(0);
  });

  test('spans that came, records that were put aside, nothing left behind', async () => {
    const engine = async (title: string) => (await series('spanweir-engine', title))[0]?.value;
    expect(await engine('Spans, all')).toBe(27_000);
    expect(await engine('Dead letters')).toBe(1);
    expect(await engine('Unwell')).toBe(0);
    expect(await engine('Lag')).toBe(0);
  });

  test('availability, budgets and latency against an objective', async () => {
    const uid = 'spanweir-slo';
    const of = async (title: string, refId: string) =>
      byLabel(
        await series(uid, title, refId, { service: ALL, objective: '0.99', threshold_ms: '200' }),
        'service_name',
      );
    expect(await of('Services', 'A')).toEqual({ frontend: 0.95, cart: 0.95, payment: 1 });
    expect(await of('Services', 'B')).toEqual({ frontend: -4, cart: -4, payment: 1 });
    expect(await of('Services', 'C')).toEqual({ frontend: 5, cart: 5, payment: 0 });
    expect(await of('Services', 'D')).toEqual({ frontend: 0.95, cart: 1, payment: 0 });
    const month = await rows(uid, 'Budget of thirty days', { objective: '0.99', service: ['frontend'] });
    expect(month).toHaveLength(1);
    expect(month[0]).toMatchObject({ service: 'frontend', calls: 7200, errors: 360 });
    expect(month[0]?.['errors_left']).toBeCloseTo(72 - 360, 6);
  });
});

describe('dashboards that people have already', () => {
  test.each(QUESTIONS.map((each) => [`${each.who}: ${each.asks}`, each] as const))('%s', async (_, each) => {
    const target = { refId: 'A', datasource: { type: '', uid: '' }, expr: each.promql, instant: true };
    const answers = (await ask({ board: boardOf('spanweir-slo'), target })) as Answered[];
    const found = answers.map(({ labels, value }) => [
      Object.entries(labels)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, text]) => text)
        .join(' '),
      Number(value.toFixed(6)),
    ]);
    const expected = Object.entries(each.answer).map(([who, value]) => [who, Number(value.toFixed(6))]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });
});

test('an exemplar of a quantile leads to a trace that took so long', async () => {
  const target = targetOf(boardOf('spanweir-service-performance'), 'Quantiles', 'C');
  expect(target.exemplar).toBe(true);
  const moment = momentOf(boardOf('spanweir-service-performance'), {
    service: ['frontend'],
    operation: ['GET /cart'],
  });
  const params = {
    query: expandPromql(target.expr as string, moment),
    start: String(moment.fromMs / 1000),
    end: String(Date.now() / 1000),
  };
  const slow = await waitFor('Prometheus has exemplars', async () => {
    const answer = await fetch(`${filled.url}/api/v1/query_exemplars?${new URLSearchParams(params)}`);
    const { data } = (await answer.json()) as {
      data: { seriesLabels: Row; exemplars: { labels: Row; value: string }[] }[];
    };
    return data.flatMap(({ exemplars }) => exemplars).find(({ value }) => Number(value) === 300);
  });
  const spans = await rows('spanweir-trace-explorer', 'Trace', { trace_id: String(slow.labels['trace_id']) });
  expect(spans[0]).toMatchObject({
    operationName: 'GET /cart',
    duration: 300,
    spanID: slow.labels['span_id'],
  });
});
