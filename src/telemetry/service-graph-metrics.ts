import { counter, gauge, type MetricRow } from './metric-row.ts';

/** What the service_graph connector tells, and the exporter that derives edges for it. */
export const SERVICE_GRAPH_METRICS: Readonly<Record<string, MetricRow>> = {
  spanweir_service_graph_total_edges_total: counter(
    'edges',
    'Requests between two nodes that were found, and spans given up because the other end did not come.',
    'connector',
  ),
  spanweir_service_graph_expired_edges_total: counter(
    'edges',
    'Of them, those whose other end did not come within store.ttl, whether or not a virtual node took its place.',
    'connector',
  ),
  spanweir_service_graph_dropped_spans_total: counter(
    'spans',
    'Spans that were not waited with because store.max_items was reached.',
    'connector',
  ),
  spanweir_service_graph_skipped_spans_total: counter(
    'spans',
    'Spans that could not be an end of an edge, by reason (too_many_links: links left out beyond 1024).',
    'connector',
    'reason',
  ),
  spanweir_service_graph_overflow_total: counter(
    'edges',
    'Requests counted in a series named otel.metric.overflow because there were too many series or names.',
    'connector',
  ),
  spanweir_service_graph_waiting_spans: gauge('spans', 'Spans that wait for their other end.', 'connector'),
  spanweir_service_graph_derived_graphs_total: counter(
    'graphs',
    'Graphs of a minute that were derived in ClickHouse, those derived anew after late spans included.',
    'exporter',
    'connector',
  ),
  spanweir_service_graph_due_graphs: gauge(
    'graphs',
    'Graphs of a minute that are not derived in ClickHouse yet, or not from all of their spans.',
    'exporter',
    'connector',
  ),
};
