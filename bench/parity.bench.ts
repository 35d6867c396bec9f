import { startCollector } from '../scripts/parts/collector.mjs';
import { compareSamples } from './support/compare-samples.ts';
import { type Child, startEngine } from './support/engine.ts';
import { parseExposition, type Samples, total } from './support/exposition.ts';
import { kafkaToPrometheus } from './support/kafka-to-prometheus.ts';
import { Session, until } from './support/session.ts';
import { fillTopic, forgetGroup } from './support/topic.ts';
import { Workload } from './workload.ts';

const GROUP = 'g1';
const COUNT = 'traces_span_metrics_duration_milliseconds_count';
const QUICK = { metrics_flush_interval: '5s' };
const CALLS = 'traces_span_metrics_calls_total';

/** The same file, topic and group in the collector and here, one after the other: the same series and values. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const spans = size === 'full' ? 2_000_000 : 40_000;
  const session = await Session.open();
  try {
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    await fillTopic(session.brokers, 'same', { partitions: 8, workload: new Workload({ spans, startNs }) });
    // Full size runs the plain file, whose flush takes a minute; tiny has no time for that.
    const options = size === 'full' ? {} : QUICK;
    const peer = await read(session, 'collector', 'same', spans, options);
    const ours = await read(session, 'spanweir', 'same', spans, options);
    const different = compareSamples(peer, ours);
    console.log(`${peer.size} samples of the collector, ${ours.size} of ours, ${different.length} differ`);
    for (const line of different.slice(0, 20)) console.log(`  ${line}`);

    const workload = new Workload({ spans: spans / 10, startNs, distinctResources: true });
    await fillTopic(session.brokers, 'distinct', { partitions: 8, workload });
    const peerSees = total(await read(session, 'collector', 'distinct', spans / 10, QUICK), CALLS);
    const weSee = total(await read(session, 'spanweir', 'distinct', spans / 10, QUICK), CALLS);
    console.log(
      `with a resource attribute that differs in every message, of ${spans / 10} spans: ` +
        `the collector shows ${peerSees}, Spanweir ${weSee}`,
    );
    return different.length === 0 && weSee === spans / 10;
  } finally {
    await session.end();
  }
}

/** Everything that /metrics shows once the whole topic was counted (the collector: after its second flush). */
async function read(
  session: Session,
  who: 'collector' | 'spanweir',
  topic: string,
  spans: number,
  spanMetrics: object,
): Promise<Samples> {
  await forgetGroup(session.brokers, GROUP);
  const [port] = (await session.ports(1)) as [number];
  const dir = `${session.dir}/${who}-${topic}`;
  const { brokers } = session;
  const config = kafkaToPrometheus({ brokers, group: GROUP, topic, port, spanMetrics });
  const child: Child =
    who === 'collector' ? await startCollector({ dir, config }) : await startEngine({ dir, config });
  try {
    const scrape = async (): Promise<Samples> => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      return parseExposition(await response.text(), ['collector_instance_id']);
    };
    let last = -1;
    let steadyFor = 0;
    const patience = 'metrics_flush_interval' in spanMetrics ? 12 : 130;
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
      1000,
    );
  } finally {
    await child.stop(30_000);
  }
}
