import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { scrape, total } from '../../../bench/support/exposition.ts';
import { KafkaSender, numberedSpans, OtlpSender } from '../../../bench/support/senders.ts';
import { committedMessages } from '../../../bench/support/topic.ts';
import type {} from '../../support/context.ts';
import { encodeProto } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic, produce, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { allInOne, EMBEDDED, startAllInOne } from './all-in-one.ts';
import {
  configArguments,
  freeAddress,
  pipeline,
  type RunningEngine,
  runToEnd,
  startEngine,
} from './engine.ts';
import { type Counts, kafkaReceiver, query } from './parts.ts';

const brokers = inject('kafkaBrokers');

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The child process that is the embedded ClickHouse now. */
function clickhousePid(engine: RunningEngine): number {
  const found = engine.offspring().filter(({ command }) => command.includes('embedded-host'));
  expect(found).toHaveLength(1);
  return (found[0] as { pid: number }).pid;
}

describe('an embedded ClickHouse that is killed with -9 under load', () => {
  test('comes back; from Kafka each span is stored once, from OTLP each that was acknowledged', async () => {
    const topic = await createTopic('killed', { partitions: 4 });
    const more = {
      receivers: { kafka: kafkaReceiver(topic) },
      service: { pipelines: { traces: { receivers: ['otlp', 'kafka'] } } },
    };
    const { engine, ports, otlpUrl } = await startAllInOne({
      dir: tempDirOfTest(),
      more: [`yaml:${JSON.stringify(more)}`],
    });
    const kafka = await KafkaSender.start(brokers, topic, 60);
    const otlp = new OtlpSender(() => otlpUrl);
    const killed = new Set<number>();
    for (let i = 0; i < 3; i++) {
      await pause(1700 + 400 * i);
      const pid = clickhousePid(engine);
      process.kill(pid, 'SIGKILL');
      killed.add(pid);
      await waitFor('another one serves', async () => {
        const [one] = await query<{ one: number }>(ports.clickhouse, 'SELECT 1 AS one');
        return one !== undefined && !killed.has(clickhousePid(engine));
      });
    }
    await pause(1500);
    await kafka.end();
    await otlp.end();

    const of = (service: string): string =>
      `SELECT count() AS rows, uniqExact(TraceId) AS spans FROM spanweir.otel_traces WHERE ServiceName = '${service}'`;
    const [fromKafka] = await waitFor('all of Kafka', async () => {
      const found = await query<Counts>(ports.clickhouse, of('from kafka'));
      return found[0] !== undefined && found[0].spans >= kafka.sent && found;
    });
    expect(fromKafka).toEqual({ rows: kafka.sent, spans: kafka.sent });
    const ids = await query<{ id: string }>(
      ports.clickhouse,
      "SELECT DISTINCT TraceId AS id FROM spanweir.otel_traces WHERE ServiceName = 'from otlp'",
    );
    const stored = new Set(ids.map(({ id }) => Number.parseInt(id.slice(-8), 16)));
    const lost = otlp.acknowledged.filter((first) => {
      return Array.from({ length: 100 }, (_, i) => first + i).some((number) => !stored.has(number));
    });
    expect(otlp.acknowledged.length).toBeGreaterThan(0);
    expect(lost).toEqual([]);
    // The tables beside the spans are written by other inserts, and by views.
    const [beside] = await query<Record<'red' | 'byMinute', number>>(
      ports.clickhouse,
      `SELECT (SELECT sum(Spans) FROM spanweir.span_metrics_10s WHERE ServiceName = 'from kafka') AS red,
              (SELECT sum(Spans) FROM spanweir.span_metrics_1m WHERE ServiceName = 'from kafka') AS byMinute`,
    );
    expect(beside).toEqual({ red: kafka.sent, byMinute: kafka.sent });
    const own = await scrape(`http://127.0.0.1:${ports.own}/metrics`);
    expect(total(own, 'spanweir_embedded_clickhouse_restarts_total')).toBe(3);
    console.log(
      `killed 3 times: Kafka ${kafka.sent} sent, ${fromKafka?.rows} rows; OTLP ${otlp.acknowledgedSpans} ` +
        `acknowledged, none lost; answers ${[...otlp.statuses].map((pair) => pair.join(': ')).join(', ')}`,
    );
  });
});

describe('a port that is taken', () => {
  test.each([
    ['http', 'receivers.otlp.protocols.http.endpoint'],
    ['samplingGrpc', 'extensions.remote_sampling.grpc.endpoint'],
    ['clickhouse', 'extensions.embedded_clickhouse.endpoint'],
    ['native', 'extensions.embedded_clickhouse.native_endpoint'],
    ['own', 'service.telemetry.metrics.address'],
  ] as const)('(%s) is named with its option; the exit code is 1 and nothing stays', async (port, option) => {
    const { args, ports } = await allInOne();
    const dir = tempDirOfTest();
    const squatter = createServer().listen(ports[port], '127.0.0.1');
    onTestFinished(() => void squatter.close());
    const config = configArguments({ dir, config: [pipeline('all-in-one.yaml')], set: args });
    const { code, log, offspring } = await runToEnd(config, { dir, env: EMBEDDED });
    expect({ code, offspring }).toEqual({ code: 1, offspring: [] });
    expect(log.trimEnd().split('\n').at(-1)).toBe(
      `spanweir: 127.0.0.1:${ports[port]} is already taken by another program; choose another port (set by ${option})`,
    );
  });
});

describe('a stop', () => {
  test('that a hanging database holds up is forced by a second signal, with 130; nothing stays', async () => {
    const { engine, otlpUrl } = await startAllInOne({ dir: tempDirOfTest() });
    const pid = clickhousePid(engine);
    const headers = { 'content-type': 'application/x-protobuf' };
    const body = encodeProto([{ service: 'held', spans: numberedSpans('cc', 0) }]);
    process.kill(pid, 'SIGSTOP');
    onTestFinished(() => resume(pid));
    const answer = fetch(otlpUrl, { method: 'POST', headers, body }).catch(() => 'no answer');
    await pause(500);
    process.kill(engine.pid, 'SIGTERM');
    await pause(1500);
    expect(engine.running()).toBe(true);
    const secondMs = performance.now();
    process.kill(engine.pid, 'SIGTERM');
    expect(await engine.ended).toEqual({ code: 130, signal: null });
    expect(performance.now() - secondMs).toBeLessThan(1000);
    expect(await answer).toBe('no answer');
    resume(pid);
    await waitFor('the database has ended too', () => engine.offspring().length === 0);
  });

  test('in order ends with 0, ends the database, and says so', async () => {
    const { engine, otlpUrl } = await startAllInOne({ dir: tempDirOfTest() });
    const headers = { 'content-type': 'application/x-protobuf' };
    const body = encodeProto([{ service: 'last', spans: numberedSpans('dd', 0) }]);
    const answer = fetch(otlpUrl, { method: 'POST', headers, body });
    await waitFor('the engine has the request', () => pause(50).then(() => true));
    expect(await engine.stop(30_000)).toEqual({ code: 0, signal: null });
    expect((await answer).status).toBe(200);
    expect(engine.offspring()).toEqual([]);
    expect(engine.log()).toContain('"message":"Stopped"');
  });
});

function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It has ended.
  }
}

test('a message that is not OTLP is counted and put aside, and its partition goes on', async () => {
  const topic = await createTopic('undecodable');
  const good = (first: number): Buffer =>
    encodeProto([{ service: 'good', spans: numberedSpans('ee', first) }]);
  const bad = Buffer.from('this is not a protobuf message');
  await produce(topic, [
    { value: good(0) },
    { key: 'k', value: bad, headers: { tenant: 'a' } },
    { value: good(100) },
  ]);
  const dir = tempDirOfTest();
  const [metrics, own] = [await freeAddress(), await freeAddress()];
  const group = uniqueName('undecodable');
  await startEngine({
    dir,
    config: {
      receivers: { kafka: kafkaReceiver(topic, group) },
      connectors: { span_metrics: {} },
      exporters: { prometheus: { endpoint: metrics } },
      service: {
        telemetry: { metrics: { address: own } },
        pipelines: {
          traces: { receivers: ['kafka'], exporters: ['span_metrics'] },
          metrics: { receivers: ['span_metrics'], exporters: ['prometheus'] },
        },
      },
    },
  });
  await waitFor('all three are passed', async () => (await committedMessages(brokers, group, topic)) === 3);
  await waitFor('the good ones are counted', async () => {
    return total(await scrape(`http://${metrics}/metrics`), 'traces_span_metrics_calls_total') === 200;
  });
  const counted = await scrape(`http://${own}/metrics`);
  expect(counted.get('spanweir_intake_quarantined_total{reason="group",receiver="kafka"}')).toBe(1);
  expect(total(counted, 'spanweir_kafka_receiver_dead_letters_total')).toBe(1);
  const folder = join(dir, 'data', 'dead-letter');
  expect(readdirSync(folder)).toEqual([`${topic}-0-1.json`]);
  expect(JSON.parse(readFileSync(join(folder, `${topic}-0-1.json`), 'utf8'))).toMatchObject({
    topic,
    offset: 1,
    reason: 'group',
    key: Buffer.from('k').toString('base64'),
    value: bad.toString('base64'),
  });
});
