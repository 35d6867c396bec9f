import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { METRICS } from './metrics.ts';
import type { MetricsHub } from './metrics-hub.ts';

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
export function createExposition(hub: MetricsHub): Exposition {
  const registry = new Registry();
  for (const [name, row] of Object.entries(METRICS)) {
    const options = { name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    if (row.kind === 'counter') {
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
