import { startCollector } from '../scripts/parts/collector.mjs';
import { OuterClickHouse } from './effect-once/outer-clickhouse.ts';
import { startWriter } from './effect-once/writer-engine.ts';
import { scrape, total } from './support/exposition.ts';
import { median, tellFigures } from './support/figures.ts';
import { cpuSeconds } from './support/process-usage.ts';
import { Session, until } from './support/session.ts';
import { committedMessages, fillTopic, forgetGroup } from './support/topic.ts';
import { SPANS_PER_MESSAGE, Workload } from './workload.ts';

const TOPIC = 'protocol-cost';
const GROUP = 'protocol-cost';
const PARTITIONS = 8;
const COST_LIMIT = 1.05;

const PLANS = {
  tiny: { spans: 10_000, pairs: 1, collectorMs: 1500 },
  full: { spans: 1_500_000, pairs: 10, collectorMs: 30_000 },
} as const;

/**
 * CPU of Kafka to ClickHouse with plans over the same without, in pairs; then the collector that loses nothing. Only the second half of the
 * topic is measured: the first blocks of a group that has no plan yet are looked for in all tables, which is no protocol's cost but a start's.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { spans, pairs, collectorMs } = PLANS[size];
  const session = await Session.open();
  try {
    const clickhouse = await OuterClickHouse.start(session);
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    await fillTopic(session.brokers, TOPIC, {
      partitions: PARTITIONS,
      workload: new Workload({ spans, startNs }),
    });
    // The first one reads cold files.
    if (size === 'full') await measure(session, clickhouse, { effectOnce: true, spans });
    const ratios: number[] = [];
    let ours: Run | undefined;
    for (let pair = 1; pair <= pairs; pair++) {
      const planned = await measure(session, clickhouse, { effectOnce: true, spans });
      const plain = await measure(session, clickhouse, { effectOnce: false, spans });
      const ratio = planned.cpuS / planned.spans / (plain.cpuS / plain.spans);
      ratios.push(ratio);
      ours = planned;
      console.log(
        `pair ${pair}: effect-once ${shown(planned)}; at-least-once ${shown(plain)}; ${ratio.toFixed(3)}`,
      );
    }
    const middle = median(ratios);
    const peer = await collectorRate(session, clickhouse, collectorMs);
    const rate = (ours?.spans ?? Number.NaN) / (ours?.seconds ?? Number.NaN);
    return tellFigures('protocol-cost', [
      {
        what: `CPU of Kafka to ClickHouse with effect-once over at-least-once, ${pairs} pairs in turn`,
        figure: `${middle.toFixed(3)} (${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)})`,
        target: `<= ${COST_LIMIT}`,
        isMet: middle <= COST_LIMIT,
      },
      {
        what: 'spans a second: effect-once, and the collector that marks messages only after their insert',
        figure: `${rate.toFixed(0)}, ${peer.toFixed(0)}: ${(rate / peer).toFixed(0)}x`,
        target: 'more',
        isMet: rate > peer,
      },
    ]);
  } finally {
    await session.end();
  }
}

interface Run {
  /** Of the process and its threads, from when half of all offsets were committed until all were. */
  readonly cpuS: number;
  readonly spans: number;
  readonly seconds: number;
  readonly blocks: number;
}

/** The whole topic from its beginning into a new database, so that no insert meets what an earlier run has stored. */
async function measure(
  session: Session,
  clickhouse: OuterClickHouse,
  { effectOnce, spans }: { readonly effectOnce: boolean; readonly spans: number },
): Promise<Run> {
  const database = 'protocol_cost';
  await clickhouse.command(`DROP DATABASE IF EXISTS ${database} SYNC`);
  await forgetGroup(session.brokers, GROUP);
  const { child, ownMetricsUrl } = await startWriter(session, {
    name: `effect-once-${effectOnce}`,
    group: GROUP,
    topic: TOPIC,
    clickhousePort: clickhouse.port,
    database,
    exporter: { effect_once: effectOnce },
    isRedWanted: false,
  });
  try {
    const committed = (): Promise<number> => committedMessages(session.brokers, GROUP, TOPIC);
    const begun = await until(committed, (messages) => messages * SPANS_PER_MESSAGE >= spans / 2);
    const begunS = cpuSeconds(child.pid);
    const begunMs = performance.now();
    await until(committed, (messages) => messages * SPANS_PER_MESSAGE === spans);
    const run = {
      cpuS: cpuSeconds(child.pid) - begunS,
      seconds: (performance.now() - begunMs) / 1000,
      spans: spans - begun * SPANS_PER_MESSAGE,
    };
    const blocks = total(await scrape(ownMetricsUrl), 'spanweir_blocks_total');
    const [stored] = await clickhouse.query<{ rows: string }>(
      'SELECT count() AS rows FROM otel_traces',
      database,
    );
    if (Number(stored?.rows) !== spans) throw new Error(`${stored?.rows} rows of ${spans} spans`);
    return { ...run, blocks };
  } finally {
    await child.stop(40_000);
  }
}

/**
 * Spans a second of the collector's configuration that loses none: messages are marked when the pipeline is done
 * with them, and the exporter's queue tells the pipeline when a batch is stored. Over a shorter time than ours.
 */
async function collectorRate(
  session: Session,
  clickhouse: OuterClickHouse,
  measureMs: number,
): Promise<number> {
  const database = 'collector';
  await clickhouse.command(`CREATE DATABASE ${database}`);
  const child = await startCollector({
    dir: `${session.dir}/collector`,
    config: {
      receivers: {
        kafka: {
          brokers: session.brokers,
          group_id: `${GROUP}-collector`,
          initial_offset: 'earliest',
          traces: { topics: [TOPIC], encoding: 'otlp_proto' },
          message_marking: { after: true, on_error: false },
          error_backoff: { enabled: true, max_elapsed_time: '0s' },
        },
      },
      exporters: {
        clickhouse: {
          endpoint: `http://127.0.0.1:${clickhouse.port}`,
          database,
          async_insert: false,
          sending_queue: { enabled: true, wait_for_result: true, block_on_overflow: true, batch: {} },
          retry_on_failure: { enabled: true, max_elapsed_time: '0s' },
        },
      },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: { traces: { receivers: ['kafka'], exporters: ['clickhouse'] } },
      },
    },
  });
  try {
    const rows = async (): Promise<number> => {
      const [stored] = await clickhouse.query<{ rows: string }>(
        'SELECT count() AS rows FROM otel_traces',
        database,
      );
      return Number(stored?.rows);
    };
    const before = await until(rows, (count) => count > 0, 60_000, 50);
    const beganMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, measureMs));
    const after = await rows();
    return ((after - before) / (performance.now() - beganMs)) * 1000;
  } finally {
    await child.stop(20_000);
  }
}

function shown({ cpuS, blocks, spans }: Run): string {
  return `${((cpuS / spans) * 1e6).toFixed(2)} CPU-s per M spans (${blocks} blocks)`;
}
