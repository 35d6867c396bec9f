import type { EdgeSeries } from '../../dependencies/edge-series.ts';
import type { PlainFamily, PlainHistogramPoint, PlainLabels, PlainPoint } from '../../flow/plain-families.ts';

export interface EdgeFamiliesOptions {
  /** Of the histograms, ns. */
  readonly boundsNs: readonly number[];
  /** Names of Party.dimensions. */
  readonly dimensions: readonly string[];
  readonly virtualNodeLabel: boolean;
}

const SCOPE = 'traces_service_graph';
const NAMESPACE = `${SCOPE}_`;
const NS_PER_S = 1e9;

/** The metrics of edges under the collector's names. */
export function edgeFamilies(all: Iterable<EdgeSeries>, options: EdgeFamiliesOptions): PlainFamily[] {
  const totals: PlainPoint[] = [];
  const failed: PlainPoint[] = [];
  const server: PlainHistogramPoint[] = [];
  const client: PlainHistogramPoint[] = [];
  for (const series of all) {
    const labels = labelsOf(series, options);
    const { calls, createdMs } = series;
    const { clientBuckets, serverBuckets } = series;
    totals.push({ labels, value: calls, createdMs });
    if (series.failed) failed.push({ labels, value: calls, createdMs });
    const common = { labels, count: calls, createdMs };
    server.push({ ...common, sum: series.serverSumNs / NS_PER_S, buckets: serverBuckets });
    client.push({ ...common, sum: series.clientSumNs / NS_PER_S, buckets: clientBuckets });
  }
  const bounds = options.boundsNs.map((ns) => ns / NS_PER_S);
  const counter = (name: string, help: string, points: PlainPoint[]): PlainFamily => ({
    kind: 'counter',
    name: NAMESPACE + name,
    help,
    scope: SCOPE,
    points,
  });
  const histogram = (name: string, help: string, points: PlainHistogramPoint[]): PlainFamily => ({
    kind: 'histogram',
    name: NAMESPACE + name,
    unit: 's',
    help,
    scope: SCOPE,
    bounds,
    points,
  });
  return [
    counter('request_total', 'Requests between two nodes', totals),
    counter('request_failed_total', 'Requests between two nodes that failed', failed),
    histogram('request_server', 'Duration of requests as the server saw them', server),
    histogram('request_client', 'Duration of requests as the client saw them', client),
  ];
}

/** A series has the same ones for good, in all families and on every page: who renders them may keep what came of it. */
const known = new WeakMap<EdgeSeries, PlainLabels>();

function labelsOf(series: EdgeSeries, options: EdgeFamiliesOptions): PlainLabels {
  const labels = known.get(series) ?? makeLabels(series, options);
  known.set(series, labels);
  return labels;
}

function makeLabels(series: EdgeSeries, { dimensions, virtualNodeLabel }: EdgeFamiliesOptions): PlainLabels {
  const labels: [string, string][] = [
    ['client', series.client.name],
    ['server', series.server.name],
    ['connection_type', series.connection],
    ['failed', String(series.failed)],
  ];
  dimensions.forEach((name, i) => {
    const ofClient = series.client.dimensions[i] ?? '';
    const ofServer = series.server.dimensions[i] ?? '';
    if (ofClient !== '') labels.push([`client_${name}`, ofClient]);
    if (ofServer !== '') labels.push([`server_${name}`, ofServer]);
  });
  if (virtualNodeLabel && series.virtual !== '') labels.push(['virtual_node', series.virtual]);
  return labels;
}
