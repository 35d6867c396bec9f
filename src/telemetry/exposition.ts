import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import type { Clock } from '../base/clock.ts';
import type { MetricRow } from './metric-row.ts';
import { METRICS } from './metrics.ts';
import type { MetricsHub } from './metrics-hub.ts';
import { QUANTILES, QuantileReader } from './quantiles.ts';

/** Gauges of prom-client whose names end in `_total`, which promtool refuses. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

export interface Exposition {
  readonly contentType: string;
  render(): Promise<string>;
}

/** The engine's own metrics and those of the Node process, as Prometheus reads them. */
export function createExposition(hub: MetricsHub, clock: Clock): Exposition {
  const registry = new Registry();
  for (const [name, row] of Object.entries(METRICS)) {
    const options = { name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    if (row.kind === 'timer') {
      registry.registerMetric(summaryOf(name, row, { hub, clock }));
    } else if (row.kind === 'counter') {
      const metric: Counter = new Counter({
        ...options,
        collect: () => {
          metric.reset();
          for (const sample of hub.samples(name)) metric.inc(sample.labels, sample.value);
        },
      });
    } else {
      const metric: Gauge = new Gauge({
        ...options,
        collect: () => {
          metric.reset();
          for (const sample of hub.samples(name)) metric.set(sample.labels, sample.value);
        },
      });
    }
  }
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return { contentType: registry.contentType, render: () => registry.metrics() };
}

/** A metric of prom-client that shows a timer: its own summaries keep no counts that threads could share. */
function summaryOf(
  name: string,
  { help }: MetricRow,
  { hub, clock }: { readonly hub: MetricsHub; readonly clock: Clock },
): Metric {
  const readers = new Map<string, QuantileReader>();
  const valuesOf = (labels: Readonly<Record<string, string>>, slots: Float64Array) => {
    const key = JSON.stringify(labels);
    const reader = readers.get(key) ?? new QuantileReader(clock);
    readers.set(key, reader);
    const { quantiles, count, sum } = reader.read(slots);
    return [
      ...QUANTILES.map((quantile, i) => ({
        labels: { ...labels, quantile },
        value: quantiles?.[i] ?? Number.NaN,
      })),
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  };
  const summary = {
    name,
    help,
    type: 'summary',
    aggregator: 'sum',
    reset: () => {},
    get: async () => ({
      name,
      help,
      type: 'summary',
      aggregator: 'sum',
      values: hub.timers(name).flatMap(({ labels, slots }) => valuesOf(labels, slots)),
    }),
  };
  return summary as unknown as Metric;
}
