import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import { NativeBuffer } from '../../../src/clickhouse/native/native-buffer.ts';
import { encodeThroughput } from '../../../src/clickhouse/native/throughput-encoder.ts';
import { createSamplingStore } from '../../../src/clickhouse/sampling-store.ts';
import type { Decision } from '../../../src/sampling/decision.ts';
import type { ThroughputRow } from '../../../src/sampling/throughput-rows.ts';
import { migratedDatabase, openClient } from './database.ts';

/** The tables of throughput and decisions forget what is old, so these tests happen now. */
const NOW_S = Math.floor(Date.now() / 60_000) * 60;

let client: ClickHouse;
beforeAll(async () => {
  client = await migratedDatabase();
});
afterAll(async () => client.close());

function seen(windowS: number, operation: string, count: number, probabilities: string[]): ThroughputRow {
  return { windowS, service: 'shop', operation, count, probabilities };
}

function decision(operation: string, probability: number): Decision {
  return {
    service: 'shop',
    operation,
    probability,
    previous: 0.5,
    qps: 3.25,
    target: 1,
    reason: 'lowered',
    inputs: { qps: [3, 4.5], seen: ['0.500000'], using: true, tolerance: 0.3 },
  };
}

test('throughput is added up over [start, end), whatever blocks it came in', async () => {
  const blocks = [
    [seen(NOW_S, 'a', 2, ['0.500000']), seen(NOW_S - 60, 'a', 100, ['1.000000'])],
    [seen(NOW_S, 'a', 3, ['0.250000', '0.500000']), seen(NOW_S, 'b', 1, []), seen(NOW_S + 60, 'a', 1000, [])],
  ];
  for (const [i, rows] of blocks.entries()) {
    const out = new NativeBuffer();
    encodeThroughput(rows, undefined, out);
    await client.insertNative({ table: 'sampling_throughput', token: `block ${i}` }, out.written());
  }
  const store = createSamplingStore(client);
  const rows = await store.throughput(NOW_S * 1000, (NOW_S + 60) * 1000);
  expect([...rows].sort((a, b) => a.operation.localeCompare(b.operation))).toEqual([
    { windowS: NOW_S, service: 'shop', operation: 'a', count: 5, probabilities: ['0.250000', '0.500000'] },
    { windowS: NOW_S, service: 'shop', operation: 'b', count: 1, probabilities: [] },
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
  expect(rows).toEqual([
    { windowS: NOW_S - 300, service: 'shop', operation: 'many', count: 2, probabilities },
  ]);
});

test('the newest round of decisions comes back; all of them stay, with their inputs', async () => {
  const store = createSamplingStore(client);
  expect(await store.latestDecisions()).toEqual([]);
  const old = {
    decidedAtMs: NOW_S * 1000 + 1,
    dataUntilMs: NOW_S * 1000,
    decidedBy: 'host/1',
    decisions: [decision('a', 0.25), decision('gone', 1)],
  };
  const newest = { ...old, decidedAtMs: NOW_S * 1000 + 5002, decisions: [decision('a', 0.125)] };
  await store.insertDecisions(old);
  await store.insertDecisions(newest);
  // An answer that got lost makes the controller write it again.
  await store.insertDecisions(newest);
  await store.insertDecisions({ ...newest, decidedAtMs: NOW_S * 1000 + 9000, decisions: [] });
  expect(await store.latestDecisions()).toEqual([
    { service: 'shop', operation: 'a', probability: 0.125, qps: 3.25, decidedAtMs: NOW_S * 1000 + 5002 },
  ]);
  const kept = await client.query(
    `SELECT Operation, Probability, Previous, Qps, TargetQps, Reason, BucketQps, SeenProbabilities, UsingAdaptive,
            Tolerance, toUnixTimestamp64Milli(DataUntil) AS until, Instance
     FROM ${client.database}.sampling_probabilities ORDER BY Ts, Operation`,
  );
  expect(kept).toHaveLength(3);
  expect(kept[0]).toEqual({
    Operation: 'a',
    Probability: 0.25,
    Previous: 0.5,
    Qps: 3.25,
    TargetQps: 1,
    Reason: 'lowered',
    BucketQps: [3, 4.5],
    SeenProbabilities: ['0.500000'],
    UsingAdaptive: true,
    Tolerance: 0.3,
    until: String(NOW_S * 1000),
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
