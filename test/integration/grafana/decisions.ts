import { clickhouseClient } from '../../support/clickhouse.ts';

/** Decisions on services that nothing else speaks of: what is on the Sampling dashboard is known. */
export async function storeDecisions(database: string, nowMs: number): Promise<void> {
  const shared = {
    Version: 7,
    ChangedAt: nowMs - 120_000,
    RateLow: 80,
    RateHigh: 120,
    Samples: 500,
    OverS: 50,
    BudgetShare: 0.25,
    GateLow: 0.1,
    GateHigh: 0.1,
    LowerBound: 0.01,
    Algorithm: 'adaptive',
    Mode: 'control',
    UsingAdaptive: false,
    DataUntil: nowMs - 130_000,
    Instance: 'host/1',
    Ts: nowMs - 120_000,
  };
  const rows = [
    {
      ServiceName: 'mail',
      Operation: '',
      Probability: 0.1,
      Previous: 0.1,
      Rule: 'siblings',
      Conformance: 'samples_more',
    },
    {
      ServiceName: 'mail',
      Operation: 'send',
      Probability: 0.1,
      Previous: 0.2,
      Rate: 100,
      Target: 10,
      Rule: 'lowered',
      Conformance: 'samples_more',
    },
    {
      ServiceName: 'mail',
      Operation: 'read',
      Probability: 0.5,
      Previous: 0.5,
      Rate: 4,
      Target: 2,
      Rule: 'kept',
      Conformance: 'samples_more',
    },
  ];
  const client = clickhouseClient(database);
  try {
    const values = rows.map((row) => ({ Rate: 'nan', Target: 'nan', ...shared, ...row }));
    await client.insert({
      table: 'sampling_probabilities',
      values: values.map((row) => ({
        ...row,
        Ts: isoOf(row.Ts),
        ChangedAt: isoOf(row.ChangedAt),
        DataUntil: isoOf(row.DataUntil),
      })),
      format: 'JSONEachRow',
      clickhouse_settings: { date_time_input_format: 'best_effort' },
    });
  } finally {
    await client.close();
  }
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
