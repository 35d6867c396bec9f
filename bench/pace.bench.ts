import { OuterClickHouse } from './effect-once/outer-clickhouse.ts';
import { PacedSender } from './effect-once/paced-sender.ts';
import { agesMs, messagesSeen, quantile, VisibleOffsets } from './effect-once/visible-offsets.ts';
import { startWriter, type WriterEngine } from './effect-once/writer-engine.ts';
import { scrape } from './support/exposition.ts';
import { type Figure, tellFigures } from './support/figures.ts';
import { cpuSeconds, maxRssMiB } from './support/process-usage.ts';
import { Session, until } from './support/session.ts';
import { SPANS_PER_MESSAGE } from './workload.ts';

const P99_LIMIT_MS = 10_000;
const IN_FLIGHT_LIMIT_BYTES = 128 << 20;
/** Messages whose taking shows the full rate. */
const BACKLOG = 10_000;
const WINDOW_MS = 10_000;
const LOOK_MS = 1000;

interface Plan {
  readonly partitions: readonly number[];
  /** Spans a second; undefined = half of what the engine can do here with so many partitions. */
  readonly rate: number | undefined;
  readonly settleMs: number;
  readonly measureMs: number;
}

const PLANS: Readonly<Record<'tiny' | 'full', Plan>> = {
  tiny: { partitions: [8, 64], rate: 2000, settleMs: 0, measureMs: 4000 },
  full: { partitions: [8, 64, 256], rate: undefined, settleMs: 20_000, measureMs: 60_000 },
};

/** At half load: how old spans are when they can be queried, how often it is inserted, what is held in memory. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { partitions, rate, settleMs, measureMs } = PLANS[size];
  const session = await Session.open();
  try {
    const clickhouse = await OuterClickHouse.start(session);
    const told: Figure[] = [];
    for (const count of partitions) {
      const run = await Run.begin(session, clickhouse, {
        partitions: count,
        waiting: rate === undefined ? BACKLOG : 0,
      });
      try {
        const load = rate ?? Math.round((await run.fullRate()) / 2);
        told.push(...(await run.measure(load, { settleMs, measureMs })));
      } finally {
        await run.end();
      }
    }
    return tellFigures('pace', told);
  } finally {
    await session.end();
  }
}

interface Figures {
  readonly atMs: number;
  readonly inFlightBytes: number;
  /** So far. */
  readonly engineCpuS: number;
  readonly clickhouseCpuS: number;
  /** Total so far, by table. */
  readonly inserts: ReadonlyMap<string, number>;
}

/** One engine with one worker on a topic of its own, in a database of its own. */
class Run {
  readonly seen: VisibleOffsets;
  readonly #clickhouse: OuterClickHouse;
  readonly #partitions: number;
  readonly #sender: PacedSender;
  readonly #engine: WriterEngine;

  private constructor(
    clickhouse: OuterClickHouse,
    parts: { readonly sender: PacedSender; readonly engine: WriterEngine; readonly seen: VisibleOffsets },
  ) {
    this.#clickhouse = clickhouse;
    this.#sender = parts.sender;
    this.#engine = parts.engine;
    this.seen = parts.seen;
    this.#partitions = this.#sender.producedMs.length;
  }

  static async begin(
    session: Session,
    clickhouse: OuterClickHouse,
    { partitions, waiting }: { readonly partitions: number; readonly waiting: number },
  ): Promise<Run> {
    const topic = `pace-${partitions}`;
    const database = topic.replaceAll('-', '_');
    const sender = await PacedSender.open(session.brokers, topic, partitions);
    await sender.sendNow(waiting);
    const engine = await startWriter(session, {
      name: topic,
      group: topic,
      topic,
      clickhousePort: clickhouse.port,
      database,
      settings: { block: { max_in_flight_bytes: IN_FLIGHT_LIMIT_BYTES } },
    });
    const seen = new VisibleOffsets({ port: clickhouse.port, topic, partitions, database });
    return new Run(clickhouse, { sender, engine, seen });
  }

  async end(): Promise<void> {
    await this.#sender.end();
    await this.seen.end();
    await this.#engine.child.stop(40_000);
  }

  /** Spans a second while there is work waiting, in the second half of it. */
  async fullRate(): Promise<number> {
    const messages = BACKLOG;
    await until(
      async () => messagesSeen(this.seen.latest),
      (count) => count >= messages,
    );
    const { looks } = this.seen;
    const first = looks.find((look) => messagesSeen(look) >= messages / 2);
    const last = looks.find((look) => messagesSeen(look) >= messages);
    if (first === undefined || last === undefined || last === first) throw new Error('it was over too soon');
    const spans = (messagesSeen(last) - messagesSeen(first)) * SPANS_PER_MESSAGE;
    const perSecond = (spans / (last.atMs - first.atMs)) * 1000;
    console.log(
      `${this.#partitions} partitions: one worker's full rate is ${perSecond.toFixed(0)} spans/s, with all parts on this machine`,
    );
    return perSecond;
  }

  async measure(
    spansPerSecond: number,
    { settleMs, measureMs }: { readonly settleMs: number; readonly measureMs: number },
  ): Promise<Figure[]> {
    this.#sender.begin(spansPerSecond);
    const fromMs = performance.now() + settleMs;
    const toMs = fromMs + measureMs;
    const figures: Figures[] = [];
    while (performance.now() < toMs) {
      const look = await this.#figures();
      if (look.atMs >= fromMs) figures.push(look);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    await this.#sender.pause();
    await until(
      async () => messagesSeen(this.seen.latest) * SPANS_PER_MESSAGE,
      (spans) => spans >= this.#sender.sentSpans,
      60_000,
    );
    const ages = agesMs(this.seen.looks, this.#sender.producedMs, { fromMs, toMs });
    return this.#report(spansPerSecond, ages, figures);
  }

  async #figures(): Promise<Figures> {
    const samples = await scrape(this.#engine.ownMetricsUrl);
    const inserts = new Map<string, number>();
    let inFlightBytes = 0;
    for (const [key, value] of samples) {
      const table = /^spanweir_clickhouse_inserts_total\{.*table="([^"]*)"/.exec(key)?.[1];
      if (table !== undefined) inserts.set(table, value);
      if (key.startsWith('spanweir_blocks_in_flight_bytes')) inFlightBytes = value;
    }
    return {
      atMs: performance.now(),
      inFlightBytes,
      engineCpuS: cpuSeconds(this.#engine.child.pid),
      clickhouseCpuS: this.#clickhouse.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
      inserts,
    };
  }

  #report(spansPerSecond: number, ages: readonly number[], figures: readonly Figures[]): Figure[] {
    const limit = this.#partitions > 8 ? 30 : 3;
    const { mean, highest, table } = insertRates(figures);
    const inFlight = Math.max(...figures.map(({ inFlightBytes }) => inFlightBytes));
    const [middle, p99, oldest] = [0.5, 0.99, 1].map((q) => quantile(ages, q)) as [number, number, number];
    const at = `${this.#partitions} partitions, ${spansPerSecond} spans/s`;
    return [
      {
        what: `${at}: age when queryable, median, p99 and oldest of ${ages.length * SPANS_PER_MESSAGE} spans`,
        figure: `${seconds(middle)}, ${seconds(p99)}, ${seconds(oldest)}`,
        target: `p99 <= ${P99_LIMIT_MS / 1000} s`,
        isMet: p99 <= P99_LIMIT_MS,
      },
      {
        what: `${at}: inserts a second into ${table}, at most over ${WINDOW_MS / 1000} s`,
        figure: `${mean.toFixed(2)}, ${highest.toFixed(2)}`,
        target: `<= ${limit}`,
        isMet: mean <= limit,
      },
      {
        what: `${at}: bytes in flight, RSS, at most; ${coresUsed(figures)}`,
        figure: `${mebibytes(inFlight)} MiB, ${maxRssMiB(this.#engine.child.pid)} MiB`,
        target: `<= ${mebibytes(IN_FLIGHT_LIMIT_BYTES)} MiB in flight`,
        isMet: inFlight <= IN_FLIGHT_LIMIT_BYTES,
      },
    ];
  }
}

/** Of the table that is inserted into most often: over all the time, and in the window that has most. */
function insertRates(figures: readonly Figures[]): { mean: number; highest: number; table: string } {
  const [first, last] = [figures[0], figures.at(-1)];
  if (first === undefined || last === undefined) throw new Error('there are no figures');
  const rate = (table: string, from: Figures, to: Figures): number =>
    (((to.inserts.get(table) ?? 0) - (from.inserts.get(table) ?? 0)) / (to.atMs - from.atMs)) * 1000;
  let [table, mean] = ['no table', 0];
  for (const name of last.inserts.keys()) {
    const perSecond = rate(name, first, last);
    if (perSecond > mean) [table, mean] = [name, perSecond];
  }
  let highest = 0;
  for (const from of figures) {
    const to = figures.find(({ atMs }) => atMs >= from.atMs + WINDOW_MS);
    if (to !== undefined) highest = Math.max(highest, rate(table, from, to));
  }
  return { mean, highest: Math.max(mean, highest), table };
}

function coresUsed(figures: readonly Figures[]): string {
  const [first, last] = [figures[0] as Figures, figures.at(-1) as Figures];
  const cores = (of: 'engineCpuS' | 'clickhouseCpuS'): string =>
    (((last[of] - first[of]) / (last.atMs - first.atMs)) * 1000).toFixed(2);
  return `cores used: engine ${cores('engineCpuS')}, ClickHouse ${cores('clickhouseCpuS')}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1);
}
