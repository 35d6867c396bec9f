import { parser } from '@prometheus-io/lezer-promql';
import { METRICS } from '../../src/telemetry/metrics.ts';

/** Where Prometheus' own grammar stumbles; empty for what Prometheus would take. */
export function mistakes(promql: string): string[] {
  const found: string[] = [];
  parser.parse(promql).iterate({
    enter: (node) => {
      if (node.type.isError) found.push(promql.slice(Math.max(0, node.from - 20), node.to + 20));
    },
  });
  return found;
}

/** Names of metrics in a query: whatever is selected. */
export function selected(promql: string): string[] {
  const names: string[] = [];
  parser.parse(promql).iterate({
    enter: (node) => {
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') {
        names.push(promql.slice(node.from, node.to));
      }
    },
  });
  return names;
}

const OTHERS = [
  /^traces_span_metrics_(calls_total|duration_milliseconds_(bucket|sum|count))$/,
  /^traces_service_graph_request_(total|failed_total|(server|client)_seconds_(bucket|sum|count))$/,
  /^process_(cpu_seconds_total|resident_memory_bytes)$/,
  /^nodejs_(heap_size_used_bytes|eventloop_lag_(p99|mean)_seconds)$/,
];

/** Whether the engine, with the defaults of its components, has such a metric. */
export function isShown(metric: string): boolean {
  return metric in METRICS || OTHERS.some((pattern) => pattern.test(metric));
}
