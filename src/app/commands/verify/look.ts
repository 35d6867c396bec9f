import type { Clock } from '../../../base/clock.ts';
import type { ClickHouse } from '../../../clickhouse/client.ts';
import { type Horizon, isIn, later, readHorizon, type Window } from './days.ts';
import { type LogState, readLog, type Scope } from './log-state.ts';
import { checkRanges, checkRepeated } from './ranges.ts';
import type { ComparedPartition, ComparedTable, Finding, Open, Report } from './report.ts';
import { type Surplus, unloggedFor } from './requests.ts';
import { checkSpanDay, readRequestSpans, readSpanDays } from './spans.ts';
import { checkTotals, TOTALS } from './totals.ts';
import { checkTraces } from './traces.ts';

export interface LookDeps {
  readonly client: ClickHouse;
  readonly clock: Clock;
  readonly progress: (text: string | undefined) => void;
  /** For how long a request may be written before its log row is there, or it is given up. */
  readonly patienceMs: number;
}

const LOG = 'ingest_log';
const SPANS = 'otel_traces';
const SUMMARIES = 'trace_summary';
const TABLES = [LOG, SPANS, SUMMARIES, ...TOTALS.map(({ table }) => table)];

/** One look at everything. `only` = the days to look at again; ranges are looked at as a whole. */
export async function lookOnce(deps: LookDeps, scope: Scope, only?: ReadonlySet<string>): Promise<Report> {
  return new Look(deps, scope, only).take();
}

class Look {
  readonly #deps: LookDeps;
  readonly #scope: Scope;
  readonly #only: ReadonlySet<string> | undefined;
  readonly #findings: Finding[] = [];
  readonly #open: Open[] = [];
  readonly #leftOut: string[] = [];
  readonly #tables: ComparedTable[] = [];
  readonly #waitedFor = new Set<string>();
  readonly #surpluses: Surplus[] = [];
  readonly #partitions = new Map<string, ComparedPartition>();

  constructor(deps: LookDeps, scope: Scope, only: ReadonlySet<string> | undefined) {
    this.#deps = deps;
    this.#scope = scope;
    this.#only = only;
  }

  async take(): Promise<Report> {
    const { client, clock, progress } = this.#deps;
    const begun = clock.monotonicMs();
    progress('reading the log');
    const horizon = await readHorizon(client, TABLES);
    const state = await readLog(client, this.#scope);
    await this.#ranges(state, this.#window(horizon, LOG));
    const days = await this.#spans(state, this.#window(horizon, SPANS));
    const { topic, partition } = this.#scope;
    if (topic === undefined && partition === undefined) {
      for (const table of TOTALS) await this.#totals(state, horizon, table);
      progress('ingest_log: requests');
      this.#findings.push(...(await unloggedFor(this.#deps, this.#surpluses)));
      await this.#traces(horizon, days);
    } else {
      this.#leftOut.push('tables other than otel_traces: they do not tell topics and partitions apart');
    }
    this.#nameExpired(state, horizon);
    progress(undefined);
    return {
      days,
      partitions: [...this.#partitions.values()],
      tables: this.#tables,
      findings: this.#findings,
      open: this.#open,
      leftOut: this.#leftOut,
      seconds: (clock.monotonicMs() - begun) / 1000,
    };
  }

  /** The days of a table that are there as a whole, in it and in the log. */
  #window(horizon: Horizon, table: string): Window {
    const since = later(this.#scope.since, horizon.from.get(table), horizon.from.get(LOG));
    return { since, until: this.#scope.until };
  }

  async #ranges(state: LogState, window: Window): Promise<void> {
    const { client, progress } = this.#deps;
    progress('ingest_log: ranges');
    const { findings, leftOut, partitions } = await checkRanges(client, this.#scope, window);
    const repeated = await checkRepeated(client, state, this.#scope, window);
    this.#findings.push(...findings, ...repeated);
    this.#leftOut.push(...leftOut);
    for (const [key, range] of partitions) this.#partitions.set(key, { ...range, expected: 0, found: 0 });
  }

  /** Resolves with the days that were looked at. */
  async #spans(state: LogState, window: Window): Promise<string[]> {
    const { client, progress } = this.#deps;
    const isWanted = (day: string): boolean => isIn(day, window) && (this.#only?.has(day) ?? true);
    const there = (await readSpanDays(client, window)).filter(({ day }) => isWanted(day));
    const logged = state.days.filter(({ target, day }) => target === SPANS && isWanted(day));
    const days = [...new Set([...there, ...logged].map(({ day }) => day))].sort();
    for (const [i, day] of days.entries()) {
      progress(`${SPANS}: ${day} (${i + 1} of ${days.length} days)`);
      const sources = new Set(
        [...there, ...logged].filter((one) => one.day === day).map((one) => one.source),
      );
      for (const source of [...sources].sort()) {
        if (source === '') await this.#requests(state, day);
        else if (this.#isOfTopic(source)) await this.#spanDay(state, source, day);
      }
    }
    return days;
  }

  #isOfTopic(source: string): boolean {
    return this.#scope.topic === undefined || source.endsWith(`/${this.#scope.topic}`);
  }

  async #spanDay(state: LogState, source: string, day: string): Promise<void> {
    const { client } = this.#deps;
    const { findings, ahead, compared } = await checkSpanDay(
      client,
      { state, scope: this.#scope },
      source,
      day,
    );
    this.#findings.push(...findings);
    this.#open.push(...ahead);
    for (const [partition, { expected, found }] of compared) {
      const key = `${source}:${partition}`;
      const none = { source, partition, blocks: 0, firstOffset: undefined, lastOffset: undefined };
      const line = this.#partitions.get(key) ?? { ...none, expected: 0, found: 0 };
      this.#partitions.set(key, line);
      line.expected += expected;
      line.found += found;
    }
  }

  /** Spans that came in requests have no ranges: they are counted by day. */
  async #requests(state: LogState, day: string): Promise<void> {
    const { topic, partition } = this.#scope;
    if (topic !== undefined || partition !== undefined) return;
    const { client } = this.#deps;
    const logged = state.days.find((one) => one.source === '' && one.target === SPANS && one.day === day);
    const expected = logged?.spans ?? 0;
    const { spans: found, idSum } = await readRequestSpans(client, day);
    const none = { source: '', partition: undefined, firstOffset: undefined, lastOffset: undefined };
    const line = this.#partitions.get('') ?? { ...none, blocks: 0, expected: 0, found: 0 };
    this.#partitions.set('', {
      ...line,
      blocks: line.blocks + (logged?.blocks ?? 0),
      expected: line.expected + expected,
      found: line.found + found,
    });
    const common = { table: SPANS, source: '', day, expected, found };
    if (found < expected) {
      this.#findings.push({ ...common, kind: 'missing', text: `${found} spans instead of ${expected}` });
    } else if (found > expected) {
      const finding = (most: number): Finding => {
        const text = `${found} spans instead of ${most}; of a request that was given up half way, the sender has been told to come again`;
        return { ...common, expected: most, kind: 'surplus', text };
      };
      this.#surpluses.push({ target: SPANS, day, spans: found, finding });
    } else if (idSum !== (logged?.idSum ?? 0n)) {
      const text = `${found} spans as logged, but not the same ones (their ids have another sum)`;
      this.#findings.push({ ...common, kind: 'altered', text });
    }
  }

  async #totals(state: LogState, horizon: Horizon, table: (typeof TOTALS)[number]): Promise<void> {
    const { client, clock, progress } = this.#deps;
    if (table.byTheHour === true && !horizon.wholeHours) {
      this.#leftOut.push(`${table.table}: the server's hours are not those of UTC, so rows have other days`);
      return;
    }
    progress(`${table.table}: totals by day`);
    const window = this.#window(horizon, table.table);
    const isWanted = (day: string): boolean => isIn(day, window) && (this.#only?.has(day) ?? true);
    const { compared, findings, surpluses, open } = await checkTotals(
      { client, clock, state, waitedFor: this.#waitedFor },
      table,
      window,
      isWanted,
    );
    this.#tables.push(compared);
    this.#findings.push(...findings);
    this.#surpluses.push(...surpluses);
    this.#open.push(...open);
  }

  async #traces(horizon: Horizon, days: readonly string[]): Promise<void> {
    const { client, progress } = this.#deps;
    progress(`${SUMMARIES}: spans by trace`);
    const spans = horizon.from.get(SPANS);
    const summaries = horizon.from.get(SUMMARIES);
    const since = later(this.#scope.since, spans, summaries);
    const together = this.#findings.some(({ table }) => table === SPANS);
    const window = { since, until: this.#scope.until };
    const { compared, findings } = await checkTraces(client, window, { days: days.length, together });
    this.#tables.push(compared);
    // What is on its way may be in one of the two tables already.
    (this.#open.length === 0 ? this.#findings : this.#open).push(...findings);
  }

  #nameExpired(state: LogState, horizon: Horizon): void {
    const tables = new Map([[SPANS, SPANS], ...TOTALS.map(({ table, target }) => [table, target] as const)]);
    for (const [table, target] of tables) {
      const from = later(horizon.from.get(table), horizon.from.get(LOG));
      const { since } = this.#scope;
      if (from === undefined || (since !== undefined && since >= from)) continue;
      const gone = state.days.filter(
        (one) => one.target === target && one.day < from && isIn(one.day, this.#scope),
      );
      if (gone.length === 0) continue;
      const days = [...new Set(gone.map(({ day }) => day))];
      const kept = horizon.keptDays.get(table);
      const why = kept === undefined ? 'the log expires' : `it keeps ${Math.floor(kept)} days`;
      this.#leftOut.push(`${table}: ${listed(days)}, since ${why}`);
    }
  }
}

/** Sorted; the middle of many is left out. */
function listed(days: readonly string[]): string {
  const sorted = days.toSorted();
  if (sorted.length <= 3) return sorted.join(', ');
  return `${sorted.length} days from ${sorted[0]} to ${sorted.at(-1)}`;
}
