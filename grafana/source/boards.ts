import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { engine } from './engine.ts';
import { sampling } from './sampling.ts';
import { serviceGraph } from './service-graph.ts';
import { servicePerformance } from './service-performance.ts';
import { slo } from './slo.ts';
import { traceExplorer } from './trace-explorer.ts';

/** In the order in which they are read. */
export const BOARDS: readonly (() => Dashboard)[] = [
  servicePerformance,
  sampling,
  traceExplorer,
  serviceGraph,
  engine,
  slo,
];

/** What grafana/dashboards holds: text by file name. */
export function boardFiles(): ReadonlyMap<string, string> {
  return new Map(
    BOARDS.map((board) => {
      const model = board();
      return [`${model.uid}.json`, `${JSON.stringify(model, undefined, 2)}\n`];
    }),
  );
}
