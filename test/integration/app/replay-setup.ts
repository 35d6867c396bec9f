import { inject, onTestFinished } from 'vitest';
import type { CommandIo } from '../../../src/app/commands/command.ts';
import { replayCommand } from '../../../src/app/commands/replay.ts';
import { COMPONENTS } from '../../../src/app/components.ts';
import { deadlineIn } from '../../../src/app/deadline.ts';
import { Lane } from '../../../src/app/lane.ts';
import { planReceivers, samplingStore } from '../../../src/app/plan.ts';
import { sharedRing } from '../../../src/app/request-ring.ts';
import { revisionOf } from '../../../src/app/revision.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { ComponentContext } from '../../../src/base/component.ts';
import { ClickHouse } from '../../../src/clickhouse/client.ts';
import { migrate } from '../../../src/clickhouse/migrate.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { LoadedConfig } from '../../../src/config/loaded-config.ts';
import { createInstruments } from '../../../src/telemetry/instruments.ts';
import { createDatabase, queryRows } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { encodeProto } from '../../support/spans.ts';
import { tempDirOfTest } from '../../support/temp-dir.ts';
import { createTopic, kafkaClient, uniqueName } from '../../support/topics.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface World {
  readonly topic: string;
  readonly group: string;
  readonly database: string;
  config(more?: object): LoadedConfig;
}

/** A topic, and a database with the schema. */
export async function createWorld(partitions = 2, topicConfig: Record<string, string> = {}): Promise<World> {
  const topic = await createTopic('replay', { partitions, config: topicConfig });
  const group = uniqueName('replay');
  const database = await createDatabase('replay');
  const directory = tempDirOfTest();
  const client = new ClickHouse({
    url: inject('clickhouseUrl'),
    username: 'default',
    password: '',
    database,
    timeoutMs: 30_000,
    maxConnections: 2,
    gzip: false,
    settings: {},
  });
  await migrate(client, {
    spansTtlMs: 0,
    dryRun: false,
    clock: systemClock,
    random: Math.random,
    log: quiet,
  });
  await client.close();
  const text = (connector: object): string =>
    JSON.stringify({
      receivers: {
        kafka: {
          brokers: inject('kafkaBrokers'),
          group_id: group,
          initial_offset: 'earliest',
          traces: { topics: [topic] },
          dead_letter: { directory },
        },
      },
      connectors: { span_metrics: connector },
      exporters: {
        clickhouse: {
          endpoint: inject('clickhouseUrl'),
          database,
          create_schema: false,
          ttl: 0,
          block: { spans: 20, linger: '50ms' },
        },
      },
      service: {
        pipelines: {
          traces: { receivers: ['kafka'], exporters: ['clickhouse', 'span_metrics'] },
          metrics: { receivers: ['span_metrics'], exporters: ['clickhouse'] },
        },
      },
    });
  return {
    topic,
    group,
    database,
    config: (connector = {}) => {
      const config = loadConfig({ configs: [`yaml:${text(connector)}`], sets: [] }, COMPONENTS, {
        variables: {},
      });
      if ('problems' in config) throw new Error(config.problems.join('\n'));
      return config;
    },
  };
}

export interface RunningLane {
  stop(): Promise<void>;
}

/** A worker of the engine in this thread. */
export async function startLane(config: LoadedConfig): Promise<RunningLane> {
  const instruments = createInstruments(() => {});
  const contextFor = (_key: string, id: string): ComponentContext => ({
    id,
    clock: systemClock,
    random: Math.random,
    log: quiet,
    instruments,
    health: { report: () => {} },
  });
  const setup = {
    config,
    plans: planReceivers(config),
    store: samplingStore(config),
    revision: revisionOf(config),
    lane: 0,
    lanes: 1,
    life: 1,
    lifeId: uniqueName('life'),
    beats: new SharedArrayBuffer(4),
    ring: sharedRing(4096),
    redWanted: [],
  };
  const lane = new Lane(setup, contextFor, () => {});
  await lane.start();
  await lane.begin();
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    lane.quiesce();
    const deadline = deadlineIn(10_000);
    await lane.stop(deadline);
    deadline.clear();
  };
  onTestFinished(stop);
  return { stop };
}

/** Messages first to last of five spans each, message i of the service s<i>, round robin over the partitions. */
export async function sendMessages(
  topic: string,
  [first, last]: readonly [number, number],
  { partitions = 2, startMs = (_i: number) => Date.now() } = {},
): Promise<void> {
  const producer = kafkaClient().producer();
  await producer.connect();
  for (let from = first; from <= last; from += 10) {
    const count = Math.min(10, last - from + 1);
    const messages = Array.from({ length: count }, (_, k) =>
      message(from + k, partitions, startMs(from + k)),
    );
    await producer.send({ topic, acks: -1, messages });
  }
  await producer.disconnect();
}

function message(i: number, partitions: number, startMs: number) {
  const startNs = BigInt(startMs) * 1_000_000n;
  const spans = Array.from({ length: 5 }, (_, k) => ({
    traceId: (i + 1).toString(16).padStart(32, '0'),
    spanId: (i * 5 + k + 1).toString(16).padStart(16, '0'),
    ...(k === 0 ? {} : { parentSpanId: (i * 5 + 1).toString(16).padStart(16, '0') }),
    name: `op ${k}`,
    startNs,
    attributes: { color: k % 2 === 0 ? 'red' : 'blue' },
  }));
  return {
    partition: i % partitions,
    value: encodeProto([{ service: `s${i}`, spans }]),
    timestamp: String(startMs),
  };
}

/** What a reader can see of each table: with every row of spans, and sums where rows merge. */
export async function contents(database: string): Promise<Record<string, unknown>> {
  const rows = (sql: string): Promise<unknown[]> => queryRows(sql.replaceAll('DB.', `${database}.`));
  const red = (table: string): Promise<unknown[]> =>
    rows(
      `SELECT ServiceName, SpanName, Ts, Dims, sum(Spans) AS spans, sum(Calls) AS calls, sum(DurationSumNs) AS ns
       FROM DB.${table} GROUP BY ALL HAVING spans > 0 ORDER BY ALL`,
    );
  return {
    spans: await rows(
      'SELECT KafkaPartition, KafkaOffset, SpanId, Timestamp FROM DB.otel_traces ORDER BY ALL',
    ),
    traces: await rows(
      'SELECT TraceId, min(Start), max(End), sumMap(Spans) FROM DB.trace_summary GROUP BY TraceId ORDER BY ALL',
    ),
    tenSeconds: await red('span_metrics_10s'),
    minutes: await red('span_metrics_1m'),
    hours: await red('span_metrics_1h'),
    days: await red('span_metrics_1d'),
  };
}

/** Ranges of a partition's log that do not begin where the one before ended. */
export async function misfits(database: string): Promise<unknown[]> {
  return await queryRows(
    `SELECT * FROM
     (
         SELECT Partition, FirstOffset, LastOffset,
                lagInFrame(LastOffset + 1, 1, 0) OVER (PARTITION BY Source, Partition ORDER BY FirstOffset) AS expected
         FROM (SELECT DISTINCT Source, Partition, FirstOffset, LastOffset FROM ${database}.ingest_log)
     ) WHERE FirstOffset != expected`,
  );
}

export interface Ran {
  readonly code: number;
  readonly printed: string;
}

/** Runs the command in this process. */
export async function replay(
  config: LoadedConfig,
  values: Record<string, string | boolean | readonly string[]> = {},
  stop = new AbortController().signal,
): Promise<Ran> {
  const printed: string[] = [];
  const said =
    (level: string) =>
    (fields: object, message: string): void => {
      printed.push(
        `${level}: ${message} ${JSON.stringify({ ...fields, err: String((fields as { err?: unknown }).err) })}`,
      );
    };
  const io: CommandIo = {
    print: (line) => printed.push(line),
    complain: (line) => printed.push(line),
    progress: () => {},
    clock: systemClock,
    log: { ...quiet, warn: said('warn'), error: said('error') },
  };
  const given = { values: { yes: true, ...values }, positionals: [] };
  const code = await replayCommand.run(given, config, io, stop);
  return { code, printed: printed.join('\n') };
}

/** What the group has committed, as it stands at the broker. */
export async function groupOffsets(group: string, topic: string): Promise<unknown> {
  const admin = kafkaClient().admin();
  await admin.connect();
  try {
    const [answer] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    return [...(answer?.partitions ?? [])].sort((a, b) => a.partition - b.partition);
  } finally {
    await admin.disconnect();
  }
}

/** Names of groups at the broker that begin so. */
export async function groupsLike(prefix: string): Promise<string[]> {
  const admin = kafkaClient().admin();
  await admin.connect();
  try {
    const { groups } = await admin.listGroups();
    return groups.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(prefix));
  } finally {
    await admin.disconnect();
  }
}
