import { checkStored } from '../clickhouse/stored-spans.ts';
import { OuterClickHouse } from '../effect-once/outer-clickhouse.ts';
import { startWriter } from '../effect-once/writer-engine.ts';
import { type Filled, filledTopic } from '../kafka/measure.ts';
import { scrape, total } from '../support/exposition.ts';
import { type Figure, median } from '../support/figures.ts';
import { cpuSeconds, maxRssMiB } from '../support/process-usage.ts';
import { Session, until } from '../support/session.ts';
import { CommittedOffsets } from '../support/topic.ts';
import { SPANS_PER_MESSAGE } from '../workload.ts';

const PLANS = {
  tiny: { spans: 20_000, repeats: 1 },
  full: { spans: 800_000, repeats: 3 },
} as const;
const MOST_BYTES_IN_HAND = 64 * 1024 ** 2;
const LEAST_SHARE = 0.95;
/** As in `recovery`: of one process, and twice what may be in hand. */
const MOST_RSS_MIB = 400 + (2 * MOST_BYTES_IN_HAND) / 1024 ** 2;
/** ClickHouse runs for the first of these and stands still for the second: a third of what it could take. */
const RUNS_MS = 250;
const STANDS_MS = 500;
const LOOK_MS = 50;
const SCRAPE_MS = 1000;

interface Run {
  readonly isHeldBack: boolean;
  /** Of the second half of the topic: by then the compiler's work is done. */
  readonly spansPerCpuSecond: number;
  readonly spansPerSecond: number;
  /** Of what was in hand at each look while there was more on the topic. */
  readonly bytesInHand: number;
  readonly rssMiB: number;
}

/**
 * A topic on which there is always more than is taken: what a span costs while ClickHouse takes all that it gets, which is the
 * engine's peak, and while it takes a third of that, so that what may be in hand is in hand all the time and the rest has to wait on the topic.
 */
export async function fullTopic(size: 'tiny' | 'full'): Promise<Figure[]> {
  const { repeats, spans } = PLANS[size];
  const session = await Session.open();
  try {
    const clickhouse = await OuterClickHouse.start(session);
    const filled = await filledTopic(session, 'full-topic', { spans });
    const runs: Run[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const isHeldBack of [false, true])
        runs.push(await measure(session, clickhouse, filled, { isHeldBack, name: `full_${runs.length}` }));
    }
    return figures(runs);
  } finally {
    await session.end();
  }
}

async function measure(
  session: Session,
  clickhouse: OuterClickHouse,
  { ledger, topic }: Filled,
  { isHeldBack, name }: { readonly isHeldBack: boolean; readonly name: string },
): Promise<Run> {
  const offsets = await CommittedOffsets.open(session.brokers, topic);
  const { child, ownMetricsUrl } = await startWriter(session, {
    name,
    group: name,
    topic,
    clickhousePort: clickhouse.port,
    database: name,
    isRedWanted: false,
    settings: { block: { max_in_flight_bytes: MOST_BYTES_IN_HAND } },
  });
  const brake = isHeldBack ? new Brake(clickhouse) : undefined;
  try {
    const inHand: number[] = [];
    let nextScrapeMs = 0;
    const committed = async (): Promise<number> => {
      // The engine pays for each.
      if (performance.now() >= nextScrapeMs) {
        nextScrapeMs = performance.now() + SCRAPE_MS;
        inHand.push(total(await scrape(ownMetricsUrl), 'spanweir_blocks_in_flight_bytes'));
      }
      return await offsets.ofGroups([name]);
    };
    const begun = await until(committed, (n) => n >= ledger.messages / 2, 120_000, LOOK_MS);
    const begunS = cpuSeconds(child.pid);
    const begunMs = performance.now();
    await until(committed, (n) => n === ledger.messages, 120_000, LOOK_MS);
    const cpuS = cpuSeconds(child.pid) - begunS;
    const seconds = (performance.now() - begunMs) / 1000;
    const spans = (ledger.messages - begun) * SPANS_PER_MESSAGE;
    await brake?.release();
    await checkStored((sql) => clickhouse.query(sql, name), name, ledger);
    const run = {
      isHeldBack,
      spansPerCpuSecond: spans / cpuS,
      spansPerSecond: spans / seconds,
      bytesInHand: median(inHand),
      rssMiB: maxRssMiB(child.pid),
    };
    tell(run);
    return run;
  } finally {
    await brake?.release();
    await offsets.close();
    await child.stop(40_000);
    await clickhouse.command(`DROP DATABASE IF EXISTS ${name} SYNC`);
  }
}

/** Lets a server work for a third of the time only, until it is released. */
class Brake {
  readonly #clickhouse: OuterClickHouse;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(clickhouse: OuterClickHouse) {
    this.#clickhouse = clickhouse;
    this.#running = this.#run();
  }

  async release(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      this.#clickhouse.freeze();
      await pause(STANDS_MS);
      this.#clickhouse.thaw();
      await pause(RUNS_MS);
    }
  }
}

function figures(runs: readonly Run[]): Figure[] {
  const of = (isHeldBack: boolean, value: (run: Run) => number): number =>
    median(runs.filter((run) => run.isHeldBack === isHeldBack).map(value));
  const rate = (isHeldBack: boolean): number => of(isHeldBack, (run) => run.spansPerCpuSecond);
  const share = rate(true) / rate(false);
  const rssMiB = Math.max(...runs.map((run) => run.rssMiB));
  const speeds = [false, true].map((isHeldBack) => kilo(of(isHeldBack, (run) => run.spansPerSecond)));
  return [
    {
      what: 'Kafka with a full topic, ClickHouse held back to a third: accepted spans per CPU-second over the peak',
      figure:
        `${(share * 100).toFixed(0)} %: ${kilo(rate(true))} k of ${kilo(rate(false))} k ` +
        `(${speeds[1]} k of ${speeds[0]} k spans/s; ${mebibytes(of(true, (run) => run.bytesInHand))} MiB in hand)`,
      target: `>= ${LEAST_SHARE * 100} %`,
      isMet: share >= LEAST_SHARE,
    },
    {
      what: `the same: RSS at most, ${mebibytes(MOST_BYTES_IN_HAND)} MiB may be in hand`,
      figure: `${rssMiB} MiB`,
      target: `<= ${MOST_RSS_MIB} MiB`,
      isMet: rssMiB <= MOST_RSS_MIB,
    },
  ];
}

function tell({ bytesInHand, isHeldBack, rssMiB, spansPerCpuSecond, spansPerSecond }: Run): void {
  console.log(
    `${(isHeldBack ? 'full topic, held back' : 'full topic').padEnd(24)} ${kilo(spansPerCpuSecond)} k spans per CPU-s, ` +
      `${kilo(spansPerSecond)} k spans/s, ${mebibytes(bytesInHand)} MiB in hand, RSS max ${rssMiB} MiB`,
  );
}

function kilo(value: number): string {
  return (value / 1000).toFixed(0);
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
