import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { SpanweirError } from '../../../src/base/errors.ts';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { rowOf } from '../../sampling/rows.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import type { TestResource } from '../../support/spans.ts';
import { waitFor } from '../../support/wait.ts';
import { migratedDatabase, openClient } from './database.ts';
import { never, SinkSetup } from './sink-setup.ts';

/** The tables of metrics forget what is old, so all happens from yesterday 20:00:10 UTC on. */
const START_S = Math.floor(Date.now() / 86_400_000) * 86_400 - 86_400 + 20 * 3600 + 10;
const YESTERDAY = dayOf(START_S);
const TODAY = dayOf(START_S + 86_400);
const SECOND = 1_000_000_000n;
const NS = BigInt(START_S) * SECOND;

let client: ClickHouse;
beforeAll(async () => {
  client = await migratedDatabase();
});
afterAll(async () => client.close());

function dayOf(unixS: number): string {
  return new Date(unixS * 1000).toISOString().slice(0, 10);
}

function payload(hour: number): TestResource {
  return {
    service: 'shop',
    attributes: { 'service.namespace': 'eu', 'service.instance.id': `pod-${hour}` },
    spans: [
      {
        spanId: 'ffffffffffffffff',
        traceId: '0a'.repeat(16),
        name: 'GET /',
        startNs: NS + BigInt(hour) * 3600n * SECOND,
        durationNs: 1_000_000_000,
        attributes: { 'http.route': '/' },
      },
      { spanId: '0000000000000002', name: 'GET /', startNs: NS, durationNs: 3, status: { code: 2 } },
    ],
  };
}

const TABLES = {
  otel_traces: 'count()',
  trace_summary: 'sum(arraySum(mapValues(Spans)))',
  span_metrics_10s: 'sum(Spans)',
  span_metrics_1m: 'sum(Spans)',
  span_metrics_1h: 'sum(Spans)',
  span_metrics_1d: 'sum(Spans)',
  sampling_throughput: 'sum(Count)',
  ingest_log: 'count()',
};

async function totals(): Promise<Record<string, number>> {
  const entries = Object.entries(TABLES).map(async ([table, what]) => {
    const [row] = await client.query<{ n: string }>(`SELECT ${what} AS n FROM ${client.database}.${table}`);
    return [table, Number(row?.n)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

describe('a block', () => {
  const throughput = [
    rowOf({ windowS: START_S, operation: 'GET /', count: 4, probabilities: ['0.500000', '1.000000'] }),
  ];
  // 10 hours apart: the second day has a row, too.
  const payloads = [[payload(0)], [payload(10)]];

  test('is in every table once, however often it is written', async () => {
    const setup = new SinkSetup(client);
    const block = setup.block(kafkaOrigin(5, 6), payloads, throughput);
    await setup.sink.write(block, never);
    const once = await totals();
    expect(once).toEqual({
      otel_traces: 4,
      trace_summary: 4,
      span_metrics_10s: 8,
      span_metrics_1m: 8,
      span_metrics_1h: 8,
      span_metrics_1d: 8,
      sampling_throughput: 4,
      ingest_log: 5,
    });
    await setup.sink.write(block, never);
    const again = new SinkSetup(client);
    await Promise.all([
      again.sink.write(again.block(kafkaOrigin(5, 6), payloads, throughput), never),
      setup.sink.write(block, never),
    ]);
    expect(await totals()).toEqual(once);
    await setup.sink.write(setup.block(kafkaOrigin(5, 6, { revision: 1 }), payloads, throughput), never);
    expect((await totals()).otel_traces).toBe(8);
  });

  test('leaves a log that SQL can check against the spans', async () => {
    const log = await client.query(
      `SELECT Source, Partition, FirstOffset, LastOffset, Target, toString(Day) AS Day, Rows, Spans, SpanIdSum
       FROM ${client.database}.ingest_log WHERE Revision = 0 ORDER BY Target, Day`,
    );
    const common = { Source: 'cluster-1/otlp_spans', Partition: 3, FirstOffset: '5', LastOffset: '6' };
    // Two ids 0x2 and one 0xffff...: 2 + 2 - 1 = 3 on the first day.
    expect(log).toEqual([
      { ...common, Target: 'otel_traces', Day: YESTERDAY, Rows: '3', Spans: '3', SpanIdSum: '3' },
      {
        ...common,
        Target: 'otel_traces',
        Day: TODAY,
        Rows: '1',
        Spans: '1',
        SpanIdSum: '18446744073709551615',
      },
      { ...common, Target: 'sampling_throughput', Day: YESTERDAY, Rows: '1', Spans: '4', SpanIdSum: '0' },
      { ...common, Target: 'span_metrics_10s', Day: YESTERDAY, Rows: '6', Spans: '6', SpanIdSum: '0' },
      { ...common, Target: 'span_metrics_10s', Day: TODAY, Rows: '2', Spans: '2', SpanIdSum: '0' },
    ]);
    const spans = await client.query(
      `SELECT toString(toDate(Timestamp)) AS Day, sum(reinterpretAsUInt64(reverse(unhex(SpanId)))) AS SpanIdSum
       FROM ${client.database}.otel_traces WHERE KafkaOffset <= 6 GROUP BY Day, KafkaPartition ORDER BY Day`,
    );
    // Both revisions.
    expect(spans).toEqual([
      { Day: YESTERDAY, SpanIdSum: '6' },
      { Day: TODAY, SpanIdSum: '18446744073709551614' },
    ]);
  });

  test('has RED rows per window and series, instances folded together', async () => {
    const other = await migratedDatabase();
    const setup = new SinkSetup(other);
    await setup.sink.write(setup.block(kafkaOrigin(0, 1), payloads), never);
    const red = await other.query(
      `SELECT toUnixTimestamp(Ts) AS ts, Connector, SpanKind, StatusCode, any(Dims) AS dims, DimsHash = 0 AS bare,
              sum(Spans) AS spans, sum(Calls) AS calls, sum(DurationSumNs) AS total, max(DurationMaxNs) AS most,
              sumMap(Hist) AS hist
       FROM ${other.database}.span_metrics_10s
       WHERE Connector = 'span_metrics/routes'
       GROUP BY Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash ORDER BY Ts, StatusCode`,
    );
    const same = { Connector: 'span_metrics/routes', SpanKind: 'Server', bare: 0 };
    expect(red).toEqual([
      {
        ...same,
        ts: START_S,
        StatusCode: 'Error',
        dims: { 'service.namespace': 'eu' },
        spans: '2',
        calls: 2,
        total: 6,
        most: '3',
        // log2(3e-9) * 16 = -452.998
        hist: { '-453': 2 },
      },
      {
        ...same,
        ts: START_S,
        StatusCode: 'Unset',
        dims: { 'http.route': '/', 'service.namespace': 'eu' },
        spans: '1',
        calls: 1,
        total: 1e9,
        most: '1000000000',
        hist: { '-1': 1 },
      },
      {
        ...same,
        ts: START_S + 36_000,
        StatusCode: 'Unset',
        dims: { 'http.route': '/', 'service.namespace': 'eu' },
        spans: '1',
        calls: 1,
        total: 1e9,
        most: '1000000000',
        hist: { '-1': 1 },
      },
    ]);
    const [median] = await other.query<{ p50: number }>(
      `SELECT exphist_quantile(0.5, sumMap(Hist)) AS p50 FROM ${other.database}.span_metrics_1h WHERE StatusCode = 'Unset'`,
    );
    expect(median?.p50).toBeGreaterThan(0.957);
    expect(median?.p50).toBeLessThanOrEqual(1);
    await other.close();
  });
});

describe('when ClickHouse does not take a block', () => {
  test('a request is answered in time, with what to wait', async () => {
    const nobody = openClient('x', 'http://127.0.0.1:9');
    const setup = new SinkSetup(nobody, {
      config: { request_timeout: '300ms', retry_on_failure: { initial_interval: '50ms' } },
    });
    const write = setup.sink.write(setup.block({ kind: 'request', id: 'r-1' }, [[payload(0)]]), never);
    await expect(write).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: 'backoff', retryAfterMs: 2000 });
  });

  test('a block of Kafka is tried until it is taken away', async () => {
    const nobody = openClient('x', 'http://127.0.0.1:9');
    const setup = new SinkSetup(nobody, { config: { retry_on_failure: { initial_interval: '20ms' } } });
    const revoked = new AbortController();
    const write = setup.sink.write(setup.block(kafkaOrigin(0, 0), [[payload(0)]]), revoked.signal);
    const first = await Promise.race([write.catch((error: unknown) => error), systemClock.sleep(200)]);
    expect(first).toBeUndefined();
    revoked.abort();
    await expect(write).rejects.toMatchObject({ code: 'STOPPING' });
  });

  test('what it refuses for good is not tried again', async () => {
    const picky = await migratedDatabase();
    await picky.command(
      `CREATE MATERIALIZED VIEW ${picky.database}.picky ENGINE = Null
       AS SELECT toUInt64(TraceState || SpanName) AS n FROM ${picky.database}.otel_traces`,
    );
    const setup = new SinkSetup(picky);
    const write = setup.sink.write(setup.block(kafkaOrigin(0, 0), [[payload(0)]]), never);
    await expect(write).rejects.toMatchObject({ code: 'REFUSED', retry: 'never' });
    expect(await write.catch((error) => error)).toBeInstanceOf(SpanweirError);
    await picky.close();
  });

  test('a table that is missing is waited for, and told as health', async () => {
    const broken = await migratedDatabase();
    const table = `${broken.database}.otel_traces`;
    await broken.command(`RENAME TABLE ${table} TO ${table}_away`);
    const told: string[] = [];
    const setup = new SinkSetup(broken, {
      config: { retry_on_failure: { initial_interval: '20ms', max_interval: '50ms' } },
      told,
    });
    const write = setup.sink.write(setup.block(kafkaOrigin(0, 0), [[payload(0)]]), never);
    await waitFor('the sink says what is wrong', () => told.length > 0, { deadlineMs: 10_000 });
    expect(told[0]).toMatch(/^recoverable: .*otel_traces.* see spanweir migrate\)$/);
    await broken.command(`RENAME TABLE ${table}_away TO ${table}`);
    await write;
    expect(told.at(-1)).toBe('ok: ');
    const [row] = await broken.query<{ n: string }>(`SELECT count() AS n FROM ${table}`);
    expect(Number(row?.n)).toBe(2);
    await broken.close();
  });
});
