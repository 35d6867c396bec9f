import { startCollector } from '../scripts/parts/collector.mjs';
import { startDatabase } from './chaos/database.ts';
import { Dice } from './chaos/dice.ts';
import { SteadyProducer } from './chaos/producer.ts';
import { SpanLedger } from './chaos/span-ledger.ts';
import { createTopic, openParts, type Parts, pause } from './chaos/world.ts';
import { Workload } from './workload.ts';

const SIZES = {
  tiny: { kills: 3, gapMs: [4000, 6000], spansPerSecond: 3000 },
  full: { kills: 30, gapMs: [5000, 11_000], spansPerSecond: 4000 },
} as const;
const TOPIC = 'collector';
const PARTITIONS = 12;
const NAMES = ['a', 'b', 'c'] as const;

type Child = Awaited<ReturnType<typeof startCollector>>;

/**
 * The collector under the same load and the same kills: kafka -> batch -> clickhouse as its documentation has it. It
 * shows what is measured here at all, so any outcome is right.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { kills, gapMs, spansPerSecond } = SIZES[size];
  const seed = Number(process.env.CHAOS_SEED ?? 1);
  const dice = new Dice(seed);
  const parts = await openParts();
  const database = await startDatabase(`${parts.dir}/clickhouse`);
  const children = new Map<string, Child>();
  await createTopic(parts.brokers, TOPIC, PARTITIONS);
  const start = async (name: string): Promise<void> => {
    children.set(
      name,
      await startCollector({ dir: `${parts.dir}/${name}`, config: configOf(parts, database.httpPort) }),
    );
  };
  const ledger = new SpanLedger(PARTITIONS);
  try {
    for (const name of NAMES) await start(name);
    const producer = startProducing(parts, ledger, { seed, spansPerSecond });
    await pause(3000);
    for (let i = 0; i < kills; i++) {
      await pause(dice.between(gapMs[0], gapMs[1]));
      const victim = dice.pick(NAMES);
      await children.get(victim)?.kill();
      await start(victim);
    }
    await producer.end();
    await untilQuiet(() => rowsOf(database));
    const [found] = await database.query<{ n: string; u: string }>(
      'SELECT count() AS n, uniqExact(SpanId) AS u FROM otel_traces',
    );
    const [rows, unique] = [Number(found?.n), Number(found?.u)];
    console.log(
      `seed ${seed}: the collector, ${kills} kill -9 over ${ledger.spans} spans: ` +
        `lost ${ledger.spans - unique}, double ${rows - unique}`,
    );
    return ledger.spans > 0 && rows > 0;
  } finally {
    await Promise.all(Array.from(children.values(), (child) => child.stop(20_000)));
    await database.stop();
    await parts.end();
  }
}

function startProducing(
  parts: Parts,
  ledger: SpanLedger,
  { seed, spansPerSecond }: { readonly seed: number; readonly spansPerSecond: number },
): SteadyProducer {
  const workload = new Workload({
    spans: 100_000_000,
    seed,
    startNs: BigInt(Date.now()) * 1_000_000n,
    spanIntervalNs: Math.round(1e9 / spansPerSecond),
  });
  const messages = workload.messages();
  const messagesPerSecond = spansPerSecond / 100;
  return SteadyProducer.start({ brokers: parts.brokers, topic: TOPIC, messagesPerSecond, messages }, ledger);
}

async function rowsOf(database: { query: <T>(sql: string) => Promise<T[]> }): Promise<number> {
  const [found] = await database.query<{ n: string }>('SELECT count() AS n FROM otel_traces');
  return Number(found?.n);
}

/** Its position says nothing about what is stored: until no row has come for 15 seconds. */
async function untilQuiet(look: () => Promise<number>): Promise<void> {
  let last = await look();
  for (let quietMs = 0; quietMs < 15_000; quietMs += 1000) {
    await pause(1000);
    const now = await look();
    if (now !== last) quietMs = 0;
    last = now;
  }
}

function configOf(parts: Parts, port: number): object {
  return {
    receivers: {
      kafka: {
        brokers: parts.brokers,
        group_id: TOPIC,
        initial_offset: 'earliest',
        session_timeout: '6s',
        heartbeat_interval: '2s',
        traces: { topics: [TOPIC], encoding: 'otlp_proto' },
      },
    },
    processors: { batch: { send_batch_size: 10_000, timeout: '1s' } },
    exporters: { clickhouse: { endpoint: `http://127.0.0.1:${port}`, database: 'spanweir' } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: {
        traces: { receivers: ['kafka'], processors: ['batch'], exporters: ['clickhouse'] },
      },
    },
  };
}
