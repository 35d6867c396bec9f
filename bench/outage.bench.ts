import { type FullEngine, startDatabase, startFullEngine } from './support/full-engine.ts';
import { maxRssMiB } from './support/process-usage.ts';
import { KafkaSender, OtlpSender } from './support/senders.ts';
import { Session, until } from './support/session.ts';
import { fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

const TOPIC = 'outage';
const SETTINGS = { block: { max_in_flight_bytes: 64 << 20 } };
/** What Node, its libraries and kafkajs need besides the blocks, generously. */
const RSS_LIMIT_MIB = 600;
const REFUSAL_LIMIT_MS = 20_000;

/** `upMs`: of each life of the engine under load. */
const PLANS = {
  tiny: { awayMs: 7000, upMs: 1500 },
  full: { awayMs: 60_000, upMs: 5000 },
} as const;

/** Under load from Kafka and OTLP: stop and start the engine, then take ClickHouse away. Nothing is lost. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { awayMs, upMs } = PLANS[size];
  const session = await Session.open();
  try {
    await fillTopic(session.brokers, TOPIC, { partitions: 4, workload: new Workload({ spans: 0 }) });
    const [httpPort, nativePort] = (await session.ports(2)) as [number, number];
    const databaseOptions = { name: 'database', httpPort, nativePort };
    let database = await startDatabase(session, databaseOptions);
    session.onEnd(() => database.stop(20_000));
    const begin = (): Promise<FullEngine> =>
      startFullEngine(session, {
        name: 'engine',
        group: 'outage',
        topic: TOPIC,
        settings: SETTINGS,
        clickhousePort: httpPort,
      });
    let engine = await begin();
    session.onEnd(() => engine.child.stop(40_000));
    const kafka = await KafkaSender.start(session.brokers, TOPIC, 100);
    const otlp = new OtlpSender(() => engine.otlpUrl);

    await pause(upMs);
    const stops: string[] = [];
    for (let i = 0; i < 3; i++) {
      const ended = await engine.child.stop(40_000);
      stops.push(String(ended.signal ?? ended.code));
      await pause(1000);
      engine = await begin();
      await pause(upMs);
    }
    console.log(`stopped and started 3 times under load; exit codes ${stops.join(', ')}`);

    await database.stop(20_000);
    await pause(awayMs);
    const rssMiB = maxRssMiB(engine.child.pid);
    database = await startDatabase(session, databaseOptions);
    await pause(upMs);
    await kafka.end();
    await otlp.end();
    return (await settle(engine, kafka, otlp, rssMiB, awayMs)) && stops.every((code) => code === '0');
  } finally {
    await session.end();
  }
}

async function settle(
  engine: FullEngine,
  kafka: KafkaSender,
  otlp: OtlpSender,
  rssMiB: number,
  awayMs: number,
): Promise<boolean> {
  const startedMs = performance.now();
  const [seen] = await until(
    () =>
      engine.query<{ rows: string; spans: string }>(
        `SELECT count() AS rows, uniqExact(TraceId) AS spans FROM otel_traces WHERE ServiceName = 'from kafka'`,
      ),
    ([found]) => Number(found?.spans) >= kafka.sent,
    180_000,
  );
  const caughtUpS = (performance.now() - startedMs) / 1000;
  const stored = new Set(
    (
      await engine.query<{ id: string }>(
        `SELECT DISTINCT TraceId AS id FROM otel_traces WHERE ServiceName = 'from otlp'`,
      )
    ).map(({ id }) => Number.parseInt(id.slice(-8), 16)),
  );
  let lost = 0;
  for (const first of otlp.acknowledged) for (let i = 0; i < 100; i++) if (!stored.has(first + i)) lost++;
  const answers = [...otlp.statuses].map(([status, count]) => `${status}: ${count}`).join(', ');
  console.log(
    `ClickHouse away for ${awayMs / 1000} s. Kafka: ${kafka.sent} spans sent, ${seen?.spans} stored in ${seen?.rows} rows, ` +
      `caught up ${caughtUpS.toFixed(1)} s after the end`,
  );
  console.log(
    `OTLP: ${otlp.acknowledgedSpans} spans acknowledged, ${lost} of them missing; answers ${answers}; ` +
      `slowest refusal ${otlp.slowestRefusalMs.toFixed(0)} ms, ${otlp.refusalsWithoutRetryAfter} without Retry-After`,
  );
  console.log(`RSS max ${rssMiB} MiB (limit ${RSS_LIMIT_MIB})`);
  return (
    Number(seen?.spans) === kafka.sent &&
    Number(seen?.rows) === kafka.sent &&
    lost === 0 &&
    otlp.slowestRefusalMs <= REFUSAL_LIMIT_MS &&
    otlp.refusalsWithoutRetryAfter === 0 &&
    rssMiB <= RSS_LIMIT_MIB
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
