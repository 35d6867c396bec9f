/**
 * What a block costs all the way: the standard workload in blocks of 50,000 spans, inserted into a fresh
 * embedded ClickHouse. Prints client CPU, wall time and bytes on disk, and what the Kafka columns take.
 *
 *     npx tsx bench/clickhouse/insert.bench.ts
 */
import { rmSync } from 'node:fs';
import { BlockBuffers, BlockEncoder } from '../../src/clickhouse/block-encoder.ts';
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { kafkaOrigin } from '../../test/support/kafka-origin.ts';
import { makeTempDir } from '../../test/support/temp-dir.ts';
import { startDatabase } from '../support/embedded-database.ts';
import { Workload } from '../workload.ts';

/** Measured, after as many to warm up. */
const BLOCKS = 5;
const SPANS = 50_000;

const dir = makeTempDir('spanweir-insert-');
const { client, stop } = await startDatabase(dir, 'bench');
try {
  await insertAll();
  await printDisk();
} finally {
  await stop();
  rmSync(dir, { recursive: true, force: true });
}

async function insertAll(): Promise<void> {
  const dictionary = new Dictionary();
  const scanner = new OtlpScanner(dictionary);
  const aggregator = new RedAggregator(dictionary, { histograms: true });
  const connector = {
    series: aggregator.series,
    bounds: [],
    dimensions: [],
    derive: (batch: SpanBatch) => aggregator.aggregate(batch),
  };
  const red = new Map([['span_metrics', connector]]);
  const encoder = new BlockEncoder(dictionary, { spans: true, throughput: false, red });
  const buffers = new BlockBuffers();
  const startNs = BigInt(Date.now() - 600_000) * 1_000_000n;
  const workload = new Workload({ spans: 2 * BLOCKS * SPANS, startNs });
  const messages = workload.messages()[Symbol.iterator]();
  let offset = 0;
  let encodeUs = 0;
  let sendUs = 0;
  let wallMs = 0;
  for (let i = 0; i < 2 * BLOCKS; i++) {
    const batch = new SpanBatch();
    const first = offset;
    while (batch.spans < SPANS) {
      const message = messages.next();
      if (message.done === true) break;
      scanner.append(batch, message.value, { offset: offset++, timestampMs: 0 });
    }
    const origin = kafkaOrigin(first, offset - 1, {
      clusterId: 'c',
      topic: 't',
      partition: i % 8,
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
    const before = process.cpuUsage();
    const { data, log: last } = encoder.encode(block, buffers);
    const encoded = process.cpuUsage();
    const began = performance.now();
    await Promise.all(data.map((insert) => client.insertNative(insert, insert.bytes)));
    if (last !== undefined) await client.insertNative(last, last.bytes);
    const sent = process.cpuUsage();
    if (i < BLOCKS) continue;
    wallMs += performance.now() - began;
    encodeUs += encoded.user + encoded.system - before.user - before.system;
    sendUs += sent.user + sent.system - encoded.user - encoded.system;
  }
  const spans = BLOCKS * SPANS;
  console.log(
    `${spans} spans in ${BLOCKS} blocks: encoding ${(encodeUs / spans).toFixed(2)}, sending ${(sendUs / spans).toFixed(2)} ` +
      `us of client CPU a span; ${((wallMs / BLOCKS) | 0).toFixed(0)} ms a block in ClickHouse`,
  );
}

async function printDisk(): Promise<void> {
  await client.command('OPTIMIZE TABLE bench.otel_traces FINAL');
  const rows = await client.query<{ name: string; bytes: number }>(
    `SELECT name, round(data_compressed_bytes / (SELECT count() FROM bench.otel_traces), 2) AS bytes
     FROM system.columns WHERE database = 'bench' AND table = 'otel_traces' AND data_compressed_bytes > 0 ORDER BY bytes DESC`,
  );
  const total = rows.reduce((sum, { bytes }) => sum + bytes, 0);
  const kafka = rows
    .filter(({ name }) => name.startsWith('Kafka'))
    .reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(
    `merged: ${total.toFixed(1)} bytes a span, of it Kafka partition and offset ${kafka.toFixed(2)}`,
  );
  console.log(rows.map(({ bytes, name }) => `  ${name} ${bytes}`).join('\n'));
}
