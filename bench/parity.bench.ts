import { startCollector } from '../scripts/parts/collector.mjs';
import { compareSamples } from './support/compare-samples.ts';
import { type Child, startEngine } from './support/engine.ts';
import { parseExposition, type Samples, total } from './support/exposition.ts';
import { kafkaToPrometheus } from './support/kafka-to-prometheus.ts';
import { Session, until } from './support/session.ts';
import { fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

const COUNT = 'traces_span_metrics_duration_milliseconds_count';
/** Full size runs the plain file, whose flush takes a minute; tiny has no time for that. */
const PLANS = {
  tiny: { spans: 20_000, flushS: 1, quickS: 1 },
  full: { spans: 2_000_000, flushS: undefined, quickS: 5 },
} as const;
const DEFAULT_FLUSH_S = 60;
const LOOK_MS = 1000;
const CALLS = 'traces_span_metrics_calls_total';

/** The same file and topic in the collector and here, side by side: the same series and values. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { flushS, quickS, spans } = PLANS[size];
  const session = await Session.open();
  try {
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    await fillTopic(session.brokers, 'same', { partitions: 8, workload: new Workload({ spans, startNs }) });
    const [peer, ours] = await readBoth(session, { topic: 'same', spans, flushS });
    const different = compareSamples(peer, ours);
    console.log(`${peer.size} samples of the collector, ${ours.size} of ours, ${different.length} differ`);
    for (const line of different.slice(0, 20)) console.log(`  ${line}`);

    const workload = new Workload({ spans: spans / 10, startNs, distinctResources: true });
    await fillTopic(session.brokers, 'distinct', { partitions: 8, workload });
    const both = await readBoth(session, { topic: 'distinct', spans: spans / 10, flushS: quickS });
    const [peerSees, weSee] = both.map((samples) => total(samples, CALLS));
    console.log(
      `with a resource attribute that differs in every message, of ${spans / 10} spans: ` +
        `the collector shows ${peerSees}, Spanweir ${weSee}`,
    );
    return different.length === 0 && weSee === spans / 10;
  } finally {
    await session.end();
  }
}

interface Reading {
  readonly topic: string;
  readonly spans: number;
  /** Undefined = the file says nothing of it. */
  readonly flushS: number | undefined;
}

async function readBoth(session: Session, reading: Reading): Promise<[Samples, Samples]> {
  return await Promise.all([read(session, 'collector', reading), read(session, 'spanweir', reading)]);
}

/** Everything that /metrics shows once the whole topic was counted (the collector: after its second flush). */
async function read(
  session: Session,
  who: 'collector' | 'spanweir',
  { flushS, spans, topic }: Reading,
): Promise<Samples> {
  const [port] = (await session.ports(1)) as [number];
  const dir = `${session.dir}/${who}-${topic}`;
  const { brokers } = session;
  const spanMetrics = flushS === undefined ? {} : { metrics_flush_interval: `${flushS}s` };
  const config = kafkaToPrometheus({ brokers, group: `${who}-${topic}`, topic, port, spanMetrics });
  const child: Child =
    who === 'collector' ? await startCollector({ dir, config }) : await startEngine({ dir, config });
  try {
    const scrape = async (): Promise<Samples> => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      return parseExposition(await response.text(), ['collector_instance_id']);
    };
    let last = -1;
    let steadyFor = 0;
    const patience = 2 * (flushS ?? DEFAULT_FLUSH_S) + 2;
    // The collector may never show them all, so this ends when nothing has changed over two flushes.
    return await until(
      scrape,
      (samples) => {
        const counted = total(samples, COUNT);
        steadyFor = counted === last ? steadyFor + 1 : 0;
        last = counted;
        const isWhole = counted === spans && total(samples, CALLS) === spans;
        return isWhole ? steadyFor >= 1 : counted > 0 && steadyFor >= patience;
      },
      300_000,
      LOOK_MS,
    );
  } finally {
    await child.stop(30_000);
  }
}
