import { filledTopic, measure, type Run } from './kafka/measure.ts';
import { overPeer } from './kafka/over-peer.ts';
import { collector, inTurn, ours } from './kafka/sides.ts';
import { type Figure, tellFigures } from './support/figures.ts';
import { Session } from './support/session.ts';

const PLANS = {
  tiny: { spans: 10_000, repeats: 1, flush: '1s' },
  full: { spans: 2_000_000, repeats: 3, flush: '5s' },
} as const;
const SPANS_PER_MESSAGE = [1, 10, 1000] as const;
const TARGET = 3;

const OURS = ours();

/** Spans per CPU-second from Kafka to /metrics where a message holds one span, and ten, and a thousand. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { flush, repeats, spans } = PLANS[size];
  const peer = collector({ flush });
  const session = await Session.open();
  try {
    const figures: Figure[] = [];
    for (const spansPerMessage of SPANS_PER_MESSAGE) {
      const filled = await filledTopic(session, `of-${spansPerMessage}`, { spans, spansPerMessage });
      console.log(`${spansPerMessage} spans a message, ${filled.ledger.bytes} bytes in all:`);
      // The first run after a broker's start is not counted.
      if (size === 'full' && figures.length === 0) await measure(session, ours('warm-up'), filled);
      const runs: Run[] = [];
      for (const side of inTurn([OURS, peer], repeats)) runs.push(await measure(session, side, filled));
      const what = spansPerMessage === 1 ? '1 span a message' : `${spansPerMessage} spans a message`;
      const target = spansPerMessage === 1 ? TARGET : undefined;
      figures.push(overPeer(what, runs, { ours: OURS.name, peer: peer.name }, target));
    }
    return tellFigures('small-messages', figures, NOTE);
  } finally {
    await session.end();
  }
}

const NOTE =
  'Medians of three repeats in turn, CPU as in `cpu`; 2 M spans, at most 500 messages or 810 kB in a record batch.';
