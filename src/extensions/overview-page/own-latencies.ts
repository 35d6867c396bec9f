import type { Clock } from '../../base/clock.ts';
import { QuantileReader } from '../../telemetry/quantiles.ts';
import { LatencyWindow } from './latency-window.ts';
import { slotAt } from './traffic.ts';

/** Timers of the host's metrics (`spanweir.metrics`). */
export interface TimerSource {
  timers(
    name: string,
  ): readonly { readonly labels: Readonly<Record<string, string>>; readonly slots: Float64Array }[];
}

export interface LatencyRow {
  readonly what: string;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Timers that are shown, in words, and the label that tells them apart. */
const TIMERS = [
  ['spanweir_block_duration_seconds', 'block, from its first record to its commit', 'receiver'],
  ['spanweir_clickhouse_insert_duration_seconds', 'insert, from sending to the answer', 'table'],
  ['spanweir_prometheus_scrape_duration_seconds', 'scrape of the metrics', 'exporter'],
] as const;

/** How long the engine's own work took over the last minute. */
export class OwnLatencies {
  readonly #clock: Clock;
  readonly #late = new LatencyWindow();
  readonly #answers = new LatencyWindow();
  readonly #readers = new Map<string, QuantileReader>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A timer of the main thread came so late. */
  late(ms: number): void {
    this.#late.record(slotAt(this.#clock.monotonicMs()), ms);
  }

  /** The page was answered in so much time. */
  answered(ms: number): void {
    this.#answers.record(slotAt(this.#clock.monotonicMs()), ms);
  }

  /** To be called more often than once a minute: what is read is what came since a minute ago. */
  read(source: TimerSource | undefined): LatencyRow[] {
    const slot = slotAt(this.#clock.monotonicMs());
    const timed = TIMERS.flatMap(([name, words, label]) =>
      (source?.timers(name) ?? []).flatMap(({ labels, slots }) => {
        const what = `${words}: ${labels[label] ?? ''}`;
        const row = this.#quantiles(JSON.stringify([name, labels]), slots);
        return row === undefined ? [] : [{ what, ...row }];
      }),
    );
    const own = [
      { what: 'main thread: how late it comes to its work', found: this.#late.read(slot) },
      { what: 'this page: time to answer', found: this.#answers.read(slot) },
    ].flatMap(({ what, found }) => (found === null ? [] : [{ what, ...found }]));
    return [...timed, ...own];
  }

  #quantiles(key: string, slots: Float64Array): Omit<LatencyRow, 'what'> | undefined {
    const reader = this.#readers.get(key) ?? new QuantileReader(this.#clock);
    this.#readers.set(key, reader);
    const { quantiles } = reader.read(slots);
    if (quantiles === undefined) return undefined;
    const [p50Ms = 0, p90Ms = 0, p99Ms = 0, maxMs = 0] = quantiles.map((seconds) => seconds * 1000);
    return { p50Ms, p90Ms, p99Ms, maxMs };
  }
}
