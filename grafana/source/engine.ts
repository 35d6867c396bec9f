import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { assemble } from './assemble.ts';
import { OF, per } from './engine-metrics.ts';
import { edgePanels, seriesPanels } from './engine-series.ts';
import { UIDS } from './links.ts';
import { columns, figure, limits, lines, stack, table } from './panels.ts';
import { orZero, prom, promNow, sqlTable } from './queries.ts';
import { clickHouseVariable, labelVariable, prometheusVariable } from './variables.ts';

const LAG = `spanweir_kafka_receiver_lag_messages${OF}`;

/** Node's own metrics have the same names in every Node program. */
const ofEngines = (expr: string): string => `${expr} and on (job, instance) spanweir_blocks_in_flight_bytes`;

/** What the engine says of itself: docs/metrics.md. */
export function engine(): Dashboard {
  return assemble({
    uid: UIDS.engine,
    title: 'Spanweir / Engine',
    description: 'Lag, throughput, CPU, memory, inserts, dead letters and latency of the engine itself.',
    variables: [
      prometheusVariable(),
      clickHouseVariable(),
      labelVariable('instance', 'Instance', 'spanweir_intake_spans_total', 'instance'),
    ],
    sections: [
      { title: 'Now', panels: now() },
      { title: 'Intake', panels: intake() },
      { title: 'ClickHouse', panels: clickHouse() },
      { title: 'How long it takes', panels: latency() },
      { title: 'What went wrong', panels: wrong() },
      { title: 'The process', panels: process() },
      { title: 'Series and edges', panels: [...seriesPanels(), ...edgePanels()] },
    ],
  });
}

function now() {
  const one = (title: string, description: string, expr: string, unit = 'short') =>
    figure({ title, description, unit }, promNow('A', expr));
  return [
    one('Lag', 'Messages that are not read yet.', orZero(`sum(${LAG})`)).thresholds(
      limits(100_000, 1_000_000),
    ),
    one('Spans in', 'Per second.', `sum(rate(spanweir_intake_spans_total${OF}[$__rate_interval]))`, 'cps'),
    one('Spans, all', 'Since the start.', `sum(spanweir_intake_spans_total${OF})`),
    one(
      'Dead letters',
      'Records that were put aside, since the start.',
      orZero(`sum(spanweir_intake_quarantined_total${OF})`),
    ).thresholds(limits(1, 1000)),
    one(
      'Unwell',
      'Components that do not work.',
      `count(spanweir_component_healthy${OF} == 0) or vector(0)`,
    ).thresholds(limits(1, 1)),
    one(
      'In flight',
      'Held by blocks that are open or on their way.',
      `sum(spanweir_blocks_in_flight_bytes${OF})`,
      'bytes',
    ),
  ];
}

function intake() {
  const freshness = `SELECT Source AS source, Partition AS partition, max(LastOffset) AS last_offset, max(LastTimestamp) AS newest_record,
       dateDiff('second', newest_record, now64(3)) AS age_s, sum(Spans) AS spans, sum(Quarantined) AS dead_letters
FROM (SELECT Source, Partition, LastOffset, LastTimestamp, sumIf(Spans, Target = 'otel_traces') AS Spans, any(Quarantined) AS Quarantined
      FROM ingest_log WHERE $__timeFilter(LastTimestamp) GROUP BY Source, Partition, FirstOffset, LastOffset, LastTimestamp)
GROUP BY source, partition
ORDER BY age_s DESC`;
  return [
    stack(
      { title: 'Lag by partition', description: 'Messages that are not read yet.', width: 8 },
      prom('A', `sum by (topic, partition) (${LAG})`, '{{topic}} {{partition}}'),
    ),
    stack(
      { title: 'Spans', description: 'Taken in.', unit: 'cps', width: 8 },
      prom('A', per('spanweir_intake_spans_total', 'receiver, instance'), '{{receiver}} {{instance}}'),
    ),
    stack(
      { title: 'Bytes', description: 'Unpacked.', unit: 'Bps', width: 8 },
      prom('A', per('spanweir_intake_bytes_total', 'receiver, instance'), '{{receiver}} {{instance}}'),
    ),
    lines(
      { title: 'Blocks by how they ended', description: 'dropped: to be read again.', unit: 'cps', width: 8 },
      prom('A', per('spanweir_blocks_total', 'outcome'), '{{outcome}}'),
    ),
    lines(
      {
        title: 'In flight over time',
        description: 'max_in_flight_bytes is the limit of each worker.',
        unit: 'bytes',
        width: 8,
      },
      prom('A', `spanweir_blocks_in_flight_bytes${OF}`, '{{instance}}'),
    ),
    table(
      {
        title: 'Stored, by partition',
        description: 'From ingest_log: how old the newest stored record is.',
        width: 8,
      },
      sqlTable('A', freshness),
    ),
  ];
}

function clickHouse() {
  const [seconds, inserts] = ['insert_seconds_total', 'inserts_total'].map((name) =>
    per(`spanweir_clickhouse_${name}`, 'table'),
  );
  const parts = `SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
ORDER BY bytes DESC`;
  return [
    lines(
      { title: 'Inserts', description: 'That ClickHouse made durable, by table.', unit: 'cps', width: 8 },
      prom('A', inserts as string, '{{table}}'),
    ),
    lines(
      { title: 'Rows', description: 'By table.', unit: 'cps', width: 8 },
      prom('A', per('spanweir_clickhouse_inserted_rows_total', 'table'), '{{table}}'),
    ),
    lines(
      { title: 'Time of an insert', description: 'Mean, from sending to the answer.', unit: 's', width: 8 },
      prom('A', `${seconds} / ${inserts}`, '{{table}}'),
    ),
    lines(
      { title: 'Failed inserts', description: 'Attempts; most are made again.', unit: 'cps', width: 8 },
      prom('A', orZero(per('spanweir_clickhouse_insert_failures_total', 'table')), '{{table}}'),
    ),
    lines(
      { title: 'Bytes of inserts', description: 'Before compression.', unit: 'Bps', width: 8 },
      prom('A', per('spanweir_clickhouse_inserted_bytes_total', 'table'), '{{table}}'),
    ),
    table({ title: 'Tables', description: 'As they lie on disk now.', width: 8 }, sqlTable('A', parts)),
  ];
}

/** Summaries of the last minute. */
function latency() {
  const of = (metric: string, by: string, quantile: string): string =>
    `max by (${by}) (${metric}{instance=~"$instance", quantile="${quantile}"})`;
  const block = 'spanweir_block_duration_seconds';
  return [
    lines(
      {
        title: 'A block, from its first record to its commit',
        description: 'How long spans are on their way: median, p99 and the longest of the last minute.',
        unit: 's',
        width: 8,
      },
      prom('A', of(block, 'receiver', '0.5'), '{{receiver}} p50'),
      prom('B', of(block, 'receiver', '0.99'), '{{receiver}} p99'),
      prom('C', of(block, 'receiver', '1'), '{{receiver}} longest'),
    ),
    lines(
      { title: 'An insert', description: 'p99 of the last minute, by table.', unit: 's', width: 8 },
      prom('A', of('spanweir_clickhouse_insert_duration_seconds', 'table', '0.99'), '{{table}}'),
    ),
    lines(
      { title: 'A scrape', description: 'Of the span metrics: p99 of the last minute.', unit: 's', width: 8 },
      prom('A', of('spanweir_prometheus_scrape_duration_seconds', 'exporter', '0.99'), '{{exporter}}'),
    ),
  ];
}

function wrong() {
  const increase = (metric: string, by: string): string =>
    orZero(`sum by (${by}) (increase(${metric}${OF}[$__rate_interval]))`);
  const trouble: readonly (readonly [string, string, string])[] = [
    ['spanweir_clickhouse_refused_spans_total', 'exporter', 'spans refused by ClickHouse'],
    ['spanweir_worker_deaths_total', 'reason', 'worker died: {{reason}}'],
    ['spanweir_kafka_receiver_rebalances_total', 'receiver', 'rebalance'],
    ['spanweir_kafka_receiver_restarts_total', 'receiver', 'consumer restarted'],
    ['spanweir_embedded_clickhouse_restarts_total', 'extension', 'embedded ClickHouse restarted'],
    ['spanweir_clickhouse_repaired_parts_total', 'table', 'repaired part of {{table}}'],
  ];
  return [
    columns(
      {
        title: 'Dead letters by reason',
        description: 'Records that could not be read, by reason.',
        width: 8,
      },
      prom('A', increase('spanweir_intake_quarantined_total', 'reason'), '{{reason}}'),
    ),
    columns(
      { title: 'Refused requests', description: 'By receiver and reason.', width: 8 },
      prom(
        'A',
        increase('spanweir_receiver_refused_requests_total', 'receiver, reason'),
        '{{receiver}} {{reason}}',
      ),
    ),
    columns(
      { title: 'Trouble', description: 'Deaths, restarts, rebalances, repairs.', width: 8 },
      ...trouble.map(([metric, by, legend], i) =>
        prom(String.fromCharCode(65 + i), increase(metric, by), legend),
      ),
    ),
    table(
      { title: 'Components', description: '1 while it works, 0 while it does not.', width: 8 },
      promNow('A', `min by (component) (spanweir_component_healthy${OF})`),
    ),
    table(
      {
        title: 'Problems that verify found',
        description: 'At its last look (spanweir verify --follow).',
        width: 8,
      },
      promNow('A', orZero('sum by (kind) (spanweir_verify_problems)')),
    ),
    columns(
      { title: 'Over limit', description: 'Spans in overflow series, by connector or exporter.', width: 8 },
      prom('A', increase('spanweir_span_metrics_overflow_total', 'connector'), '{{connector}}'),
      prom('B', increase('spanweir_prometheus_overflow_total', 'exporter'), '{{exporter}}'),
      prom('C', increase('spanweir_service_graph_overflow_total', 'connector'), '{{connector}}'),
    ),
  ];
}

function process() {
  return [
    lines(
      { title: 'CPU', description: 'Cores in use.', width: 8 },
      prom('A', ofEngines(`rate(process_cpu_seconds_total${OF}[$__rate_interval])`), '{{instance}}'),
    ),
    lines(
      {
        title: 'Memory',
        description: 'Resident; and the JavaScript heap of the main thread.',
        unit: 'bytes',
        width: 8,
      },
      prom('A', ofEngines(`process_resident_memory_bytes${OF}`), '{{instance}} resident'),
      prom('B', ofEngines(`nodejs_heap_size_used_bytes${OF}`), '{{instance}} heap'),
    ),
    lines(
      { title: 'Event loop', description: 'How late the main thread is: p99 and mean.', unit: 's', width: 8 },
      prom('A', ofEngines(`nodejs_eventloop_lag_p99_seconds${OF}`), '{{instance}} p99'),
      prom('B', ofEngines(`nodejs_eventloop_lag_mean_seconds${OF}`), '{{instance}} mean'),
    ),
  ];
}
