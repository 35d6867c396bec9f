import type { TraceCost } from '../sampling/adaptive/controller.ts';
import { type SourceProgress, UNKNOWN } from '../sampling/store/progress.ts';
import type { SamplingStore } from '../sampling/store/store.ts';
import { type ClickHouse, quoted } from './client.ts';
import { WordColumn } from './native/columns.ts';
import { NativeBuffer } from './native/native-buffer.ts';

/** What processes tell each other through small tables that forget within an hour, and what traces cost. */
export type SamplingReports = Pick<
  SamplingStore,
  'reportProgress' | 'progress' | 'reportPollers' | 'pollers' | 'traceCosts'
>;

/** Of all traces in the range, at most about so many are weighed. */
const WEIGHED_TRACES = 20_000;
const REQUESTS = 'requests:';

export function createSamplingReports(client: ClickHouse): SamplingReports {
  const database = quoted(client.database);
  return {
    reportProgress: async (progress, reportedBy) => {
      const [first] = progress;
      if (first === undefined) return;
      const token = `sampling_progress:${reportedBy}:${first.atMs}`;
      await client.insertNative({ table: 'sampling_progress', token }, encodeProgress(progress, reportedBy));
    },
    progress: async () => {
      const rows = await client.query<ProgressAnswer>(
        `SELECT Source AS source, Partition AS partition, toUnixTimestamp64Milli(argMaxIf(CompleteUntil, At, toUnixTimestamp64Milli(CompleteUntil) > ${UNKNOWN})) AS until,
                toUnixTimestamp64Milli(max(At)) AS at
         FROM ${database}.sampling_progress WHERE At > now64(3) - INTERVAL 1 HOUR GROUP BY source, partition`,
      );
      return rows.map(({ source, partition, until, at }): SourceProgress => {
        const isRequests = source.startsWith(REQUESTS);
        return {
          source: isRequests ? source.slice(REQUESTS.length) : source,
          partition,
          kind: isRequests ? 'requests' : 'log',
          completeUntilMs: Number(until),
          atMs: Number(at),
        };
      });
    },
    reportPollers: async (pollers, reportedBy, atMs) => {
      const token = `sampling_pollers:${reportedBy}:${atMs}`;
      await client.insertNative(
        { table: 'sampling_pollers', token },
        encodePollers(pollers, reportedBy, atMs),
      );
    },
    pollers: async (nowMs, withinMs) => {
      const rows = await client.query<{ pollers: string }>(
        `SELECT argMax(Pollers, At) AS pollers FROM ${database}.sampling_pollers
         WHERE At > fromUnixTimestamp64Milli({since: Int64}) GROUP BY Instance`,
        { since: Math.floor(nowMs - withinMs) },
      );
      return rows.map(({ pollers }) => pollers);
    },
    traceCosts: async (startMs, endMs) => {
      const range = { start: Math.floor(startMs / 1000), end: Math.floor(endMs / 1000) };
      const [counted] = await client.query<{ roots: string }>(
        `SELECT sum(Roots) AS roots FROM ${database}.sampling_throughput
         WHERE Ts >= toDateTime({start: UInt32}) AND Ts < toDateTime({end: UInt32})`,
        range,
      );
      const one = Math.max(1, Math.ceil(Number(counted?.roots ?? 0) / WEIGHED_TRACES));
      const rows = await client.query<CostAnswer>(
        `SELECT service, operation, avg(spans) AS spans, avg(bytes) AS bytes
         FROM (
           SELECT anyIf(ServiceName, ParentSpanId = '') AS service, anyIf(SpanName, ParentSpanId = '') AS operation,
                  count() AS spans, sum(byteSize(*)) AS bytes
           FROM ${database}.otel_traces
           WHERE Timestamp >= toDateTime({start: UInt32}) AND Timestamp < toDateTime({end: UInt32})
             AND cityHash64(TraceId) % {one: UInt64} = 0
           GROUP BY TraceId
           HAVING service != '' AND operation != ''
         )
         GROUP BY GROUPING SETS ((service, operation), (service))`,
        { ...range, one },
      );
      return costsOf(rows);
    },
  };
}

interface ProgressAnswer {
  readonly source: string;
  readonly partition: number;
  readonly until: string;
  readonly at: string;
}

interface CostAnswer {
  readonly service: string;
  /** '' for the service as a whole. */
  readonly operation: string;
  readonly spans: number;
  readonly bytes: number;
}

function costsOf(rows: readonly CostAnswer[]): ReadonlyMap<string, ReadonlyMap<string, TraceCost>> {
  const costs = new Map<string, Map<string, TraceCost>>();
  for (const { service, operation, spans, bytes } of rows) {
    const own = costs.get(service) ?? new Map<string, TraceCost>();
    costs.set(service, own);
    own.set(operation, { spans, bytes });
  }
  return costs;
}

function encodeProgress(progress: readonly SourceProgress[], reportedBy: string): Uint8Array {
  const out = new NativeBuffer(1024);
  const words = (name: string, of: (each: SourceProgress) => string): void => {
    const column = new WordColumn();
    for (const each of progress) column.pushText(of(each));
    column.write(out, name);
  };
  const times = (name: string, of: (each: SourceProgress) => number): void => {
    out.column(name, 'DateTime64(3)');
    for (const each of progress) out.uint64(Math.max(0, Math.floor(of(each))));
  };
  out.block(5, progress.length);
  words('Source', ({ kind, source }) => (kind === 'requests' ? `${REQUESTS}${source}` : source));
  out.column('Partition', 'UInt32');
  out.numbers(Uint32Array.from(progress, ({ partition }) => partition));
  times('CompleteUntil', ({ completeUntilMs }) => completeUntilMs);
  times('At', ({ atMs }) => atMs);
  words('Instance', () => reportedBy);
  return out.written();
}

function encodePollers(pollers: string, reportedBy: string, atMs: number): Uint8Array {
  const out = new NativeBuffer(1024);
  const instance = new WordColumn();
  instance.pushText(reportedBy);
  out.block(3, 1);
  instance.write(out, 'Instance');
  out.column('At', 'DateTime64(3)');
  out.uint64(Math.floor(atMs));
  out.column('Pollers', 'String');
  out.text(pollers);
  return out.written();
}
