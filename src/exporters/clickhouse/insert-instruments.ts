import type { Counter, Instruments, Timer } from '../../base/instruments.ts';

/** What is counted per table. */
export interface TableInstruments {
  readonly rows: Counter;
  readonly bytes: Counter;
  readonly inserts: Counter;
  /** Time from sending to the answer, of inserts that were taken. */
  readonly seconds: Counter;
  readonly duration: Timer;
  readonly failures: Counter;
}

export function createTableInstruments(
  instruments: Instruments,
  exporter: string,
  tables: readonly string[],
): ReadonlyMap<string, TableInstruments> {
  return new Map(
    tables.map((table) => {
      const counter = (name: string): Counter => instruments.counter(name, { exporter, table });
      return [
        table,
        {
          rows: counter('spanweir_clickhouse_inserted_rows_total'),
          bytes: counter('spanweir_clickhouse_inserted_bytes_total'),
          inserts: counter('spanweir_clickhouse_inserts_total'),
          seconds: counter('spanweir_clickhouse_insert_seconds_total'),
          duration: instruments.timer('spanweir_clickhouse_insert_duration_seconds', { exporter, table }),
          failures: counter('spanweir_clickhouse_insert_failures_total'),
        },
      ];
    }),
  );
}
