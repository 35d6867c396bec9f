import { startCollector } from '../scripts/parts/collector.mjs';
import { bytesPerSpan, checkStored, mergesSettled, type Query } from './clickhouse/stored-spans.ts';
import { OuterClickHouse } from './effect-once/outer-clickhouse.ts';
import { startWriter } from './effect-once/writer-engine.ts';
import type { Ledger } from './ledger.ts';
import type { Child } from './support/engine.ts';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { memoryFolder } from './support/memory-folder.ts';
import { cpuSeconds, maxRssMiB } from './support/process-usage.ts';
import { Session, until } from './support/session.ts';
import { fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

const TOPIC = 'store-cpu';
const PLANS = {
  tiny: { spans: 10_000, repeats: 1 },
  full: { spans: 2_000_000, repeats: 3 },
} as const;
const CLIENT_TARGET = 6;
const BOTH_TARGET = 1.8;

interface Run {
  readonly who: string;
  readonly spans: number;
  /** Of the process and its threads from "Everything is ready" until every span was in ClickHouse. */
  readonly clientS: number;
  /** Of ClickHouse in the same time, and until its merges had settled. */
  readonly serverS: number;
  /** The same, and for merging each table into one part: what a server that lives on has yet to do. */
  readonly serverMergedS: number;
  /** Of otel_traces, when its merges had settled. */
  readonly parts: number;
  readonly rssMiB: number;
  readonly bytesPerSpan: number;
}

/**
 * Spans from Kafka into ClickHouse: our CPU and the server's, and the same of the collector's clickhouse exporter, in turn, each into a
 * database of its own on one server whose data lies in memory.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { repeats, spans } = PLANS[size];
  // What a disk does when thousands of small files go is no merit and no fault of either.
  const memory = size === 'full' ? memoryFolder() : undefined;
  if (memory !== undefined) process.env.BENCH_DIR ??= memory;
  const session = await Session.open();
  try {
    const clickhouse = await OuterClickHouse.start(session);
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    const workload = new Workload({ spans, startNs });
    await fillTopic(session.brokers, TOPIC, { partitions: 8, workload });
    const place = { session, clickhouse, ledger: workload.ledger };
    // The first run after a broker's start is not counted.
    if (size === 'full') await measure(place, 'warm-up', startOurs);
    const runs: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      runs.push(await measure(place, 'spanweir', startOurs));
      runs.push(await measure(place, 'collector', startPeer));
    }
    return tellFigures('store-cpu', figures(runs), NOTE);
  } finally {
    await session.end();
  }
}

interface Place {
  readonly session: Session;
  readonly clickhouse: OuterClickHouse;
  readonly ledger: Ledger;
}

type Begin = (place: Place, name: string) => Promise<Child>;

const startOurs: Begin = async ({ session, clickhouse }, name) => {
  const { child } = await startWriter(session, {
    name,
    group: name,
    topic: TOPIC,
    clickhousePort: clickhouse.port,
    database: name,
    isRedWanted: false,
  });
  return child;
};

/** As its documentation has it: a batch processor, the native protocol, and the exporter's defaults. */
const startPeer: Begin = ({ session, clickhouse }, name) =>
  startCollector({
    dir: `${session.dir}/${name}`,
    config: {
      receivers: {
        kafka: {
          brokers: session.brokers,
          group_id: name,
          initial_offset: 'earliest',
          traces: { topics: [TOPIC], encoding: 'otlp_proto' },
        },
      },
      processors: { batch: { send_batch_size: 10_000, timeout: '1s' } },
      exporters: {
        clickhouse: { endpoint: `tcp://127.0.0.1:${clickhouse.nativePort}`, database: name },
      },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: { traces: { receivers: ['kafka'], processors: ['batch'], exporters: ['clickhouse'] } },
      },
    },
  });

let databases = 0;

async function measure({ session, clickhouse, ledger }: Place, who: string, begin: Begin): Promise<Run> {
  const { spans } = ledger;
  const name = `store_${databases++}`;
  await clickhouse.command(`CREATE DATABASE ${name}`);
  const query = <T>(sql: string): Promise<T[]> => clickhouse.query<T>(sql, name);
  const serverS = (): number => clickhouse.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const child = await begin({ session, clickhouse, ledger }, name);
  try {
    const ready = { clientS: cpuSeconds(child.pid), serverS: serverS() };
    await until(
      async () => Number((await query<{ n: string }>('SELECT count() AS n FROM otel_traces'))[0]?.n),
      (rows) => rows >= spans,
    );
    const clientS = cpuSeconds(child.pid) - ready.clientS;
    const rssMiB = maxRssMiB(child.pid);
    await mergesSettled(query);
    const settledS = serverS() - ready.serverS;
    const parts = await activeParts(query, name);
    await mergeWhole(clickhouse, query, name);
    const run = {
      who,
      spans,
      clientS,
      serverS: settledS,
      serverMergedS: serverS() - ready.serverS,
      parts,
      rssMiB,
      bytesPerSpan: await bytesPerSpan(query, name),
    };
    const checksum = await checkStored(query, name, ledger);
    console.log(
      `${who.padEnd(10)} client ${each(run.clientS, spans)}, server ${each(run.serverS, spans)} CPU-s per M spans (${each(run.serverMergedS, spans)} ` +
        `with its ${parts} parts merged into one), RSS max ${rssMiB} MiB, ${run.bytesPerSpan.toFixed(0)} bytes a span, checksum ${checksum}`,
    );
    return run;
  } finally {
    await child.stop(40_000);
    await clickhouse.command(`DROP DATABASE ${name} SYNC`);
  }
}

async function activeParts(query: Query, database: string): Promise<number> {
  const [row] = await query<{ parts: string }>(
    `SELECT count() AS parts FROM system.parts WHERE active AND database = '${database}' AND table = 'otel_traces'`,
  );
  return Number(row?.parts);
}

async function mergeWhole(clickhouse: OuterClickHouse, query: Query, database: string): Promise<void> {
  const tables = await query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = '${database}' AND engine LIKE '%MergeTree'`,
  );
  for (const { name } of tables) await clickhouse.command(`OPTIMIZE TABLE ${database}.${name} FINAL`);
}

const NOTE =
  "Medians of three repeats in turn, CPU-s per million spans from each one's 'Everything is ready'. The collector: batch processor of 10,000, the clickhouse exporter's " +
  'defaults over the native protocol. Ours writes trace_summary and ingest_log beside the spans. All counts and durations are held against the ledger, by service, operation, kind and ' +
  'status; the printed checksum is of ids, times and attributes.';

function figures(runs: readonly Run[]): Figure[] {
  const of = (who: string, value: (run: Run) => number): number =>
    median(runs.filter((run) => run.who === who).map(value));
  const client = (who: string): number => of(who, (run) => (run.clientS / run.spans) * 1e6);
  const server = (who: string): number => of(who, (run) => (run.serverS / run.spans) * 1e6);
  const both = (who: string): number => of(who, (run) => ((run.clientS + run.serverS) / run.spans) * 1e6);
  const merged = (who: string): number =>
    of(who, (run) => ((run.clientS + run.serverMergedS) / run.spans) * 1e6);
  const line = (what: string, value: (who: string) => number, target: number): Figure => {
    const [mine, peer] = [value('spanweir'), value('collector')];
    const target_ = target === 0 ? {} : { isMet: peer / mine >= target };
    return {
      what,
      figure: `${mine.toFixed(2)} against ${peer.toFixed(2)}: ${(peer / mine).toFixed(2)}x`,
      target: target === 0 ? '' : `>= ${target}x`,
      ...target_,
    };
  };
  const pair = (value: (run: Run) => number): string =>
    `${of('spanweir', value).toFixed(0)} against ${of('collector', value).toFixed(0)}`;
  return [
    line('Kafka -> ClickHouse, CPU of the client', client, CLIENT_TARGET),
    line('CPU of client and server, merges settled', both, BOTH_TARGET),
    line('CPU of the server alone, merges settled', server, 0),
    line('CPU of both, every table merged into one part', merged, 0),
    { what: 'parts of otel_traces, merges settled', figure: pair(({ parts }) => parts), target: '' },
    { what: 'RSS of the client at most, MiB', figure: pair(({ rssMiB }) => rssMiB), target: '' },
    {
      what: 'bytes of a span on disk, merged into one part',
      figure: pair((run) => run.bytesPerSpan),
      target: '',
    },
  ];
}

function each(cpuS: number, spans: number): string {
  return ((cpuS / spans) * 1e6).toFixed(2);
}
