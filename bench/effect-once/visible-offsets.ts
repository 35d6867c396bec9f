import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';

const EVERY_MS = 250;

/** What could be queried at a moment. */
export interface Look {
  /** performance.now() when the answer had come: everything in it was there by then. */
  readonly atMs: number;
  /** By partition: all below was in every table. */
  readonly next: readonly number[];
}

/**
 * Looks again and again up to which offset ClickHouse has a topic's partitions. It asks ingest_log, whose row of a
 * block is written after the block's rows in all tables, and whose blocks come in order: never too early, and
 * too late by its own insert and the time between two looks. While ClickHouse does not answer there are no looks.
 */
export class VisibleOffsets {
  readonly looks: Look[] = [];
  readonly #client: ClickHouseClient;
  readonly #topic: string;
  readonly #partitions: number;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: {
    readonly port: number;
    readonly topic: string;
    readonly partitions: number;
    readonly database?: string;
  }) {
    const { port, topic, partitions, database = 'spanweir' } = options;
    this.#client = createClient({
      url: `http://127.0.0.1:${port}`,
      database,
      request_timeout: 2000,
      log: { level: ClickHouseLogLevel.OFF },
    });
    this.#topic = topic;
    this.#partitions = partitions;
    this.#running = this.#run();
  }

  /** The last look; before the first one nothing is visible. */
  get latest(): Look {
    return this.looks.at(-1) ?? { atMs: performance.now(), next: this.#nothing() };
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#client.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const startedMs = performance.now();
      const look = await this.#look().catch(() => undefined);
      if (look !== undefined) this.looks.push(look);
      const leftMs = EVERY_MS - (performance.now() - startedMs);
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    }
  }

  async #look(): Promise<Look> {
    const result = await this.#client.query({
      query: `SELECT Partition AS p, max(LastOffset) + 1 AS next FROM ingest_log
              WHERE endsWith(Source, {topic: String}) GROUP BY p`,
      query_params: { topic: `/${this.#topic}` },
      format: 'JSONEachRow',
      abort_signal: this.#ending.signal,
    });
    const next = this.#nothing();
    for (const row of await result.json<{ p: number; next: string }>()) next[row.p] = Number(row.next);
    return { atMs: performance.now(), next };
  }

  #nothing(): number[] {
    return Array.from({ length: this.#partitions }, () => 0);
  }
}

/** Messages of all partitions. */
export function messagesSeen({ next }: Look): number {
  return next.reduce((sum, offset) => sum + offset, 0);
}

/**
 * How old every message was at the first look that saw it, of those that were produced within [fromMs, toMs);
 * in no order. Infinity for what no look saw.
 */
export function agesMs(
  looks: readonly Look[],
  producedMs: readonly (readonly number[])[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): number[] {
  const ages: number[] = [];
  producedMs.forEach((times, partition) => {
    let look = 0;
    times.forEach((atMs, offset) => {
      while (look < looks.length && ((looks[look] as Look).next[partition] as number) <= offset) look++;
      if (atMs < fromMs || atMs >= toMs) return;
      ages.push((looks[look]?.atMs ?? Number.POSITIVE_INFINITY) - atMs);
    });
  });
  return ages;
}

/** Of unsorted values; the largest for q = 1. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
