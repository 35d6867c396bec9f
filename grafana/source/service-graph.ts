import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { assemble } from './assemble.ts';
import { cell, toService, UIDS } from './links.ts';
import { figure, graph, inUnit, limits, lines, linked, naming, table } from './panels.ts';
import { EDGE_CALLS, EDGE_FAILURES, EDGE_SECONDS, prom, promNow, share, sqlTable } from './queries.ts';
import { clickHouseVariable, labelVariable, prometheusVariable } from './variables.ts';

/** Edges that begin or end at one of the chosen services. */
const touching = (metric: string, range: string): string =>
  `(rate(${metric}{client=~"$service"}[${range}]) or rate(${metric}{server=~"$service"}[${range}]))`;

/** The same series once for the node that the edge leads to. */
const toNode = (expr: string): string => `label_replace(${expr}, "id", "$1", "server", "(.*)")`;
const fromNode = (expr: string): string => `label_replace(${expr}, "id", "$1", "client", "(.*)")`;

const EDGE = 'client, server, connection_type';

/** What the node graph wants to know of an edge. */
const asEdge = (expr: string): string =>
  `label_join(label_join(label_join(${expr}, "id", " > ", "client", "server", "connection_type"), "source", "", "client"), "target", "", "server")`;

const asNode = (expr: string): string => `label_join(${expr}, "title", "", "id")`;

/** Frames of these queries become one; the others stay as they are. */
const merged = (...refIds: readonly string[]) => ({
  id: 'merge',
  filter: { id: 'byRefId', options: `/^(?:${refIds.join('|')})$/` },
  options: {},
});

/** Who calls whom, how often, how well and how long. */
export function serviceGraph(): Dashboard {
  return assemble({
    uid: UIDS.graph,
    title: 'Spanweir / Service graph',
    description: 'Who calls whom: rate, failures and durations of each edge.',
    variables: [
      prometheusVariable(),
      clickHouseVariable(),
      labelVariable('service', 'Service', EDGE_CALLS, 'server'),
    ],
    sections: [
      { title: 'Graph', panels: [picture()] },
      { title: 'Edges', panels: [...figures(), edges()] },
      { title: 'Over time', panels: overTime() },
      { title: 'From stored spans', panels: stored() },
    ],
  });
}

function picture() {
  const range = '$__range';
  const all = touching(EDGE_CALLS, range);
  const failed = touching(EDGE_FAILURES, range);
  const nodes = `sum by (id) (${toNode(all)} or ${fromNode(`0 * ${all}`)})`;
  const failedShare = `(sum by (id) (${toNode(failed)}) or 0 * ${nodes}) / (sum by (id) (${toNode(all)}) > 0)`;
  const slow = touching(`${EDGE_SECONDS}_bucket`, range);
  return graph(
    {
      title: 'Service graph',
      description:
        'Nodes: calls per second that come in, and their p95; red is the share that failed. Edges: calls per second, and p95 at the server.',
      width: 24,
      height: 18,
    },
    [
      promNow('nodes', asNode(nodes)),
      promNow('failed', asNode(failedShare)),
      promNow('ok', asNode(`1 - ${failedShare}`)),
      promNow('p95', asNode(`1000 * histogram_quantile(0.95, sum by (id, le) (${toNode(slow)}))`)),
      promNow('slow', asEdge(`1000 * histogram_quantile(0.95, sum by (${EDGE}, le) (${slow}))`)),
    ],
    promNow('edges', asEdge(`sum by (${EDGE}) (${all})`)),
  )
    .withTransformation(merged('nodes', 'failed', 'ok', 'p95'))
    .withTransformation(merged('edges', 'slow'))
    .withTransformation(
      naming({
        Time: '',
        'Value #nodes': 'mainstat',
        'Value #p95': 'secondarystat',
        'Value #failed': 'arc__failed',
        'Value #ok': 'arc__ok',
        'Value #edges': 'mainstat',
        'Value #slow': 'secondarystat',
      }),
    )
    .overrideByName('title', [linked('Its performance', toService(cell('id')))])
    .overrideByName('target', [linked('Performance of the server', toService(cell('target')))]);
}

function figures() {
  const all = touching(EDGE_CALLS, '$__range');
  return [
    figure(
      { title: 'Edges seen', description: 'Pairs of services that called each other.', width: 8 },
      promNow('A', `count(sum by (${EDGE}) (${all}) > 0)`),
    ),
    figure(
      { title: 'Calls', description: 'Along all edges.', unit: 'reqps', width: 8 },
      promNow('A', `sum(${all})`),
    ),
    figure(
      { title: 'Failed', description: 'Share of these calls.', unit: 'percentunit', width: 8 },
      promNow('A', share(touching(EDGE_FAILURES, '$__range'), all, '')),
    ).thresholds(limits(0.01, 0.05)),
  ];
}

function edges() {
  const all = touching(EDGE_CALLS, '$__range');
  const seconds = (q: number, side: string) =>
    `histogram_quantile(${q}, sum by (${EDGE}, le) (${touching(`traces_service_graph_request_${side}_seconds_bucket`, '$__range')}))`;
  return table(
    {
      title: 'Edges',
      description: 'Durations as the server and as the client saw them; between the two lies the network.',
      width: 24,
      height: 10,
    },
    promNow('A', `sum by (${EDGE}) (${all})`),
    promNow('B', share(touching(EDGE_FAILURES, '$__range'), all, EDGE)),
    promNow('C', seconds(0.5, 'server')),
    promNow('D', seconds(0.95, 'server')),
    promNow('E', seconds(0.95, 'client')),
  )
    .withTransformation(
      naming({
        Time: '',
        client: 'Client',
        server: 'Server',
        connection_type: 'Connection',
        'Value #A': 'Calls',
        'Value #B': 'Failed',
        'Value #C': 'p50, server',
        'Value #D': 'p95, server',
        'Value #E': 'p95, client',
      }),
    )
    .overrideByName('Server', [linked('Its performance', toService(cell('Server')))])
    .overrideByName('Client', [linked('Its performance', toService(cell('Client')))])
    .overrideByName('Calls', [inUnit('reqps')])
    .overrideByName('Failed', [inUnit('percentunit')])
    .overrideByRegexp('^p\\d+, ', [inUnit('s')]);
}

function overTime() {
  const range = '$__rate_interval';
  const by = 'client, server';
  const all = touching(EDGE_CALLS, range);
  return [
    lines(
      { title: 'Calls by edge', description: 'The 20 busiest.', unit: 'reqps', width: 8 },
      prom('A', `topk(20, sum by (${by}) (${all}))`, '{{client}} > {{server}}'),
    ),
    lines(
      { title: 'Failures by edge', description: 'Share of calls.', unit: 'percentunit', width: 8 },
      prom('A', share(touching(EDGE_FAILURES, range), all, by), '{{client}} > {{server}}'),
    ),
    lines(
      { title: 'p95 by edge', description: 'At the server.', unit: 's', width: 8 },
      prom(
        'A',
        `histogram_quantile(0.95, sum by (${by}, le) (${touching(`${EDGE_SECONDS}_bucket`, range)}))`,
        '{{client}} > {{server}}',
      ),
    ),
  ];
}

/** The same from ClickHouse, whose edges are paired over any distance and weighted; a minute is there some minutes later. */
function stored() {
  const edgesOf = `FROM service_graph_edges
WHERE $__timeFilter(Ts) AND ($__conditionalAll(Client IN (\${service:singlequote}), $service) OR $__conditionalAll(Server IN (\${service:singlequote}), $service))`;
  const perSecond = '* 1000 / (${__to} - ${__from})';
  const nodes = `SELECT node AS id, node AS title, sum(calls) ${perSecond} AS mainstat, sum(failed) / greatest(sum(calls), 1e-9) AS arc__failed, 1 - arc__failed AS arc__ok
FROM (
  SELECT Server AS node, sum(Calls) AS calls, sumIf(Calls, Failed) AS failed ${edgesOf} GROUP BY node
  UNION ALL
  SELECT DISTINCT Client AS node, 0 AS calls, 0 AS failed ${edgesOf}
)
GROUP BY node`;
  const edges = `SELECT concat(Client, ' > ', Server, ' > ', ConnectionType) AS id, Client AS source, Server AS target,
       sum(Calls) ${perSecond} AS mainstat, 1000 * exphist_quantile(0.95, sumMap(ServerHist)) AS secondarystat
${edgesOf}
GROUP BY source, target, ConnectionType`;
  const rows = `SELECT Client AS client, Server AS server, ConnectionType AS connection, sum(Spans) AS seen, sum(Calls) AS calls,
       sumIf(Calls, Failed) / calls AS failed, exphist_quantile(0.95, sumMap(ServerHist)) AS p95_server, exphist_quantile(0.95, sumMap(ClientHist)) AS p95_client
${edgesOf}
GROUP BY client, server, connection
ORDER BY calls DESC
LIMIT 500`;
  return [
    graph(
      {
        title: 'Stored service graph',
        description:
          'Of any range, from ClickHouse: calls per second, weighted; red is the share that failed.',
        width: 12,
        height: 14,
      },
      [sqlTable('nodes', nodes)],
      sqlTable('edges', edges),
    )
      .overrideByName('title', [linked('Its performance', toService(cell('id')))])
      .overrideByName('target', [linked('Performance of the server', toService(cell('target')))]),
    table(
      {
        title: 'Stored edges',
        description: 'seen: requests that were stored; calls: what these stand for.',
        width: 12,
        height: 14,
      },
      sqlTable('A', rows),
    )
      .overrideByName('server', [linked('Its performance', toService(cell('server')))])
      .overrideByName('failed', [inUnit('percentunit')])
      .overrideByRegexp('^p95_', [inUnit('s')]),
  ];
}
