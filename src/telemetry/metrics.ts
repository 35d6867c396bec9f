import { counter, gauge, type MetricRow, peak, timer } from './metric-row.ts';
import { SAMPLING_METRICS } from './sampling-metrics.ts';
import { SERVICE_GRAPH_METRICS } from './service-graph-metrics.ts';

/**
 * Every metric that Spanweir tells about itself. An instrument is asked for by its name here, with exactly
 * these labels; docs/metrics.md is rendered from this table. Names follow Prometheus: counters end in
 * `_total`, units are base units and stand in the name.
 */
export const METRICS: Readonly<Record<string, MetricRow>> = {
  // The process as a whole.
  spanweir_component_healthy: peak('', '1 while the component works, 0 while it does not.', 'component'),
  spanweir_worker_deaths_total: counter('', 'Ingest threads that died and were replaced.', 'reason'),

  // Intake: what every receiver hands on.
  spanweir_intake_records_total: counter('records', 'Messages and requests taken in.', 'receiver'),
  spanweir_intake_bytes_total: counter('bytes', 'Their payloads, unpacked.', 'receiver'),
  spanweir_intake_spans_total: counter('spans', 'Spans in them.', 'receiver'),
  spanweir_intake_tombstones_total: counter('records', 'Messages without a value.', 'receiver'),
  spanweir_intake_quarantined_total: counter(
    'records',
    'Messages that could not be read, or that no exporter takes: put aside, by reason.',
    'receiver',
    'reason',
  ),
  spanweir_repaired_spans_total: counter(
    'spans',
    'Spans that are counted although something is odd about them, by reason: end_before_start (duration 0), too_late and too_early (beyond timestamps.max_past and max_future of their record: counted at its time), invalid_id, weight_capped, invalid_weight and unknown_rate (counted as 1), invalid_utf8 (name shown with U+FFFD).',
    'receiver',
    'reason',
  ),
  spanweir_blocks_total: counter(
    'blocks',
    'Blocks by how they ended: committed, dropped (to be read again) or refused for good.',
    'receiver',
    'outcome',
  ),
  spanweir_blocks_in_flight_bytes: gauge(
    'bytes',
    'What blocks hold that are open or on their way; max_in_flight_bytes is the limit of each worker.',
  ),
  spanweir_block_duration_seconds: timer(
    "From a block's first record to its commit: quantiles of the last minute.",
    'receiver',
  ),
  spanweir_half_stored_blocks_total: counter('blocks', 'Requests stored by some exporters only.', 'receiver'),
  spanweir_reformed_blocks_total: counter(
    'blocks',
    'Blocks that an earlier owner of a partition planned and that were formed again.',
    'receiver',
  ),
  spanweir_changed_blocks_total: counter(
    'blocks',
    'Of them, those that the log does not hold any more as they were planned (compacted, truncated, made anew).',
    'receiver',
    'how',
  ),
  spanweir_passed_over_records_total: counter(
    'records',
    'Messages that were stored already when a position came without a plan.',
    'receiver',
  ),
  spanweir_held_partitions_total: counter(
    'partitions',
    'Partitions that were left waiting because a newer release has planned blocks in them.',
    'receiver',
  ),

  // Connectors: span_metrics.
  spanweir_span_metrics_no_service_total: counter(
    'spans',
    'Spans without a service.name, which the connector leaves out.',
    'connector',
  ),
  spanweir_span_metrics_folded_spans_total: counter(
    'spans',
    'Spans that were counted without a label because it had too many values in their block: which label, and of which service (empty for a dimension). At most 20 of them in an ingest thread.',
    'connector',
    'service',
    'label',
  ),
  spanweir_span_metrics_series_demand: gauge(
    'series',
    'Series that there would be without limits, estimated over the last 10 to 20 minutes; of all ingest threads together.',
    'connector',
  ),
  spanweir_span_metrics_templated_series_demand: gauge(
    'series',
    'The same if ids in span names were replaced, where span_names is dry_run.',
    'connector',
  ),
  spanweir_span_metrics_overflow_total: counter(
    'spans',
    'Spans counted in an overflow series because the limit of series was reached.',
    'connector',
  ),

  // Exporters: prometheus.
  spanweir_prometheus_series: gauge('series', 'Series that the exporter shows.', 'exporter'),
  spanweir_prometheus_overflow_total: counter(
    'calls',
    'Calls counted in an overflow series because max_series was reached.',
    'exporter',
  ),
  spanweir_prometheus_scrapes_total: counter('scrapes', 'Requests for the page of metrics.', 'exporter'),
  spanweir_prometheus_scrape_duration_seconds: timer(
    'From such a request to the last byte of the page: quantiles of the last minute.',
    'exporter',
  ),

  // Receivers: kafka.
  spanweir_kafka_receiver_assigned_partitions: gauge('', 'Partitions that this process reads.', 'receiver'),
  spanweir_kafka_receiver_lag_messages: gauge(
    'messages',
    'Messages between the position read up to and the end of the partition.',
    'receiver',
    'topic',
    'partition',
  ),
  spanweir_kafka_receiver_rebalances_total: counter('', 'Times that the group shared out anew.', 'receiver'),
  spanweir_kafka_receiver_restarts_total: counter(
    '',
    'Times that the consumer crashed and was started again.',
    'receiver',
  ),
  spanweir_kafka_receiver_offset_resets_total: counter(
    '',
    'Times that a committed offset was no longer on the broker.',
    'receiver',
  ),
  spanweir_kafka_receiver_unreadable_batches_total: counter(
    'batches',
    'Record batches that could not be unpacked, by reason.',
    'receiver',
    'reason',
  ),
  spanweir_kafka_receiver_dead_letters_total: counter(
    'records',
    'Records put aside as dead letters, by reason.',
    'receiver',
    'reason',
  ),
  spanweir_kafka_receiver_dead_letters_too_large_total: counter(
    'records',
    'Dead letters too large for their topic, by where the value is instead: folder, or only the source.',
    'receiver',
    'value',
  ),
  spanweir_kafka_receiver_dead_letters_deleted_total: counter(
    'records',
    'Dead letters deleted because their folder was full.',
    'receiver',
  ),

  // spanweir verify --follow.
  spanweir_verify_problems: gauge('problems', 'What the last look at ClickHouse found wrong.', 'kind'),
  spanweir_verify_open: gauge('', 'What the last look could not judge, because it was being written.'),
  spanweir_verify_last_success_timestamp_seconds: peak('seconds', 'When a look last found nothing wrong.'),
  spanweir_verify_look_seconds: peak('seconds', 'How long the last look took.'),
  spanweir_verify_looks_total: counter(
    'looks',
    'Looks by how they ended: right, problems, failed.',
    'outcome',
  ),

  // Exporters: debug.
  spanweir_debug_spans_total: counter('spans', 'Spans seen by a debug exporter.', 'exporter'),

  // Listeners.
  spanweir_http_handler_failures_total: counter(
    'requests',
    'HTTP requests answered with 500 because of a bug.',
  ),
  spanweir_grpc_handler_failures_total: counter(
    'calls',
    'gRPC calls answered with INTERNAL because of a bug.',
  ),
  spanweir_http_refused_total: counter(
    '',
    'Turned away before anything looked at it: connections, headers, target (path and query), timeout, malformed.',
    'reason',
  ),
  spanweir_grpc_refused_connections_total: counter('connections', 'gRPC connections beyond the limit.'),
  spanweir_unauthenticated_total: counter(
    'requests',
    'Requests that an authenticator did not let in: 401, or UNAUTHENTICATED.',
    'listener',
    'transport',
  ),

  // Receivers: otlp.
  spanweir_receiver_requests_total: counter(
    'requests',
    'Requests that a receiver answered.',
    'receiver',
    'transport',
  ),
  spanweir_receiver_refused_requests_total: counter(
    'requests',
    'Requests that were not taken, by reason.',
    'receiver',
    'transport',
    'reason',
  ),
  spanweir_receiver_accepted_spans_total: counter(
    'spans',
    'Spans that were acknowledged to their senders.',
    'receiver',
    'transport',
  ),
  spanweir_receiver_rejected_spans_total: counter(
    'spans',
    'Spans refused inside requests that were taken otherwise (partial success).',
    'receiver',
    'transport',
  ),
  spanweir_receiver_in_flight_bytes: gauge(
    'bytes',
    'Unpacked requests whose spans are not safe yet.',
    'receiver',
  ),

  ...SAMPLING_METRICS,
  ...SERVICE_GRAPH_METRICS,

  // Exporters: clickhouse, and the embedded server.
  spanweir_clickhouse_inserts_total: counter(
    'inserts',
    'Inserts that ClickHouse has made durable (or had made before), by table.',
    'exporter',
    'table',
  ),
  spanweir_clickhouse_inserted_rows_total: counter('rows', 'Rows of these inserts.', 'exporter', 'table'),
  spanweir_clickhouse_inserted_bytes_total: counter(
    'bytes',
    'Bytes of these inserts, before compression.',
    'exporter',
    'table',
  ),
  spanweir_clickhouse_insert_seconds_total: counter(
    'seconds',
    'Time that these inserts took from sending to the answer.',
    'exporter',
    'table',
  ),
  spanweir_clickhouse_insert_duration_seconds: timer(
    'From sending an insert to the answer: quantiles of the last minute.',
    'exporter',
    'table',
  ),
  spanweir_clickhouse_insert_failures_total: counter(
    'attempts',
    'Attempts to insert that failed; most are made again.',
    'exporter',
    'table',
  ),
  spanweir_clickhouse_block_checks_total: counter(
    'checks',
    'Blocks that were looked for in every table, since an insert of them may have been dropped as known without being there.',
    'exporter',
  ),
  spanweir_clickhouse_repaired_parts_total: counter(
    'parts',
    'Parts of blocks that ClickHouse had confirmed and did not have, put in again, by table.',
    'exporter',
    'table',
  ),
  spanweir_clickhouse_refused_spans_total: counter(
    'spans',
    'Spans of blocks that ClickHouse refused for good.',
    'exporter',
  ),
  spanweir_embedded_clickhouse_restarts_total: counter(
    'restarts',
    'How often the embedded ClickHouse ended by itself and was started again.',
    'extension',
  ),

  // Exporters: kafka.
  spanweir_kafka_exporter_messages_total: counter('messages', 'Messages that the brokers have.', 'exporter'),
  spanweir_kafka_exporter_bytes_total: counter('bytes', 'Bytes of their values.', 'exporter'),
  spanweir_kafka_exporter_failures_total: counter(
    'attempts',
    'Attempts to send that failed; most are made again.',
    'exporter',
  ),
  spanweir_kafka_exporter_oversized_spans_total: counter(
    'spans',
    'Spans larger than a message may be, which are not sent.',
    'exporter',
  ),
};
