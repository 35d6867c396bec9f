import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createKafkaBlockSink } from '../../../src/exporters/kafka/block-sink.ts';
import { kafkaExporterConfig } from '../../../src/exporters/kafka/config.ts';
import type { Block, BlockOrigin } from '../../../src/flow/block.ts';
import type { BlockSink } from '../../../src/flow/lane.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { OtlpScanner } from '../../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../../src/span/span-batch.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import { decodeProto, encodeProto, flatSpans, type TestSpan } from '../../support/spans.ts';
import { createTopic, readTopic, topicSize, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { deadline, laneContext } from './harness.ts';

const brokers = inject('kafkaBrokers');

function spans(count: number, traces: number): TestSpan[] {
  return Array.from({ length: count }, (_, i) => ({
    spanId: (i + 1).toString(16).padStart(16, '0'),
    traceId: ((i % traces) + 1).toString(16).padStart(32, '0'),
    name: `operation ${i % 7}`,
    attributes: { text: 'x'.repeat(300) },
  }));
}

function blockOf(given: readonly TestSpan[]): Block {
  const batch = new SpanBatch();
  const scanner = new OtlpScanner(new Dictionary());
  scanner.append(batch, encodeProto([{ service: 'shop', spans: given }]), { offset: 0, timestampMs: 0 });
  return {
    origin: { kind: 'request', id: 'r1' },
    batch,
    red: new Map(),
    throughput: undefined,
    mayBegin: () => true,
  };
}

const RECORD: BlockOrigin = kafkaOrigin(0, 0, {
  clusterId: 'c',
  topic: 't',
  partition: 0,
  firstTimestampMs: 0,
  revision: 1,
});

async function open(options: object): Promise<{ sink: BlockSink; values: Map<string, number> }> {
  const values = new Map<string, number>();
  const retry_on_failure = { initial_interval: '50ms', max_interval: '200ms' };
  const config = kafkaExporterConfig.parse({ brokers, retry_on_failure, ...options });
  const sink = createKafkaBlockSink(config, laneContext(0, { values }));
  onTestFinished(() => sink.stop(deadline(2000)));
  await sink.start();
  return { sink, values };
}

const never = new AbortController().signal;

describe('the Kafka exporter', () => {
  it('has all spans on the topic when a write resolves', async () => {
    const topic = await createTopic('export', { partitions: 3 });
    const { sink } = await open({ traces: { topic } });
    const given = spans(5000, 10);
    await Promise.all([sink.write(blockOf(given), never), sink.write(blockOf(given), never)]);
    const messages = await readTopic(topic, await topicSize(topic));
    const found = messages.flatMap(({ value }) => flatSpans(decodeProto(value)));
    expect(found.length).toBe(10_000);
    expect(new Set(found.map(({ spanId }) => spanId)).size).toBe(5000);
    for (const { value, key } of messages) {
      expect(value.length).toBeLessThanOrEqual(1_000_000);
      expect(key).toBeNull();
    }
  });

  it('keeps each trace in one message under its id, and every trace in one partition', async () => {
    const topic = await createTopic('export-keyed', { partitions: 4 });
    const { sink } = await open({
      traces: { topic },
      partition_traces_by_id: true,
      producer: { compression: 'gzip' },
    });
    await sink.write(blockOf(spans(1000, 50)), never);
    await sink.write(blockOf(spans(1000, 50)), never);
    const messages = await readTopic(topic, 100);
    expect(messages.length).toBe(100);
    const partitions = new Map<string, Set<number>>();
    for (const { key, value, partition } of messages) {
      const traceIds = new Set(flatSpans(decodeProto(value)).map(({ traceId }) => traceId));
      expect([...traceIds]).toEqual([String(key)]);
      partitions.set(String(key), (partitions.get(String(key)) ?? new Set()).add(partition));
    }
    expect([...partitions.values()].every(({ size }) => size === 1)).toBe(true);
    expect(new Set(messages.map(({ partition }) => partition)).size).toBe(4);
  });

  it('splits a trace that is larger than a message and leaves out a span that is', async () => {
    const topic = await createTopic('export-split');
    const { sink, values } = await open({
      traces: { topic },
      partition_traces_by_id: true,
      producer: { max_message_bytes: 20_000 },
    });
    const huge = { spanId: 'ffffffffffffffff', attributes: { text: 'y'.repeat(30_000) } };
    await sink.write(blockOf([...spans(200, 1), huge]), never);
    const messages = await readTopic(topic, await topicSize(topic));
    expect(messages.length).toBeGreaterThan(3);
    expect(messages.flatMap(({ value }) => flatSpans(decodeProto(value))).length).toBe(200);
    expect(values.get('spanweir_kafka_exporter_oversized_spans_total{"exporter":"kafka"}')).toBe(1);
  });

  it('creates the topic where that is allowed; otherwise senders are told to come again, and a log waits for it', async () => {
    const topic = uniqueName('export-created');
    const { sink } = await open({ traces: { topic } });
    await sink.write(blockOf(spans(10, 2)), never);
    expect(await topicSize(topic)).toBe(1);
    const missing = uniqueName('export-missing');
    const strict = await open({ traces: { topic: missing }, producer: { allow_auto_topic_creation: false } });
    await expect(strict.sink.write(blockOf(spans(1, 1)), never)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryAfterMs: 2000,
    });
    const giveUp = new AbortController();
    const written = strict.sink.write({ ...blockOf(spans(1, 1)), origin: RECORD }, giveUp.signal);
    const refused = expect(written).rejects.toMatchObject({ code: 'STOPPING' });
    await waitFor(
      'a try after the first one',
      () => (strict.values.get('spanweir_kafka_exporter_failures_total{"exporter":"kafka"}') ?? 0) >= 3,
    );
    giveUp.abort();
    await refused;
  });
});
