import { expect, test } from 'vitest';
import { touchedPartitions } from '../../../src/clickhouse/touched-partitions.ts';
import { rowOf } from '../../sampling/rows.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { migratedDatabase } from './database.ts';
import { never, SinkSetup } from './sink-setup.ts';

const TABLES = [
  'otel_traces',
  'trace_summary',
  'span_metrics_10s',
  'span_metrics_1m',
  'span_metrics_1h',
  'span_metrics_1d',
  'sampling_throughput',
];

test('a block that reached only one table tells of its partition, and of no other', async () => {
  const client = await migratedDatabase();
  const setup = new SinkSetup(client);
  const nowS = Math.floor(Date.now() / 1000);
  const payload = [
    { service: 'shop', spans: [{ traceId: 'aa'.repeat(16), startNs: BigInt(nowS) * 1_000_000_000n }] },
  ];
  const touched = async (source: string): Promise<number[]> => [...(await touchedPartitions(client, source))];
  expect(await touched('cluster-1/otlp_spans')).toEqual([]);
  let offset = 0;
  for (const only of TABLES) {
    const origin = { ...kafkaOrigin(offset, offset + 9), partition: offset / 10 };
    await setup.sink.write(setup.block(origin, [payload], [rowOf({ windowS: nowS })]), never);
    for (const table of TABLES.filter((name) => name !== only)) {
      await client.command(`TRUNCATE TABLE ${client.database}.${table}`);
    }
    expect(await touched('cluster-1/otlp_spans'), only).toEqual([offset / 10]);
    expect(await touched('cluster-1/otlp_span'), only).toEqual([]);
    expect(await touched('cluster-1/otlp_spans:1'), only).toEqual([]);
    await client.command(`TRUNCATE TABLE ${client.database}.${only}`);
    offset += 10;
  }
  await client.close();
});
