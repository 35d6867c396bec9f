import { filledTopic, measure, type Run, rate } from './kafka/measure.ts';
import { collector, inTurn, ours } from './kafka/sides.ts';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { Session } from './support/session.ts';

const PLANS = {
  tiny: { spans: 10_000, readings: 2, repeats: 1, flush: '1s' },
  full: { spans: 2_000_000, readings: 5, repeats: 3, flush: '5s' },
} as const;

const OURS = ours();
const PEER = 'collector';
const TUNED = 'collector GOGC=400';

/**
 * Spans per CPU-second from Kafka to /metrics, ours over the collector's, in one session on one topic. One process reads the whole topic
 * with several groups at once, so that the compiler's work is a small part of it as it is in a process that runs for
 * days; beside it processes that read it once.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { flush, readings, repeats, spans } = PLANS[size];
  const session = await Session.open();
  try {
    const filled = await filledTopic(session, 'cpu', { spans });
    // The first run after a broker's start reads cold files and is not counted.
    if (size === 'full') await measure(session, ours('warm-up'), filled);
    const many: Run[] = [];
    const once: Run[] = [];
    const sides = [OURS, collector({ flush }), collector({ flush, gogc: '400' })];
    for (const side of inTurn(sides, repeats)) {
      many.push(await measure(session, side, filled, readings));
      once.push(await measure(session, side, filled));
    }
    return tellFigures('cpu', figures(many, once), NOTE);
  } finally {
    await session.end();
  }
}

const NOTE =
  "Medians of three repeats in turn. CPU: user + system of the process and its threads from its 'Everything is ready' until " +
  'every offset was committed; every series was then held against the ledger. 10 M spans are a topic of 2 M that one process reads with five groups at once.';

function figures(many: readonly Run[], once: readonly Run[]): Figure[] {
  const cpuS = ({ cpuS }: Run): number => cpuS;
  const fromStartS = ({ cpuFromStartS }: Run): number => cpuFromStartS;
  const over = (runs: readonly Run[], peer: string, of: (run: Run) => number): number =>
    medianOf(runs, peer, of) / medianOf(runs, OURS.name, of);
  const both = (runs: readonly Run[], of: (run: Run) => number): string =>
    `${times(over(runs, PEER, of))} (${times(over(runs, TUNED, of))} over GOGC=400)`;
  const overPeer = over(many, PEER, cpuS);
  const overTuned = over(many, TUNED, cpuS);
  const rssMiB = medianOf(once, OURS.name, (run) => run.rssMiB);
  const peerRss = [PEER, TUNED].map((who) => medianOf(once, who, (run) => run.rssMiB)).join(' and ');
  const sides = [OURS.name, PEER, TUNED].map((who) => `${who} ${middleRate(many, who)}`).join(', ');
  const manyM = millions(many);
  const onceM = millions(once);
  return [
    { what: `${manyM} spans, k spans per CPU-second`, figure: sides, target: '' },
    { what: 'over the collector', figure: times(overPeer), target: '>= 5x', isMet: overPeer >= 5 },
    { what: 'over it with GOGC=400', figure: times(overTuned), target: '>= 3.6x', isMet: overTuned >= 3.6 },
    { what: "the same from the processes' start", figure: both(many, fromStartS), target: '' },
    { what: `${onceM} spans in a process of their own`, figure: both(once, cpuS), target: '' },
    { what: "the same from the processes' start", figure: both(once, fromStartS), target: '' },
    {
      what: `RSS at most, ${onceM} spans, 6,000 series, one worker`,
      figure: `${rssMiB} MiB (collector ${peerRss})`,
      target: '<= 250 MB',
      isMet: rssMiB * 1.048576 <= 250,
    },
  ];
}

function medianOf(runs: readonly Run[], who: string, figure: (run: Run) => number): number {
  return median(runs.filter((run) => run.who === who).map(figure));
}

function middleRate(runs: readonly Run[], who: string): string {
  return rate({ spans: runs[0]?.spans ?? 0, cpuS: medianOf(runs, who, ({ cpuS }) => cpuS) });
}

function millions(runs: readonly Run[]): string {
  return `${((runs[0]?.spans ?? 0) / 1e6).toFixed(2)} M`;
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)}x`;
}
