import { createHash } from 'node:crypto';
import { SPAN_KINDS, STATUS_CODES } from '../../src/clickhouse/native/span-encoder.ts';
import { type Ledger, sumBy } from '../ledger.ts';
import { until } from '../support/session.ts';

export type Query = <T>(sql: string) => Promise<T[]>;

const LOOK_MS = 250;
const STILL_LOOKS = 8;

/** Waits until nothing is merged and the number of active parts has not changed for 2 s: the server has nothing left to do. */
export async function mergesSettled(query: Query, deadlineMs = 120_000): Promise<void> {
  let parts = '';
  let still = 0;
  await until(
    async () => {
      const [seen] = await query<{ merges: string; parts: string }>(
        `SELECT (SELECT count() FROM system.merges) AS merges,
                (SELECT count() FROM system.parts WHERE active AND database != 'system') AS parts`,
      );
      still = seen !== undefined && Number(seen.merges) === 0 && seen.parts === parts ? still + 1 : 0;
      parts = seen?.parts ?? '';
    },
    () => still >= STILL_LOOKS,
    deadlineMs,
    LOOK_MS,
  );
}

/**
 * Holds an otel_traces (ours or the collector's) against the ledger, every service, operation, kind and status: how many spans, and the sum of
 * their durations. Resolves with a checksum of ids, times and attributes of all of them; rejects when a number is wrong.
 */
export async function checkStored(query: Query, database: string, ledger: Ledger): Promise<string> {
  const found = await query<{ key: string; spans: string; durationNs: string }>(
    `SELECT concat(ServiceName, ' ', SpanName, ' ', SpanKind, ' ', StatusCode) AS key, count() AS spans,
            sum(Duration) AS durationNs
     FROM ${database}.otel_traces GROUP BY key`,
  );
  const truth = new Map([...sumBy(ledger, keyOf, ({ spans }) => spans)].filter(([, spans]) => spans > 0));
  const durations = sumBy(ledger, keyOf, ({ durationNs }) => durationNs);
  const wrong = found.filter(
    ({ key, spans, durationNs }) =>
      Number(spans) !== truth.get(key) || Number(durationNs) !== durations.get(key),
  );
  if (wrong.length > 0 || found.length !== truth.size) {
    const example = wrong[0] === undefined ? '' : `, such as ${JSON.stringify(wrong[0])}`;
    throw new Error(
      `${database}: ${wrong.length} of ${found.length} series (${truth.size} were sent) are wrong${example}`,
    );
  }
  return await storedChecksum(query, database);
}

/** Of all spans in any order. */
export async function storedChecksum(query: Query, database: string): Promise<string> {
  const [row] = await query<{ sum: string }>(
    `SELECT toString(groupBitXor(cityHash64(Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
       toUInt64(Duration), StatusCode, toString(mapSort(ResourceAttributes)), toString(mapSort(SpanAttributes))))) AS sum
     FROM ${database}.otel_traces`,
  );
  return createHash('sha256')
    .update(row?.sum ?? '')
    .digest('hex')
    .slice(0, 12);
}

function keyOf({ kind, operation, service, status }: Ledger['series'][number]): string {
  return `${service} ${operation} ${SPAN_KINDS[kind]} ${STATUS_CODES[status]}`;
}

/** Bytes on disk of all columns of the active parts, by span. */
export async function bytesPerSpan(query: Query, database: string): Promise<number> {
  const [row] = await query<{ bytes: string }>(
    `SELECT sum(bytes_on_disk) / sum(rows) AS bytes FROM system.parts
     WHERE active AND database = '${database}' AND table = 'otel_traces'`,
  );
  return Number(row?.bytes);
}
