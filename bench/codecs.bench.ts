import { filledTopic, measure, type Run } from './kafka/measure.ts';
import { overPeer } from './kafka/over-peer.ts';
import { collector, inTurn, ours } from './kafka/sides.ts';
import { type Figure, tellFigures } from './support/figures.ts';
import { Session } from './support/session.ts';
import type { TopicCodec } from './support/topic.ts';

const TARGETS: Readonly<Record<TopicCodec, number>> = { lz4: 3, snappy: 3, gzip: 2, zstd: 2.5 };
const PLANS = {
  tiny: { spans: 10_000, readings: 1, repeats: 1, flush: '1s' },
  full: { spans: 2_000_000, readings: 2, repeats: 3, flush: '5s' },
} as const;

const OURS = ours();

/** Spans per CPU-second from Kafka to /metrics of packed topics, ours over the collector's on the same topic. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { flush, readings, repeats, spans } = PLANS[size];
  const peer = collector({ flush });
  const session = await Session.open();
  try {
    const figures: Figure[] = [];
    for (const [codec, target] of Object.entries(TARGETS) as [TopicCodec, number][]) {
      const filled = await filledTopic(session, codec, { spans, codec });
      console.log(`${codec}:`);
      // The first run after a broker's start is not counted.
      if (size === 'full' && figures.length === 0) await measure(session, ours('warm-up'), filled);
      const runs: Run[] = [];
      for (const side of inTurn([OURS, peer], repeats))
        runs.push(await measure(session, side, filled, readings));
      figures.push(overPeer(codec, runs, { ours: OURS.name, peer: peer.name }, target));
    }
    return tellFigures('codecs', figures, note(readings));
  } finally {
    await session.end();
  }
}

function note(readings: number): string {
  return (
    "Medians of three repeats in turn, CPU as in `cpu`; topics of 2 M spans, packed by the broker's own codecs in batches of 20 messages " +
    `(810 kB unpacked), each read by one process with ${readings} groups at once.`
  );
}
