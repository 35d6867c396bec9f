import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { inject } from 'vitest';
import type {} from '../../support/context.ts';
import { uniqueName } from '../../support/topics.ts';

export type Counts = Record<'rows' | 'spans', number>;

/** The rows of one query, 64-bit numbers as numbers; what it rejects with is not logged. */
export async function query<T>(port: number, sql: string): Promise<T[]> {
  const client = createClient({ url: `http://127.0.0.1:${port}`, log: { level: ClickHouseLogLevel.OFF } });
  try {
    const settings = { output_format_json_quote_64bit_integers: 0 } as const;
    const answer = await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: settings });
    return await answer.json<T>();
  } finally {
    await client.close();
  }
}

/** Options of a kafka receiver on the shared broker that begins at the beginning. */
export function kafkaReceiver(topic: string, group = uniqueName('faults')): object {
  return {
    brokers: inject('kafkaBrokers'),
    group_id: group,
    initial_offset: 'earliest',
    traces: { topics: [topic] },
  };
}
