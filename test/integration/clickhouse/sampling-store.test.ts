import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { NativeBuffer } from '../../../src/clickhouse/native/native-buffer.ts';
import { encodeThroughput } from '../../../src/clickhouse/native/throughput-encoder.ts';
import { createSamplingStore } from '../../../src/clickhouse/sampling-store.ts';
import type { ThroughputRow } from '../../../src/sampling/roots/throughput-rows.ts';
import { type SourceProgress, UNKNOWN } from '../../../src/sampling/store/progress.ts';
import { decisionOf, roundOf, rowOf } from '../../sampling/rows.ts';
import { migratedDatabase, openClient } from './database.ts';

/** The tables of throughput and decisions forget what is old, so these tests happen now. */
const NOW_S = Math.floor(Date.now() / 60_000) * 60;

let client: ClickHouse;
beforeAll(async () => {
  client = await migratedDatabase();
});
afterAll(async () => client.close());

function seen(windowS: number, operation: string, count: number, probabilities: string[]): ThroughputRow {
  return rowOf({ windowS, operation, count, probabilities });
}

test('throughput is added up over [start, end), window by window, whatever blocks it came in', async () => {
  const untagged = {
    variates: { classes: [0, 319], counts: [7, 2 ** 40] },
    durations: { classes: [96, 97], counts: [1, 2] },
    errors: 2,
  };
  const tagged = { tagged: 3, adjusted: 7.5, adjustedSquares: 20.25, bounded: 1 };
  const blocks = [
    [seen(NOW_S, 'a', 2, ['0.500000']), seen(NOW_S - 60, 'a', 100, ['1.000000'])],
    [seen(NOW_S, 'a', 3, ['0.250000', '0.500000']), seen(NOW_S, 'b', 1, []), seen(NOW_S + 60, 'a', 1000, [])],
    [
      rowOf({ windowS: NOW_S + 5, operation: '' }, untagged),
      rowOf({ windowS: NOW_S + 10, operation: '' }, tagged),
    ],
    [rowOf({ windowS: NOW_S + 5, operation: '' }, { ...tagged, variates: untagged.variates })],
  ];
  for (const [i, rows] of blocks.entries()) {
    const out = new NativeBuffer();
    encodeThroughput(rows, undefined, out);
    await client.insertNative({ table: 'sampling_throughput', token: `block ${i}` }, out.written());
  }
  const store = createSamplingStore(client);
  const rows = await store.throughput(NOW_S * 1000, (NOW_S + 60) * 1000);
  const sorted = [...rows].sort((a, b) => a.windowS - b.windowS || a.operation.localeCompare(b.operation));
  expect(sorted).toEqual([
    seen(NOW_S, 'a', 5, ['0.250000', '0.500000']),
    seen(NOW_S, 'b', 1, []),
    rowOf(
      { windowS: NOW_S + 5, operation: '', count: 2 },
      { ...tagged, ...untagged, variates: { classes: [0, 319], counts: [14, 2 ** 41] } },
    ),
    rowOf({ windowS: NOW_S + 10, operation: '' }, tagged),
  ]);
  expect(await store.throughput((NOW_S - 600) * 1000, (NOW_S - 60) * 1000)).toEqual([]);
});

test('an operation seen with many probabilities comes back with all of them', async () => {
  const probabilities = Array.from({ length: 60 }, (_, i) => (i / 1000 + 0.1).toFixed(6));
  for (const [i, part] of [probabilities.slice(0, 30), probabilities.slice(30)].entries()) {
    const out = new NativeBuffer();
    encodeThroughput([seen(NOW_S - 300, 'many', 1, part)], undefined, out);
    await client.insertNative({ table: 'sampling_throughput', token: `many ${i}` }, out.written());
  }
  const rows = await createSamplingStore(client).throughput((NOW_S - 300) * 1000, (NOW_S - 240) * 1000);
  expect(rows).toEqual([seen(NOW_S - 300, 'many', 2, probabilities)]);
});

test('the newest decision on each operation comes back; all of them stay, with what led to them', async () => {
  const store = createSamplingStore(client);
  expect(await store.latestDecisions()).toBeUndefined();
  const at = NOW_S * 1000;
  const inputs = { qps: [3, 4.5], seen: ['0.500000'], using: true, tolerance: 0.3 };
  const a = decisionOf({ operation: 'a', probability: 0.25, rateHigh: Number.NaN, changedAtMs: at - 7001 });
  const b = decisionOf({ operation: '', probability: 1, conformance: 'samples_more', changedAtMs: at });
  const moved = { ...a, probability: 0.125, previous: 0.25, changedAtMs: at + 5000 };
  const newest = roundOf({ version: 8, decidedAtMs: at + 5002, dataUntilMs: at, decisions: [moved] });
  await store.insertDecisions(roundOf({ version: 7, decidedAtMs: at + 1, decisions: [a, b] }));
  await store.insertDecisions(newest);
  // An answer that got lost makes the controller write it again.
  await store.insertDecisions(newest);
  await store.insertDecisions(roundOf({ version: 9, decidedAtMs: at + 9000 }));
  const latest = await store.latestDecisions();
  expect(latest).toMatchObject({
    version: 8,
    decidedAtMs: at + 5002,
    dataUntilMs: at,
    algorithm: 'adaptive',
    mode: 'control',
  });
  const byName = [...(latest?.decisions ?? [])].sort((x, y) => x.operation.localeCompare(y.operation));
  expect(byName).toEqual([b, moved]);

  const jaeger = { algorithm: 'jaeger', mode: 'observe', version: 10, decidedAtMs: at + 10_000 } as const;
  await store.insertDecisions(roundOf({ ...jaeger, decisions: [{ ...moved, inputs }] }));
  expect((await store.latestDecisions())?.decisions).toContainEqual({ ...moved, inputs });
  const kept = await client.query<object>(
    `SELECT Version, Operation, Probability, Previous, Rule, Rate, Samples, Conformance, LowerBound, Algorithm, Mode,
            BucketQps, SeenProbabilities, UsingAdaptive, Tolerance, Instance
     FROM ${client.database}.sampling_probabilities ORDER BY Ts, Operation DESC`,
  );
  expect(kept).toHaveLength(4);
  expect(kept[3]).toEqual({
    Version: '10',
    Operation: 'a',
    Probability: 0.125,
    Previous: 0.25,
    Rule: 'lowered',
    Rate: 10,
    Samples: 250,
    Conformance: 'follows',
    LowerBound: 0.0125,
    Algorithm: 'jaeger',
    Mode: 'observe',
    BucketQps: [3, 4.5],
    SeenProbabilities: ['0.500000'],
    UsingAdaptive: true,
    Tolerance: 0.3,
    Instance: 'host/1',
  });
});

test('a store that can not be reached says so in a way that can be waited out', async () => {
  const nobody = openClient('x', 'http://127.0.0.1:9');
  await expect(createSamplingStore(nobody).latestDecisions()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    retry: 'backoff',
  });
});

describe('what processes tell each other', () => {
  const nowMs = Date.now();
  const word = (partition: number, completeUntilMs: number, atMs: number): SourceProgress => ({
    source: 'cluster/spans',
    partition,
    kind: 'log',
    completeUntilMs,
    atMs,
  });

  test('the last word on each partition comes back, and an owner that knows nothing yet unsays none', async () => {
    const store = createSamplingStore(client);
    expect(await store.progress()).toEqual([]);
    const requests = { ...word(0, nowMs - 1000, nowMs), source: 'host/1', kind: 'requests' as const };
    await store.reportProgress([word(0, nowMs - 9000, nowMs - 3000), requests], 'host/1');
    await store.reportProgress([word(0, nowMs - 5000, nowMs), word(1, nowMs - 8000, nowMs - 3000)], 'host/1');
    await store.reportProgress([word(1, UNKNOWN, nowMs), word(2, UNKNOWN, nowMs)], 'host/2');
    await store.reportProgress([], 'host/2');
    await store.reportProgress([word(3, nowMs, nowMs - 3_700_000)], 'host/3');
    const words = [...(await store.progress())].sort(
      (a, b) => a.partition - b.partition || (a.kind < b.kind ? -1 : 1),
    );
    expect(words).toEqual([
      word(0, nowMs - 5000, nowMs),
      requests,
      word(1, nowMs - 8000, nowMs),
      word(2, UNKNOWN, nowMs),
    ]);
  });

  test('the last report of who polls each process comes back as long as it is fresh', async () => {
    const store = createSamplingStore(client);
    await store.reportPollers('["old"]', 'host/1', nowMs - 5000);
    await store.reportPollers('["of one"]', 'host/1', nowMs);
    await store.reportPollers('["of two"]', 'host/2', nowMs - 1000);
    await store.reportPollers('["gone"]', 'host/3', nowMs - 60_000);
    expect([...(await store.pollers(nowMs, 30_000))].sort()).toEqual(['["of one"]', '["of two"]']);
  });
});

test('traces cost what they have in spans and bytes on average, by the operation they begin with', async () => {
  const span = (traceId: string, service: string, name: string, parent = ''): string =>
    `(now64(9) - 60, '${traceId}', '${parent}', '${service}', '${name}')`;
  const rows = [
    span('a', 'shop', 'GET /'),
    span('a', 'cart', 'add', '1'),
    span('a', 'cart', 'add', '1'),
    span('b', 'shop', 'GET /'),
    span('c', 'shop', 'POST /'),
    span('d', 'nobody', 'has no root', '1'),
  ];
  await client.command(
    `INSERT INTO ${client.database}.otel_traces (Timestamp, TraceId, ParentSpanId, ServiceName, SpanName) VALUES ${rows.join()}`,
  );
  const now = Date.now();
  const costs = await createSamplingStore(client).traceCosts(now - 600_000, now);
  expect([...costs.keys()]).toEqual(['shop']);
  const shop = costs.get('shop');
  expect(shop?.get('GET /')?.spans).toBe(2);
  expect(shop?.get('POST /')?.spans).toBe(1);
  expect(shop?.get('')?.spans).toBeCloseTo(5 / 3);
  expect(shop?.get('GET /')?.bytes).toBeGreaterThan(shop?.get('POST /')?.bytes ?? 0);
});
