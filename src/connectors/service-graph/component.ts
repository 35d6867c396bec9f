import type { EdgeRules } from '../../dependencies/edge-rules.ts';
import { HalfEdgeReader } from '../../dependencies/half-edge-reader.ts';
import type { HalfEdges } from '../../dependencies/half-edges.ts';
import type { TapConnectorType } from '../../flow/component-type.ts';
import type { LaneContext } from '../../flow/lane.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { type ServiceGraphConfig, serviceGraphConfig } from './config.ts';
import { ServiceGraph } from './service-graph.ts';

export const serviceGraphConnector: TapConnectorType<ServiceGraphConfig> = {
  kind: 'connector',
  type: 'service_graph',
  aliases: ['servicegraph'],
  description: 'Requests between services: who calls whom, how often, how fast, and what fails.',
  config: serviceGraphConfig,
  createMain: (config, context) => new ServiceGraph(config, context, rulesOf(config)),
  createTap,
};

export function rulesOf(config: ServiceGraphConfig): EdgeRules {
  const { database_name_attribute: one, database_name_attributes: names } = config;
  return {
    dimensions: [...new Set(config.dimensions)],
    databaseNames: one === undefined ? names : [...new Set([...names, one])],
    peerAttributes: config.virtual_node_peer_attributes,
  };
}

/** The lane half: what committed blocks know of edges goes to the main thread, where they are paired. */
function createTap(config: ServiceGraphConfig, context: LaneContext): (batch: SpanBatch) => void {
  const reader = new HalfEdgeReader(context.dictionary, rulesOf(config));
  const labels = { connector: context.id };
  const { instruments } = context;
  const skipped = (reason: string) =>
    instruments.counter('spanweir_service_graph_skipped_spans_total', { ...labels, reason });
  const noService = skipped('no_service');
  const noIds = skipped('no_ids');
  const links = skipped('too_many_links');
  return (batch) => {
    const halves = reader.read(batch);
    const { tally } = reader;
    noService.add(tally.noService);
    noIds.add(tally.noIds);
    links.add(tally.links);
    tally.noService = 0;
    tally.noIds = 0;
    tally.links = 0;
    if (halves.rows > 0) context.post(`connector:${context.id}`, halves, buffersOf(halves));
  };
}

/** What changes hands instead of being copied. */
function buffersOf({ keys, party, peer, durationNs, weight, flags }: HalfEdges): ArrayBuffer[] {
  return [keys, party, peer, durationNs, weight, flags].map(({ buffer }) => buffer as ArrayBuffer);
}
