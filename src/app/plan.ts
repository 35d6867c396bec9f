import { SpanweirError } from '../base/errors.ts';
import type { ConfiguredComponent, LoadedConfig } from '../config/loaded-config.ts';
import type { ConnectorType, TapConnectorType } from '../flow/component-type.ts';
import { componentType } from './components.ts';

/** What happens to the spans of one receiver: ids only, so that it can be cloned into the lanes. */
export interface ReceiverPlan {
  readonly receiver: string;
  /** The adaptive_sampling processor on the way, if there is one. */
  readonly throughput: string | undefined;
  /** That make rows of its blocks. */
  readonly connectors: readonly string[];
  /** That look at its committed blocks. */
  readonly taps: readonly string[];
  readonly exporters: readonly ExporterPlan[];
}

export interface ExporterPlan {
  readonly exporter: string;
  readonly spans: boolean;
  readonly throughput: boolean;
  /** Connectors whose rows it gets. */
  readonly red: readonly string[];
}

/** Follows every receiver through its pipelines and, over the connectors, through theirs. */
export function planReceivers(config: LoadedConfig): ReceiverPlan[] {
  const store = samplingStore(config);
  const receivers = new Set(
    config.service.pipelines.filter(({ signal }) => signal === 'traces').flatMap((p) => p.receivers),
  );
  return [...receivers].map((receiver) => planReceiver(config, receiver, store?.exporter));
}

function planReceiver(
  config: LoadedConfig,
  receiver: string,
  storeExporter: string | undefined,
): ReceiverPlan {
  const { pipelines } = config.service;
  const own = pipelines.filter((p) => p.signal === 'traces' && p.receivers.includes(receiver));
  const throughput = own.flatMap((p) => p.processors)[0];
  const targets = new Set(own.flatMap((p) => p.exporters));
  const all = [...targets].filter((id) => id in config.connectors);
  const connectors = all.filter((id) => makesRows(config, id));
  const taps = all.filter((id) => !makesRows(config, id));
  for (const tap of taps) checkDerivable(config, tap, targets);
  const exporters = new Map<string, { spans: boolean; red: string[] }>();
  const entry = (id: string) => {
    const known = exporters.get(id) ?? { spans: false, red: [] };
    exporters.set(id, known);
    return known;
  };
  for (const id of targets) if (id in config.exporters) entry(id).spans = true;
  for (const connector of all) {
    for (const pipeline of pipelines) {
      if (pipeline.signal !== 'metrics' || !pipeline.receivers.includes(connector)) continue;
      for (const { red } of pipeline.exporters.map(entry)) if (!taps.includes(connector)) red.push(connector);
    }
  }
  return {
    receiver,
    throughput,
    connectors,
    taps,
    exporters: [...exporters].map(([exporter, { spans, red }]) => ({
      exporter,
      spans,
      throughput: throughput !== undefined && exporter === storeExporter,
      red: [...new Set(red)],
    })),
  };
}

/** What a database derives from spans it must have. */
function checkDerivable(config: LoadedConfig, tap: string, targets: ReadonlySet<string>): void {
  for (const { id, signal, receivers, exporters } of config.service.pipelines) {
    if (signal !== 'metrics' || !receivers.includes(tap)) continue;
    const lacking = exporters.find(
      (name) => config.exporters[name]?.type === 'clickhouse' && !targets.has(name),
    );
    if (lacking === undefined) continue;
    throw new SpanweirError(
      'CONFIG',
      `service.pipelines.${id}: ${lacking} derives what ${tap} shows from the spans that it has; add it to the exporters of ` +
        `the traces pipeline that feeds ${tap}`,
    );
  }
}

/** False for a connector that only looks at committed blocks. */
export function makesRows(config: LoadedConfig, connector: string): boolean {
  const type = componentType<ConnectorType | TapConnectorType>('connector', config.connectors[connector]);
  return 'createLane' in type;
}

export interface SamplingStorePlan {
  /** The remote_sampling extension. */
  readonly extension: string;
  /** The exporter that keeps throughput rows; undefined for the store in memory. */
  readonly exporter: string | undefined;
}

/** Where throughput rows go; undefined when nothing samples adaptively. */
export function samplingStore(config: LoadedConfig): SamplingStorePlan | undefined {
  for (const extension of config.service.extensions) {
    const component = config.extensions[extension];
    if (component?.type !== 'remote_sampling') continue;
    const { adaptive } = component.config as { adaptive?: { sampling_store?: string } };
    if (adaptive?.sampling_store === undefined) continue;
    const { sampling_store: store } = adaptive;
    if (store === 'memory') return { extension, exporter: undefined };
    if (!(store in config.exporters)) {
      throw new SpanweirError('CONFIG', `sampling_store: there is no exporter '${store}' (or use 'memory')`);
    }
    return { extension, exporter: store };
  }
  return undefined;
}

/** Connectors whose exponential histograms somebody reads: an exporter in a pipeline, or a component of its own. */
export function histogramReaders(config: LoadedConfig): string[] {
  const reads = (kind: 'exporter' | 'extension', component: ConfiguredComponent | undefined): boolean => {
    const type = componentType(kind, component);
    return (type.kind === 'exporter' || type.kind === 'extension') && type.readsHistograms === true;
  };
  const connectors = Object.keys(config.connectors);
  if (config.service.extensions.some((id) => reads('extension', config.extensions[id]))) return connectors;
  return connectors.filter((connector) =>
    config.service.pipelines.some(
      ({ receivers, exporters }) =>
        receivers.includes(connector) && exporters.some((id) => reads('exporter', config.exporters[id])),
    ),
  );
}
