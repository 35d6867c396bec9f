import { inject } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Counter, Gauge, Instruments, Log } from '../../../src/base/instruments.ts';
import { ClickHouse } from '../../../src/clickhouse/client.ts';
import { type MigrateOptions, migrate } from '../../../src/clickhouse/migrate.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { OtlpScanner } from '../../../src/span/otlp-scanner.ts';
import type { ScanLimits } from '../../../src/span/scan-limits.ts';
import { SpanBatch } from '../../../src/span/span-batch.ts';
import { encodeProto, type TestResource } from '../../support/spans.ts';
import { uniqueName } from '../../support/topics.ts';

const nothing = (): void => undefined;
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const counter: Counter = { add: nothing };
const gauge: Gauge = { set: nothing };
export const deafInstruments: Instruments = {
  counter: () => counter,
  gauge: () => gauge,
  timer: () => ({ record: () => {} }),
};

export const migrateOptions: MigrateOptions = {
  spansTtlMs: 0,
  dryRun: false,
  clock: systemClock,
  random: Math.random,
  log: silentLog,
};

export function openClient(database: string, url: string = inject('clickhouseUrl')): ClickHouse {
  return new ClickHouse({
    url,
    username: 'default',
    password: '',
    database,
    timeoutMs: 60_000,
    maxConnections: 8,
    gzip: false,
    settings: {},
  });
}

export function newDatabase(): string {
  return uniqueName('clickhouse').replaceAll('-', '_');
}

/** A client of a new database with the whole schema and no TTL on spans (tests use old timestamps). */
export async function migratedDatabase(url?: string): Promise<ClickHouse> {
  const client = openClient(newDatabase(), url);
  await migrate(client, migrateOptions);
  return client;
}

/** A batch of one record per payload; record i has offset `firstOffset + i`. */
export class BatchMaker {
  readonly dictionary: Dictionary;
  readonly #scanner: OtlpScanner;

  constructor(dictionary = new Dictionary(), limits: Partial<ScanLimits> = {}) {
    this.dictionary = dictionary;
    this.#scanner = new OtlpScanner(dictionary, limits);
  }

  make(payloads: readonly (readonly TestResource[])[], firstOffset = 0, timestampMs = 0): SpanBatch {
    const batch = new SpanBatch();
    payloads.forEach((payload, i) => {
      this.#scanner.append(batch, encodeProto(payload), { offset: firstOffset + i, timestampMs });
    });
    return batch;
  }
}
