import { wrongCounts } from '../effect-once/exactly-once.ts';
import { OuterClickHouse } from '../effect-once/outer-clickhouse.ts';
import { PacedSender } from '../effect-once/paced-sender.ts';
import { startWriter } from '../effect-once/writer-engine.ts';
import { scrape, total } from '../support/exposition.ts';
import { type Figure, median } from '../support/figures.ts';
import { cpuSeconds, maxRssMiB } from '../support/process-usage.ts';
import { Session, until } from '../support/session.ts';
import { CommittedOffsets } from '../support/topic.ts';
import { SPANS_PER_MESSAGE } from '../workload.ts';

const PLANS = {
  tiny: { messages: 200, repeats: 1 },
  full: { messages: 4000, repeats: 3 },
} as const;
const PARTITIONS = 8;
const MOST_BYTES_IN_HAND = 64 * 1024 ** 2;
/** More than the whole topic takes. */
const AMPLE_BYTES = 1024 ** 3;
/** Of what it takes of a full topic: what just does not pile up. */
const PACE = 0.8;
const LEAST_SHARE = 0.95;
/** As in `recovery`: of one process, and twice what may be in hand. */
const MOST_RSS_MIB = 400 + (2 * MOST_BYTES_IN_HAND) / 1024 ** 2;
const LOOK_MS = 50;
const SCRAPE_MS = 1000;

interface Run {
  /** From "Everything is ready" on, the compiler's work included. */
  readonly spansPerCpuSecond: number;
  readonly spansPerSecond: number;
  /** Median of what was in hand while there was something to do. */
  readonly bytesInHand: number;
  readonly rssMiB: number;
}

/**
 * Kafka to ClickHouse (spans and RED tables) from a topic on which all is waiting when the engine begins: it always has more than it can take,
 * and is held back by ClickHouse and by what may be in hand. Its peak is the best that these settings give, whatever the pace; what more room
 * in hand would give is told beside it. Rejects when a span is not in every table once.
 */
export async function fullTopic(size: 'tiny' | 'full'): Promise<Figure[]> {
  const { messages, repeats } = PLANS[size];
  const session = await Session.open();
  try {
    const clickhouse = await OuterClickHouse.start(session);
    const full: Run[] = [];
    const ample: Run[] = [];
    const paced: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const run = await measure(session, clickhouse, { messages, topic: `full-topic-${repeat}` });
      tell('full topic', run);
      full.push(run);
      const mostBytes = AMPLE_BYTES;
      ample.push(await measure(session, clickhouse, { messages, mostBytes, topic: `ample-${repeat}` }));
      tell('the same, ample room', ample.at(-1) as Run);
      const perSecond = PACE * run.spansPerSecond;
      paced.push(await measure(session, clickhouse, { messages, topic: `paced-${repeat}`, perSecond }));
      tell('paced', paced.at(-1) as Run);
    }
    return figures({ full, ample, paced });
  } finally {
    await session.end();
  }
}

interface Load {
  readonly messages: number;
  readonly topic: string;
  /** What may be in hand. */
  readonly mostBytes?: number;
  /** Spans; undefined = all are there at once. */
  readonly perSecond?: number;
}

async function measure(
  session: Session,
  clickhouse: OuterClickHouse,
  { messages, mostBytes = MOST_BYTES_IN_HAND, perSecond, topic }: Load,
): Promise<Run> {
  await clickhouse.command('DROP DATABASE IF EXISTS spanweir SYNC');
  const sender = await PacedSender.open(session.brokers, topic, PARTITIONS);
  if (perSecond === undefined) await sender.sendNow(messages);
  const { child, ownMetricsUrl } = await startWriter(session, {
    name: topic,
    group: topic,
    topic,
    clickhousePort: clickhouse.port,
    settings: { block: { max_in_flight_bytes: mostBytes } },
  });
  // Of all of it: what has been committed says little of what has been worked on where much may be in hand.
  const before = { cpuS: cpuSeconds(child.pid), atMs: performance.now() };
  const offsets = await CommittedOffsets.open(session.brokers, topic);
  try {
    if (perSecond !== undefined) sender.begin(perSecond);
    const inHand: number[] = [];
    let nextScrapeMs = 0;
    const committed = async (): Promise<number> => {
      // The engine pays for each.
      if (performance.now() >= nextScrapeMs) {
        nextScrapeMs = performance.now() + SCRAPE_MS;
        inHand.push(total(await scrape(ownMetricsUrl), 'spanweir_blocks_in_flight_bytes'));
      }
      return await offsets.ofGroups([topic]);
    };
    const ended = await until(committed, (n) => n >= messages, 120_000, LOOK_MS);
    const cpuS = cpuSeconds(child.pid) - before.cpuS;
    const seconds = (performance.now() - before.atMs) / 1000;
    await sender.pause();
    await until(committed, (n) => n * SPANS_PER_MESSAGE === sender.sentSpans, 120_000, LOOK_MS);
    const wrong = await wrongCounts(clickhouse, sender.producedMs);
    if (wrong.length > 0) throw new Error(`not every span is in every table once:\n  ${wrong.join('\n  ')}`);
    const spans = ended * SPANS_PER_MESSAGE;
    return {
      spansPerCpuSecond: spans / cpuS,
      spansPerSecond: spans / seconds,
      bytesInHand: median(inHand),
      rssMiB: maxRssMiB(child.pid),
    };
  } finally {
    await sender.end();
    await offsets.close();
    await child.stop(40_000);
  }
}

function figures(runs: Readonly<Record<'full' | 'ample' | 'paced', readonly Run[]>>): Figure[] {
  const of = (load: keyof typeof runs, value: (run: Run) => number): number => median(runs[load].map(value));
  const rate = (load: keyof typeof runs): number => of(load, (run) => run.spansPerCpuSecond);
  const peak = Math.max(rate('full'), rate('paced'));
  const share = rate('full') / peak;
  const rssMiB = Math.max(...runs.full.map((run) => run.rssMiB));
  const all = (value: (run: Run) => number): string =>
    (['full', 'ample', 'paced'] as const).map((load) => of(load, value).toFixed(0)).join(', ');
  return [
    {
      what: 'Kafka with a full topic: accepted spans per CPU-second over the peak with these settings',
      figure: `${(share * 100).toFixed(0)} %: ${kilo(rate('full'))} k of ${kilo(peak)} k; at a pace ${kilo(rate('paced'))} k`,
      target: `>= ${LEAST_SHARE * 100} %`,
      isMet: share >= LEAST_SHARE,
    },
    {
      what: `the same over what it does with ${mebibytes(AMPLE_BYTES)} MiB in hand, where blocks are larger`,
      figure: `${((100 * rate('full')) / rate('ample')).toFixed(0)} % of ${kilo(rate('ample'))} k`,
      target: '',
    },
    {
      what: 'the three (full, ample, paced): k spans a second; MiB in hand',
      figure: `${all((run) => run.spansPerSecond / 1000)}; ${all((run) => run.bytesInHand / 1024 ** 2)}`,
      target: '',
    },
    {
      what: `the same: RSS at most, where ${mebibytes(MOST_BYTES_IN_HAND)} MiB may be in hand`,
      figure: `${rssMiB} MiB`,
      target: `<= ${MOST_RSS_MIB} MiB`,
      isMet: rssMiB <= MOST_RSS_MIB,
    },
  ];
}

function tell(what: string, { bytesInHand, rssMiB, spansPerCpuSecond, spansPerSecond }: Run): void {
  console.log(
    `${what.padEnd(24)} ${kilo(spansPerCpuSecond)} k spans per CPU-s, ${kilo(spansPerSecond)} k spans/s, ` +
      `${mebibytes(bytesInHand)} MiB in hand, RSS max ${rssMiB} MiB`,
  );
}

function kilo(value: number): string {
  return (value / 1000).toFixed(0);
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}
