import { expect, inject, test } from 'vitest';
import { scrape, total } from '../../../bench/support/exposition.ts';
import { createDatabase, queryRows } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { encodeProto } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic, produce, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { freeAddress, pipeline, type RunningEngine, startEngine } from './engine.ts';

const PARTITIONS = 2;
const SESSION_MS = 8000;
const brokers = inject('kafkaBrokers').join();

interface Ingester {
  readonly engine: RunningEngine;
  readonly sampling: string;
  /** Of the engine's own metrics. */
  gauge(name: string): Promise<number>;
}

/** pipelines/ingester.yaml with rounds every second. */
async function startIngester(
  name: string,
  of: Record<'dir' | 'topic' | 'group' | 'database', string>,
): Promise<Ingester> {
  const [own, sampling] = [await freeAddress(), await freeAddress()];
  const adaptive = 'extensions.remote_sampling.adaptive';
  const engine = await startEngine({
    dir: of.dir,
    name,
    config: [pipeline('ingester.yaml')],
    env: { KAFKA_BROKERS: brokers, CLICKHOUSE_URL: inject('clickhouseUrl') },
    set: {
      'receivers.kafka.group_id': of.group,
      'receivers.kafka.session_timeout': `${SESSION_MS}ms`,
      'receivers.kafka.heartbeat_interval': '1s',
      'receivers.kafka.traces.topics': `[${of.topic}]`,
      'exporters.clickhouse.database': of.database,
      'exporters.prometheus.endpoint': await freeAddress(),
      'processors.adaptive_sampling.window': '1s',
      [`${adaptive}.window`]: '1s',
      [`${adaptive}.calculation_interval`]: '1s',
      [`${adaptive}.calculation_delay`]: '1s',
      'extensions.remote_sampling.http.endpoint': sampling,
      'extensions.remote_sampling.http.extra_endpoints': '[]',
      'extensions.remote_sampling.grpc.endpoint': await freeAddress(),
      'extensions.remote_sampling.grpc.extra_endpoints': '[]',
      'extensions.overview_page.endpoint': await freeAddress(),
      'extensions.healthcheckv2.http.endpoint': await freeAddress(),
      'service.telemetry.metrics.address': own,
      'service.spanweir.workers': '1',
    },
  });
  const gauge = async (metric: string): Promise<number> =>
    total(await scrape(`http://${own}/metrics`), metric);
  return { engine, sampling: `http://${sampling}`, gauge };
}

/** Roots of an SDK for Java that tells nothing of its sampler, one a partition. */
async function produceRoots(topic: string, atMs: number): Promise<void> {
  const messages = Array.from({ length: PARTITIONS }, (_, partition) => {
    const span = {
      name: 'GET /',
      startNs: BigInt(atMs) * 1_000_000n,
      traceId: `${partition}1`.padStart(32, '0'),
    };
    const attributes = { 'telemetry.sdk.language': 'java' };
    const value = encodeProto([{ service: 'shop', attributes, spans: [span] }]);
    return { partition, value, timestamp: String(atMs) };
  });
  await produce(topic, messages);
}

test('sampling is decided on as far as every partition is stored: one without an owner holds it, a replay moves nothing', async () => {
  const dir = tempDirOfTest();
  const topic = await createTopic('complete', { partitions: PARTITIONS });
  const database = await createDatabase('complete');
  const of = { dir, topic, group: uniqueName('ingester'), database };
  const first = await startIngester('first', of);
  const decidedUntilS = () => first.gauge('spanweir_sampling_decided_until_seconds');

  // Nothing was ever produced: an empty partition is complete as well.
  const beganS = Date.now() / 1000;
  await waitFor('the present is decided on', async () => (await decidedUntilS()) > beganS);

  const second = await startIngester('second', of);
  await waitFor('both own a partition', async () => {
    const owned = await Promise.all(
      [first, second].map((each) => each.gauge('spanweir_kafka_receiver_assigned_partitions')),
    );
    return owned.every((n) => n === 1);
  });
  const rejoinedS = Date.now() / 1000;
  await waitFor('it goes on with two owners', async () => (await decidedUntilS()) > rejoinedS + 2);

  await second.engine.kill();
  const killedS = Date.now() / 1000;
  const heldS: number[] = [];
  while (Date.now() / 1000 < killedS + SESSION_MS / 2000) heldS.push(await decidedUntilS());
  // What the killed one said last is at most a moment older than its death.
  expect(Math.max(...heldS)).toBeLessThanOrEqual(killedS);
  await waitFor(
    'the other one has taken over',
    async () => (await decidedUntilS()) > killedS + SESSION_MS / 1000,
  );

  const decisions = async (): Promise<number> => {
    const answer = await fetch(`${first.sampling}/api/v1/sampling/decisions?operation=GET%20%2F`);
    return ((await answer.json()) as { matching: number }).matching;
  };
  await produceRoots(topic, Date.now() - 300_000);
  await waitFor('the old spans are stored', async () => {
    const [row] = await queryRows<{ roots: string }>(
      `SELECT sum(Roots) AS roots FROM ${database}.sampling_throughput`,
    );
    return Number(row?.roots) === PARTITIONS;
  });
  const storedS = Date.now() / 1000;
  await waitFor('rounds go on', async () => (await decidedUntilS()) > storedS + 1);
  expect(await decisions()).toBe(0);

  await produceRoots(topic, Date.now());
  await waitFor('new ones are decided on', async () => (await decisions()) > 0);
});
