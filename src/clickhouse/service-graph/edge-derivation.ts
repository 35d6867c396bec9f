import type { Clock } from '../../base/clock.ts';
import type { Counter, Gauge, Log } from '../../base/instruments.ts';
import type { EdgeSource } from '../../dependencies/edge-rules.ts';
import { type ClickHouse, quoted } from '../client.ts';
import { changedDays, type DueQuery, dueMinutes } from './due-minutes.ts';
import { type DueMinute, deriveStatement, literal } from './edge-sql.ts';

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;
/** Behind the last span that a minute's edges may be made of, for spans that are still on their way. */
const SETTLING_S = 15;
/** Of the ends of an edge, from each other. */
const SHORTEST_REACH_S = 60;
/** Derived by one statement. */
const MINUTES_AT_ONCE = 10;
const MINUTES_A_LOOK = 120;
/** A round looks at the last hour; every so many rounds, and until nothing is left there, at all days that have changed. */
const ROUNDS_A_FULL_LOOK = 10;
/** What a round spends on those days, at least one statement: a long backlog must not hold up the present. */
const CATCHING_UP_MS = 5_000;
/** Rounds take no more of the time than this, on one thread of the server. */
const DUTY = 0.02;
/** Unless that would make them rarer than this many times. */
const MOST_INTERVALS = 10;
/** Another process has derived something within this part of the interval: then it does so again. */
const FRESH = 0.8;

const SETTINGS = { max_threads: '1', max_bytes_before_external_group_by: String(1024 ** 3) };

export interface DerivationContext {
  readonly connector: string;
  readonly source: EdgeSource['edges'];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly derived: Counter;
  readonly due: Gauge;
}

interface Range {
  /** Unix seconds. */
  readonly fromS: number;
  readonly endS: number;
  readonly settledS: number;
  /** When to leave the rest to another round. */
  readonly untilMs: number;
}

/**
 * Derives the service graph in ClickHouse from the spans there. Which minutes are due is asked of the tables, never
 * remembered: a minute is due as long as its graph was made of another number of spans than there are. So any process may
 * derive at any time, be killed in the middle, or derive what another one just did.
 */
export class EdgeDerivation {
  readonly #client: ClickHouse;
  readonly #context: DerivationContext;
  readonly #reachS: number;
  #rounds = 0;
  #hasLeftovers = false;

  constructor(client: ClickHouse, context: DerivationContext) {
    this.#client = client;
    this.#context = context;
    const reachS = Math.max(SHORTEST_REACH_S, context.source.ttlMs / 1000);
    this.#reachS = Math.ceil(reachS / MINUTE_S) * MINUTE_S;
  }

  /** Until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, connector, log, random, source } = this.#context;
    let waitMs = source.everyMs;
    for (;;) {
      // Processes that were started together part.
      await clock.sleep(waitMs * (0.9 + 0.2 * random()), signal);
      if (signal.aborted) return;
      const startedMs = clock.monotonicMs();
      try {
        if (!(await this.#isAnothersTurn())) await this.round(signal);
      } catch (err) {
        if (signal.aborted) return;
        log.warn({ err, connector }, 'the service graph could not be derived; trying again later');
      }
      const restMs = (clock.monotonicMs() - startedMs) / DUTY;
      waitMs = Math.min(Math.max(source.everyMs, restMs), source.everyMs * MOST_INTERVALS);
    }
  }

  /** Derives what is due now. */
  async round(signal: AbortSignal): Promise<void> {
    const nowS = await this.#nowS();
    const settledS = nowS - this.#reachS - SETTLING_S - MINUTE_S;
    const hourS = Math.floor(nowS / HOUR_S) * HOUR_S - HOUR_S;
    await this.#deriveRange(
      { fromS: hourS, endS: nowS, settledS, untilMs: Number.POSITIVE_INFINITY },
      signal,
    );
    if (this.#rounds++ % ROUNDS_A_FULL_LOOK !== 0 && !this.#hasLeftovers) return;
    const untilMs = this.#context.clock.monotonicMs() + CATCHING_UP_MS;
    const days = await changedDays(this.#client, this.#context.connector);
    this.#hasLeftovers = false;
    for (const dayS of days.reverse()) {
      await this.#deriveRange({ fromS: dayS, endS: dayS + DAY_S, settledS, untilMs }, signal);
      if (this.#hasLeftovers) return;
    }
  }

  async #deriveRange({ fromS, endS, settledS, untilMs }: Range, signal: AbortSignal): Promise<void> {
    const { clock, connector, derived, due } = this.#context;
    const query: DueQuery = { connector, reachS: this.#reachS, settledS, limit: MINUTES_A_LOOK };
    for (let nextS = fromS; nextS < endS && !signal.aborted; ) {
      const minutes = await dueMinutes(this.#client, query, nextS, endS);
      due.set(minutes.length);
      for (const run of runsOf(minutes)) {
        if (signal.aborted) return;
        await this.#derive(run);
        derived.add(run.length);
        if (clock.monotonicMs() < untilMs) continue;
        this.#hasLeftovers = true;
        return;
      }
      due.set(0);
      if (minutes.length < MINUTES_A_LOOK) return;
      nextS = (minutes.at(-1) as DueMinute).startS + MINUTE_S;
    }
  }

  async #derive(minutes: readonly DueMinute[]): Promise<void> {
    const { connector, source } = this.#context;
    const { database } = this.#client;
    const statement = deriveStatement({
      database,
      into: this.#client.stored('service_graph'),
      connector,
      rules: source.rules,
      reachS: this.#reachS,
      minutes,
    });
    await this.#client.command(statement, SETTINGS);
  }

  /** The server's clock, which has dated nothing of the spans but is the same for all processes. */
  async #nowS(): Promise<number> {
    const [row] = await this.#client.query<{ nowS: string }>('SELECT toUnixTimestamp(now()) AS nowS');
    return Number(row?.nowS ?? 0);
  }

  async #isAnothersTurn(): Promise<boolean> {
    const { connector, source } = this.#context;
    const [row] = await this.#client.query<{ n: string }>(
      `SELECT count() AS n FROM ${quoted(this.#client.database)}.service_graph
       WHERE Connector = ${literal(connector)} AND DerivedAt > now64(3) - toIntervalMillisecond(${Math.round(source.everyMs * FRESH)})`,
    );
    return Number(row?.n) > 0;
  }
}

/** Adjoining minutes, some at a time. */
export function runsOf(minutes: readonly DueMinute[]): DueMinute[][] {
  const runs: DueMinute[][] = [];
  for (const minute of minutes) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (
      run !== undefined &&
      last !== undefined &&
      minute.startS === last.startS + MINUTE_S &&
      run.length < MINUTES_AT_ONCE
    )
      run.push(minute);
    else runs.push([minute]);
  }
  return runs;
}
