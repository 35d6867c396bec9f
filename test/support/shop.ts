import { BlockBuffers, BlockEncoder } from '../../src/clickhouse/block-encoder.ts';
import type { ClickHouse } from '../../src/clickhouse/client.ts';
import { deriveStatement } from '../../src/clickhouse/service-graph/edge-sql.ts';
import type { RedConnector } from '../../src/flow/lane.ts';
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { kafkaOrigin } from './kafka-origin.ts';
import { encodeProto, type TestResource, type TestSpan } from './spans.ts';

/**
 * A small shop whose numbers can be worked out by hand. One request a second, from 2026-05-01 12:00:00 UTC for ten
 * minutes, request i at second i:
 *
 * - i not a multiple of 10 (540): frontend `GET /`, 20 + i % 10 ms; an error where i % 100 = 1 (6)
 * - the others (60): frontend `POST /checkout` -> checkout `Place` -> payment `Charge` (100 ms). Until i = 300 checkout
 *   is version 1.0.0 and takes 300 ms (frontend 400 ms); from then on 1.1.0, 600 ms (800 ms), with an error in
 *   both where i is a multiple of 50 (6)
 * - at even i also search `GET /search`, 50 ms, sampled at 50 %: 300 spans that stand for 600
 * - at i = 10 and i = 500 admin `POST /reindex`, 900 ms
 *
 * A day before, the same ten minutes: `GET /` only at even i (240, no errors), all checkouts as with 1.0.0 (60), no
 * search. And a cron `tick` (5 ms) every ten minutes of the 48 hours before 12:00 (288).
 */
export const SHOP_START_S = Date.parse('2026-05-01T12:00:00Z') / 1000;
export const SHOP_END_S = SHOP_START_S + 600;

const DAY_S = 86_400;
const SERVER = 2;
const CLIENT = 3;
const ERROR = { code: 2, message: 'out of stock' };

interface Request {
  readonly atS: number;
  readonly day: number;
  readonly i: number;
  readonly fast: boolean;
}

export function shopSpans(): TestResource[] {
  const requests: TestResource[] = [];
  for (let i = 0; i < 600; i++) {
    requests.push(...requestsAt({ atS: SHOP_START_S + i, day: 1, i, fast: i < 300 }));
    if (i % 2 === 0) requests.push(...requestsAt({ atS: SHOP_START_S - DAY_S + i, day: 0, i, fast: true }));
  }
  for (let k = 1; k <= 288; k++) {
    const tick = span({ atS: SHOP_START_S - 600 * k, day: 2, i: k, fast: true }, 1, {
      name: 'tick',
      durationNs: 5e6,
    });
    requests.push({ service: 'cron', spans: [tick] });
  }
  return requests;
}

function requestsAt(request: Request): TestResource[] {
  const { i, day } = request;
  const all = i % 10 === 0 ? checkout(request) : [home(request)];
  if (day === 1 && i % 2 === 0) all.push(search(request));
  if (day === 1 && (i === 10 || i === 500)) {
    const reindex = span(request, 30, {
      name: 'POST /reindex',
      durationNs: 9e8,
      traceId: traceId(request, 3),
    });
    all.push({ service: 'admin', spans: [reindex] });
  }
  return all;
}

function home(request: Request): TestResource {
  const failed = request.day === 1 && request.i % 100 === 1;
  const get = span(request, 1, {
    name: 'GET /',
    durationNs: (20 + (request.i % 10)) * 1e6,
    ...(failed ? { status: { code: 2, message: 'template' } } : {}),
    attributes: { 'http.route': '/', 'http.response.status_code': failed ? 500 : 200 },
  });
  return { service: 'frontend', spans: [get] };
}

function checkout(request: Request): TestResource[] {
  const { i, fast } = request;
  const failed = !fast && i % 50 === 0;
  const status = failed ? { status: ERROR } : {};
  const version = { 'service.version': fast ? '1.0.0' : '1.1.0', 'service.instance.id': fast ? 'a' : 'b' };
  const post = span(request, 1, {
    name: 'POST /checkout',
    durationNs: fast ? 4e8 : 8e8,
    attributes: { 'http.route': '/checkout', 'user.id': `u${i % 7}` },
    ...status,
  });
  const place = span(request, 2, {
    name: 'Place',
    kind: CLIENT,
    parentSpanId: spanId(request, 1),
    durationNs: fast ? 3.5e8 : 7e8,
    afterNs: 1e7,
  });
  const placed = span(request, 3, {
    name: 'Place',
    parentSpanId: spanId(request, 2),
    durationNs: fast ? 3e8 : 6e8,
    afterNs: 2e7,
    ...status,
  });
  const charge = span(request, 4, {
    name: 'Charge',
    kind: CLIENT,
    parentSpanId: spanId(request, 3),
    durationNs: 1.2e8,
    afterNs: 4e7,
  });
  const charged = span(request, 5, {
    name: 'Charge',
    parentSpanId: spanId(request, 4),
    durationNs: 1e8,
    afterNs: 5e7,
  });
  return [
    { service: 'frontend', spans: [post, place] },
    { service: 'checkout', attributes: version, spans: [placed, charge] },
    { service: 'payment', spans: [charged] },
  ];
}

function search(request: Request): TestResource {
  const get = span(request, 20, {
    name: 'GET /search',
    durationNs: 5e7,
    traceId: traceId(request, 2),
    traceState: 'ot=th:8',
  });
  return { service: 'search', spans: [get] };
}

function span(request: Request, n: number, given: TestSpan & { afterNs?: number }): TestSpan {
  const { afterNs = 0, ...rest } = given;
  return {
    traceId: traceId(request, 1),
    spanId: spanId(request, n),
    kind: SERVER,
    startNs: BigInt(request.atS) * 1_000_000_000n + BigInt(afterNs),
    ...rest,
  };
}

/** The last 14 digits are high, so that a sampler at 50 % would have kept it. */
export function traceId({ day, i }: Pick<Request, 'day' | 'i'>, n: number): string {
  return `${hex(day, 6)}${hex(n, 6)}${hex(i, 6)}ffffffffff${hex(i, 4)}`;
}

function spanId({ day, i }: Request, n: number): string {
  return `${hex(day + 1, 4)}${hex(n, 4)}${hex(i, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** Puts the shop into the tables, as a lane with one span_metrics connector would, and derives its service graph. */
export async function fillShop(client: ClickHouse): Promise<void> {
  const dictionary = new Dictionary();
  const scanner = new OtlpScanner(dictionary);
  const dimensions = ['http.route'];
  const aggregator = new RedAggregator(dictionary, {
    dimensions: dimensions.map((name) => ({ name, default: undefined })),
    histograms: true,
  });
  const connector: RedConnector = {
    series: aggregator.series,
    bounds: [],
    dimensions,
    derive: (batch) => aggregator.aggregate(batch),
  };
  const encoder = new BlockEncoder(dictionary, {
    spans: true,
    throughput: false,
    red: new Map([['span_metrics', connector]]),
  });
  const batch = new SpanBatch();
  const payloads = shopSpans();
  payloads.forEach((resource, offset) => {
    const timestampMs = SHOP_END_S * 1000;
    scanner.append(batch, encodeProto([resource]), { offset, timestampMs });
  });
  const origin = kafkaOrigin(0, payloads.length - 1, {
    clusterId: 'c',
    topic: 'shop',
    partition: 0,
    firstTimestampMs: 0,
    revision: 0,
  });
  const block = {
    origin,
    batch,
    red: new Map([['span_metrics', connector.derive(batch)]]),
    throughput: undefined,
    mayBegin: () => true,
  };
  const { data, log } = encoder.encode(block, new BlockBuffers());
  for (const insert of data) await client.insertNative(insert, insert.bytes);
  if (log !== undefined) await client.insertNative(log, log.bytes);
  await client.command(
    deriveStatement({
      database: client.database,
      connector: 'service_graph',
      rules: { dimensions: [], databaseNames: [], peerAttributes: [] },
      reachS: 60,
      minutes: Array.from({ length: 10 }, (_, i) => ({
        startS: SHOP_START_S + 60 * i,
        spans: 0,
        spansAround: 0,
      })),
    }),
  );
}
