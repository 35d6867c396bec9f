import { startCollector } from '../scripts/parts/collector.mjs';
import { type Child, startEngine } from './support/engine.ts';
import { scrape, total } from './support/exposition.ts';
import { kafkaToPrometheus } from './support/kafka-to-prometheus.ts';
import { cpuSeconds, maxRssMiB } from './support/process-usage.ts';
import { Session, until } from './support/session.ts';
import { committedMessages, fillTopic } from './support/topic.ts';
import { SPANS_PER_MESSAGE, Workload } from './workload.ts';

const TOPIC = 'otlp_spans';
const REPEATS = 3;

interface Run {
  readonly who: string;
  /** Of the process and its threads from "Everything is ready" until every offset was committed. */
  readonly cpuS: number;
  /** The same from the process' start. */
  readonly cpuFromStartS: number;
  readonly rssMiB: number;
}

/** Spans per CPU-second from Kafka to /metrics, ours over the collector's, in one session on one topic. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const spans = size === 'full' ? 2_000_000 : 40_000;
  const session = await Session.open();
  try {
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    const workload = new Workload({ spans, startNs });
    await fillTopic(session.brokers, TOPIC, { partitions: 8, workload });
    const runs: Run[] = [];
    const start = {
      spanweir: startOurs,
      collector: startPeer(undefined),
      'collector GOGC=400': startPeer('400'),
    };
    // The first run after a broker's start reads cold files and is not counted.
    await measure(session, 'warm-up', startOurs, spans);
    for (let repeat = 0; repeat < (size === 'full' ? REPEATS : 1); repeat++) {
      for (const [who, begin] of Object.entries(start)) runs.push(await measure(session, who, begin, spans));
    }
    return report(runs, spans);
  } finally {
    await session.end();
  }
}

type Begin = (session: Session, group: string, port: number) => Promise<Child>;

const startOurs: Begin = (session, group, port) =>
  startEngine({
    dir: `${session.dir}/${group}`,
    config: kafkaToPrometheus({ brokers: session.brokers, group, topic: TOPIC, port }),
  });

function startPeer(gogc: string | undefined): Begin {
  return (session, group, port) =>
    startCollector({
      dir: `${session.dir}/${group}`,
      config: kafkaToPrometheus({
        brokers: session.brokers,
        group,
        topic: TOPIC,
        port,
        spanMetrics: { metrics_flush_interval: '5s' },
      }),
      ...(gogc === undefined ? {} : { env: { GOGC: gogc } }),
    });
}

let groups = 0;

async function measure(session: Session, who: string, begin: Begin, spans: number): Promise<Run> {
  const [port] = (await session.ports(1)) as [number];
  const group = `cpu-${groups++}`;
  const child = await begin(session, group, port);
  try {
    const readyS = cpuSeconds(child.pid);
    await until(
      () => committedMessages(session.brokers, group, TOPIC),
      (messages) => messages * SPANS_PER_MESSAGE === spans,
    );
    const atEndS = cpuSeconds(child.pid);
    // Only now, since a scrape of this many series costs as much as a good part of the work.
    await until(
      () => scrape(`http://127.0.0.1:${port}/metrics`),
      (samples) => {
        const counted = total(samples, 'traces_span_metrics_duration_milliseconds_count');
        if (counted > spans) throw new Error(`${who} counted ${counted} of ${spans} spans`);
        return counted === spans;
      },
      60_000,
      1000,
    );
    const run = { who, cpuS: atEndS - readyS, cpuFromStartS: atEndS, rssMiB: maxRssMiB(child.pid) };
    console.log(
      `${who.padEnd(20)} ${run.cpuS.toFixed(2)} CPU-s, ${rate(spans, run.cpuS)} k spans per CPU-s ` +
        `(from the process' start ${run.cpuFromStartS.toFixed(2)} CPU-s), RSS max ${run.rssMiB} MiB`,
    );
    return run;
  } finally {
    await child.stop(30_000);
  }
}

function report(runs: readonly Run[], spans: number): boolean {
  const ours = median(runs, 'spanweir', ({ cpuS }) => cpuS);
  const peer = median(runs, 'collector', ({ cpuS }) => cpuS);
  const tuned = median(runs, 'collector GOGC=400', ({ cpuS }) => cpuS);
  const oursFromStart = median(runs, 'spanweir', ({ cpuFromStartS }) => cpuFromStartS);
  const peerFromStart = median(runs, 'collector', ({ cpuFromStartS }) => cpuFromStartS);
  const rssMiB = Math.max(...runs.filter(({ who }) => who === 'spanweir').map((run) => run.rssMiB));
  console.log(
    `medians: ${rate(spans, ours)} k spans per CPU-s against ${rate(spans, peer)} (GOGC=400: ${rate(spans, tuned)}): ` +
      `${(peer / ours).toFixed(2)}x (${(tuned / ours).toFixed(2)}x); from the process' start ` +
      `${(peerFromStart / oursFromStart).toFixed(2)}x; RSS max ${rssMiB} MiB`,
  );
  return peer / ours >= 3 && rssMiB <= 500;
}

function median(runs: readonly Run[], who: string, figure: (run: Run) => number): number {
  const sorted = runs
    .filter((run) => run.who === who)
    .map(figure)
    .sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

function rate(spans: number, cpuS: number): string {
  return (spans / cpuS / 1000).toFixed(0);
}
