import { SPANS_PER_MESSAGE } from '../workload.ts';
import type { OuterClickHouse } from './outer-clickhouse.ts';

const TOTALS = `
  SELECT 'span_metrics_10s' AS name, sum(Spans) AS spans FROM span_metrics_10s
  UNION ALL SELECT 'span_metrics_1m', sum(Spans) FROM span_metrics_1m
  UNION ALL SELECT 'span_metrics_1h', sum(Spans) FROM span_metrics_1h
  UNION ALL SELECT 'span_metrics_1d', sum(Spans) FROM span_metrics_1d
  UNION ALL SELECT 'trace_summary', sum(arraySum(mapValues(Spans))) FROM trace_summary`;

/** What is not in every table exactly once, in words; [] when all is well. Counts over the whole database. */
export async function wrongCounts(
  clickhouse: OuterClickHouse,
  producedMs: readonly (readonly number[])[],
): Promise<string[]> {
  const wrong: string[] = [];
  const rows = await clickhouse.query<{ p: number; messages: string; lost: string; double: string }>(
    `SELECT p, count() AS messages, sum(greatest(0, ${SPANS_PER_MESSAGE} - n)) AS lost,
            sum(greatest(0, n - ${SPANS_PER_MESSAGE})) AS double
     FROM (SELECT KafkaPartition AS p, KafkaOffset, toInt64(count()) AS n FROM otel_traces GROUP BY p, KafkaOffset)
     GROUP BY p`,
  );
  const found = new Map(rows.map((row) => [row.p, row]));
  producedMs.forEach(({ length }, partition) => {
    const { messages = 0, lost = 0, double = 0 } = found.get(partition) ?? {};
    const lostSpans = Number(lost) + (length - Number(messages)) * SPANS_PER_MESSAGE;
    if (lostSpans !== 0 || Number(double) !== 0)
      wrong.push(`otel_traces, partition ${partition}: ${lostSpans} lost, ${Number(double)} double`);
  });
  const sent = producedMs.reduce((sum, { length }) => sum + length, 0) * SPANS_PER_MESSAGE;
  for (const { name, spans } of await clickhouse.query<{ name: string; spans: string }>(TOTALS)) {
    if (Number(spans) !== sent) wrong.push(`${name}: ${spans} spans of ${sent}`);
  }
  return wrong;
}
