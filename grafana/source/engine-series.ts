import { OF, per } from './engine-metrics.ts';
import { columns, lines, table } from './panels.ts';
import { orZero, prom, promNow } from './queries.ts';

/** How many series there are and would be, and who makes too many. */
export function seriesPanels() {
  const connector = (metric: string, by: string): string =>
    orZero(`sum by (${by}) (increase(${metric}${OF}[$__range])) > 0`);
  return [
    lines(
      {
        title: 'Series',
        description:
          'What the Prometheus exporter shows, what there would be without limits, and what there would be with ids in span names replaced.',
        width: 8,
      },
      prom('A', `sum by (exporter) (spanweir_prometheus_series${OF})`, '{{exporter}}'),
      prom(
        'B',
        orZero(`sum by (connector) (spanweir_span_metrics_series_demand${OF})`),
        'demand: {{connector}}',
      ),
      prom(
        'C',
        orZero(`sum by (connector) (spanweir_span_metrics_templated_series_demand${OF})`),
        'demand, templated: {{connector}}',
      ),
    ),
    table(
      {
        title: 'Labels with too many values',
        description: 'Whose they are: spans that were counted without them, over the range.',
        width: 8,
      },
      promNow('A', connector('spanweir_span_metrics_folded_spans_total', 'connector, service, label')),
    ),
    lines(
      {
        title: 'Left out and scraped',
        description: 'Spans without a service; scrapes.',
        unit: 'cps',
        width: 8,
      },
      prom(
        'A',
        orZero(per('spanweir_span_metrics_no_service_total', 'connector')),
        'no service: {{connector}}',
      ),
      prom('B', per('spanweir_prometheus_scrapes_total', 'exporter'), 'scrapes: {{exporter}}'),
    ),
    columns(
      {
        title: 'Repaired spans',
        description: 'Counted although something is odd about them, by reason.',
        width: 8,
      },
      prom(
        'A',
        orZero(`sum by (reason) (increase(spanweir_repaired_spans_total${OF}[$__rate_interval]))`),
        '{{reason}}',
      ),
    ),
  ];
}

/** How spans find the other ends of their edges. */
export function edgePanels() {
  return [
    lines(
      {
        title: 'Pairing of edges',
        description: 'Edges found, and of them those whose other end did not come.',
        unit: 'cps',
        width: 8,
      },
      prom('A', orZero(per('spanweir_service_graph_total_edges_total', 'connector')), 'edges: {{connector}}'),
      prom(
        'B',
        orZero(per('spanweir_service_graph_expired_edges_total', 'connector')),
        'unpaired: {{connector}}',
      ),
      prom(
        'C',
        orZero(per('spanweir_service_graph_dropped_spans_total', 'connector')),
        'dropped: {{connector}}',
      ),
    ),
    lines(
      {
        title: 'Edges to come',
        description: 'Spans that wait for their other end; minutes that are to be derived in ClickHouse.',
        width: 8,
      },
      prom(
        'A',
        orZero(`sum by (connector) (spanweir_service_graph_waiting_spans${OF})`),
        'waiting: {{connector}}',
      ),
      prom('B', orZero(`max by (connector) (spanweir_service_graph_due_graphs${OF})`), 'due: {{connector}}'),
    ),
  ];
}
