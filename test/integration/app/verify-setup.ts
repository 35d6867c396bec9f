import type { Scope } from '../../../src/app/commands/verify/log-state.ts';
import type { Finding, Report } from '../../../src/app/commands/verify/report.ts';
import { lookUntilSettled } from '../../../src/app/commands/verify/settled.ts';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import type { BlockOrigin } from '../../../src/flow/block.ts';
import { rowOf } from '../../sampling/rows.ts';
import { kafkaOrigin } from '../../support/kafka-origin.ts';
import type { TestResource } from '../../support/spans.ts';
import { migratedDatabase } from '../clickhouse/database.ts';
import { never, SinkSetup } from '../clickhouse/sink-setup.ts';

/** Metrics forget what is old, so all happens from yesterday 23:00 UTC on; hour 2 is of today. */
const START_S = Math.floor(Date.now() / 86_400_000) * 86_400 - 3600;
export const YESTERDAY = dayOf(START_S);
export const TODAY = dayOf(START_S + 86_400);
export const SOURCE = 'cluster-1/otlp_spans';

function dayOf(unixS: number): string {
  return new Date(unixS * 1000).toISOString().slice(0, 10);
}

/** Two spans of the trace `n`: one at the hour given, one five seconds after the start. */
export function record(n: number, hour = 0): TestResource[] {
  const startNs = BigInt(START_S) * 1_000_000_000n;
  const hex = (id: number): string => id.toString(16).padStart(16, '0');
  const common = { traceId: hex(n).repeat(2), name: `GET /${n % 3}`, durationNs: 1000 };
  return [
    {
      service: 'shop',
      spans: [
        { ...common, spanId: hex(2 * n + 1), startNs: startNs + BigInt(hour) * 3_600_000_000_000n },
        { ...common, spanId: hex(2 * n + 2), startNs: startNs + 5_000_000_000n },
      ],
    },
  ];
}

/** Writes blocks as the engine does. Record n of partition p is trace 1000 * p + n. */
export class Writer {
  readonly client: ClickHouse;
  readonly #setup: SinkSetup;

  constructor(client: ClickHouse) {
    this.client = client;
    this.#setup = new SinkSetup(client);
  }

  async block(
    first: number,
    last: number,
    { partition = 3, hour = 0, topic = 'otlp_spans', atMs = 1_700_000_000_000 } = {},
  ): Promise<void> {
    const records = Array.from({ length: last - first + 1 }, (_, i) =>
      record(1000 * partition + first + i, hour),
    );
    const times = { firstTimestampMs: atMs + first, lastTimestampMs: atMs + last };
    await this.#write(kafkaOrigin(first, last, { partition, topic, ...times }), records);
  }

  /** Of records without spans. */
  async emptyBlock(first: number, last: number): Promise<void> {
    await this.#write(kafkaOrigin(first, last, { firstTimestampMs: Date.now() }), []);
  }

  async request(n: number): Promise<void> {
    await this.#write({ kind: 'request', id: `${this.client.database}-${n}` }, [record(100_000 + n)]);
  }

  async #write(origin: BlockOrigin, records: TestResource[][]): Promise<void> {
    const throughput = [
      rowOf({ windowS: START_S, operation: 'GET /', count: 1 + records.length, probabilities: ['0.5'] }),
    ];
    const block = this.#setup.block(origin, records, records.length === 0 ? [] : throughput);
    await this.#setup.sink.write(block, never);
  }
}

/** Two partitions, four blocks of which one is of two days, one without spans, two requests. */
export async function healthyDatabase(): Promise<Writer> {
  const writer = new Writer(await migratedDatabase());
  await writer.block(0, 9);
  await writer.block(10, 19, { hour: 2 });
  await writer.emptyBlock(20, 22);
  await writer.block(23, 29);
  await writer.block(0, 4, { partition: 4 });
  await writer.request(1);
  await writer.request(2);
  return writer;
}

const EVERYTHING: Scope = { since: undefined, until: undefined, topic: undefined, partition: undefined };

/** For tests in which nothing happens meanwhile. */
const hurried: Clock = { ...systemClock, sleep: () => Promise.resolve() };

/** As the command does; without a clock it waits for nothing. */
export async function look(
  client: ClickHouse,
  scope: Partial<Scope> = {},
  { idle = false, clock = hurried }: { readonly idle?: boolean; readonly clock?: Clock } = {},
): Promise<Report> {
  const deps = { client, clock, progress: () => undefined, patienceMs: 8000 };
  return lookUntilSettled(deps, { ...EVERYTHING, ...scope }, { idle });
}

/** Without the words. */
export function bare(finding: Finding): object {
  return { ...finding, text: undefined };
}

/** Breaks something; resolves when it is broken. `{db}` is the database. */
export async function spoil(client: ClickHouse, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    await client.command(statement.replaceAll('{db}', client.database), {
      mutations_sync: '2',
      insert_deduplicate: '0',
    });
  }
}
