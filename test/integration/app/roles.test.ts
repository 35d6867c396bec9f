import { expect, inject, test } from 'vitest';
import { callsBySeries } from '../../../bench/support/compare.ts';
import { scrape, total } from '../../../bench/support/exposition.ts';
import { createDatabase, queryRows } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { decodeProto, encodeProto, type TestSpan } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { committed, createTopic, readTopic, topicSize, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { freeAddress, pipeline, type RunningEngine, startEngine } from './engine.ts';

const PARTITIONS = 6;
const TRACES = 300;
const SPANS_PER_TRACE = 7;
const SPANS = TRACES * SPANS_PER_TRACE;
const SERVICES = ['frontend', 'cart', 'payment'] as const;

const brokers = inject('kafkaBrokers').join();

/** pipelines/collector.yaml on a topic of its own; resolves with the address of OTLP over HTTP. */
async function startCollector(dir: string, topic: string): Promise<string> {
  const address = await freeAddress();
  await startEngine({
    dir,
    name: 'collector',
    config: [pipeline('collector.yaml')],
    env: { KAFKA_BROKERS: brokers },
    set: {
      'receivers.otlp.protocols.grpc.endpoint': await freeAddress(),
      'receivers.otlp.protocols.http.endpoint': address,
      'exporters.kafka.traces.topic': topic,
      'extensions.healthcheckv2.http.endpoint': await freeAddress(),
      'service.telemetry.metrics.address': await freeAddress(),
    },
  });
  return address;
}

interface Ingester {
  readonly engine: RunningEngine;
  readonly metrics: string;
  readonly sampling: string;
}

/** pipelines/ingester.yaml with two workers. */
async function startIngester(
  dir: string,
  of: Record<'topic' | 'group' | 'database', string>,
): Promise<Ingester> {
  const metrics = await freeAddress();
  const sampling = await freeAddress();
  const engine = await startEngine({
    dir,
    name: 'ingester',
    config: [pipeline('ingester.yaml')],
    env: { KAFKA_BROKERS: brokers, CLICKHOUSE_URL: inject('clickhouseUrl') },
    set: {
      'receivers.kafka.group_id': of.group,
      'receivers.kafka.traces.topics': `[${of.topic}]`,
      'exporters.clickhouse.database': of.database,
      'exporters.prometheus.endpoint': metrics,
      'extensions.remote_sampling.http.endpoint': sampling,
      'extensions.remote_sampling.http.extra_endpoints': '[]',
      'extensions.remote_sampling.grpc.endpoint': await freeAddress(),
      'extensions.remote_sampling.grpc.extra_endpoints': `[${await freeAddress()}]`,
      'extensions.overview_page.endpoint': await freeAddress(),
      'extensions.healthcheckv2.http.endpoint': await freeAddress(),
      'service.telemetry.metrics.address': await freeAddress(),
      'service.spanweir.workers': '2',
      // Spans are counted here, not what they stand for.
      'service.spanweir.weights.sampler_tags': 'false',
    },
  });
  return { engine, metrics: `http://${metrics}/metrics`, sampling: `http://${sampling}` };
}

/** Every trace comes in three requests, one a service, as from three processes: a root and two times three more. */
function requests(): Buffer[] {
  const startNs = BigInt(Date.now()) * 1_000_000n;
  const spanOf = (trace: number, place: number): TestSpan => ({
    traceId: (trace + 1).toString(16).padStart(32, '0'),
    spanId: (trace * 100 + place + 1).toString(16).padStart(16, '0'),
    ...(place > 0 && { parentSpanId: (trace * 100 + 1).toString(16).padStart(16, '0') }),
    name: `operation ${place}`,
    startNs,
    ...(place === 0 && { attributes: { 'sampler.type': 'probabilistic', 'sampler.param': 0.5 } }),
  });
  const places = [[0], [1, 2, 3], [4, 5, 6]];
  const bodies: Buffer[] = [];
  for (let first = 0; first < TRACES; first += 50) {
    for (const [i, service] of SERVICES.entries()) {
      const traces = Array.from({ length: 50 }, (_, n) => first + n);
      const spans = traces.flatMap((trace) => (places[i] ?? []).map((place) => spanOf(trace, place)));
      bodies.push(encodeProto([{ service, spans }]));
    }
  }
  return bodies;
}

test('spans go from OTLP over a topic, trace by trace, to ClickHouse and /metrics in two processes', async () => {
  const dir = tempDirOfTest();
  const topic = await createTopic('roles', { partitions: PARTITIONS });
  const database = await createDatabase('roles');
  const group = uniqueName('ingester');
  const [otlp, ingester] = await Promise.all([
    startCollector(dir, topic),
    startIngester(dir, { topic, group, database }),
  ]);
  const headers = { 'content-type': 'application/x-protobuf' };
  const answers = await Promise.all(
    requests().map((body) => fetch(`http://${otlp}/v1/traces`, { method: 'POST', headers, body })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));

  // An answer means that the broker has the spans, so all of them are on the topic now.
  const messages = await readTopic(topic, await topicSize(topic));
  const partitionsOf = new Map<string, Set<number>>();
  let onTopic = 0;
  for (const { partition, value } of messages) {
    for (const span of decodeProto(value).flatMap(({ scopes }) => scopes.flatMap(({ spans }) => spans))) {
      onTopic++;
      const known = partitionsOf.get(span.traceId) ?? new Set<number>();
      partitionsOf.set(span.traceId, known.add(partition));
    }
  }
  expect(onTopic).toBe(SPANS);
  expect(partitionsOf.size).toBe(TRACES);
  expect([...partitionsOf.values()].filter(({ size }) => size !== 1)).toEqual([]);
  expect(new Set(messages.map(({ partition }) => partition)).size).toBe(PARTITIONS);

  await waitFor('all is committed', async () => {
    const positions = await committed(group, topic);
    const sum = [...positions.values()].reduce((total, { offset }) => total + Math.max(0, Number(offset)), 0);
    return sum === messages.length;
  });
  const [rows] = await queryRows<Record<'spans' | 'ids' | 'traces', string>>(
    `SELECT count() AS spans, uniqExact(SpanId) AS ids, uniqExact(TraceId) AS traces FROM ${database}.otel_traces`,
  );
  expect([rows?.spans, rows?.ids, rows?.traces].map(Number)).toEqual([SPANS, SPANS, TRACES]);
  const samples = await waitFor('the last commit is counted', async () => {
    const seen = await scrape(ingester.metrics);
    return total(seen, 'traces_span_metrics_calls_total') >= SPANS && seen;
  });
  const bySeries = callsBySeries(samples);
  expect(bySeries.size).toBe(SPANS_PER_TRACE);
  expect(new Set(bySeries.values())).toEqual(new Set([TRACES]));
  const [throughput] = await queryRows<Record<'count' | 'operation', string>>(
    `SELECT sum(Count) AS count, any(Operation) AS operation FROM ${database}.sampling_throughput`,
  );
  expect([Number(throughput?.count), throughput?.operation]).toEqual([TRACES, 'operation 0']);
  const reply = await (await fetch(`${ingester.sampling}/sampling?service=frontend`)).json();
  expect(reply).toMatchObject({ strategyType: 'PROBABILISTIC' });
});
