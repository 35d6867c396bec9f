import { expect, test } from 'vitest';
import { renderPage } from '../../../src/exporters/prometheus/page.ts';
import { PlainSource } from '../../../src/exporters/prometheus/plain-source.ts';
import type { PlainFamily } from '../../../src/flow/plain-families.ts';
import { decodePage } from './decode.ts';

const LABELS = [
  ['client', 'shop'],
  ['server', 'sto"ck'],
  ['connection_type', ''],
  ['client_db.name', 'x'],
] as const;

function families(calls: number): PlainFamily[] {
  const createdMs = 1_700_000_000_000;
  return [
    {
      kind: 'counter',
      name: 'traces_service_graph_request_total',
      help: 'Requests between two nodes',
      scope: 'traces_service_graph',
      points: [{ labels: LABELS, value: calls, createdMs }],
    },
    {
      kind: 'histogram',
      name: 'traces_service_graph_request_server',
      unit: 's',
      help: '',
      scope: 'traces_service_graph',
      bounds: [0.1, 1],
      points: [{ labels: LABELS, sum: 2.5, count: calls, buckets: [1, 0, calls - 1], createdMs }],
    },
    {
      kind: 'counter',
      name: 'traces_service_graph_request_failed_total',
      help: '',
      scope: 'traces_service_graph',
      points: [],
    },
  ];
}

function chunks({ openMetrics = false, protobuf = false }, seen = Number.POSITIVE_INFINITY): Buffer[] {
  const room = { limit: 10, used: 0, births: 0, overflow: 0 };
  const source = new PlainSource(
    { plainFamilies: () => families(3) },
    {
      utf8: false,
      constLabels: { env: 'test' },
      scopeInfo: false,
      translation: { suffixes: true, utf8: false, namespace: '' },
      room,
    },
  );
  const chunks = renderPage({
    format: { openMetrics, protobuf, version: '', escaping: 'underscores' },
    sources: [],
    plain: source.shown(protobuf ? 'protobuf underscores' : 'underscores'),
    targets: [],
    targetInfo: 'target_info',
    timestampMs: undefined,
    created: true,
    seen,
  });
  return [...chunks].map((chunk) => Buffer.from(chunk));
}

function page(openMetrics: boolean, seen?: number): string {
  return chunks({ openMetrics }, seen).map(String).join('');
}

const SHOWN = 'client="shop",client_db_name="x",connection_type="",env="test",server="sto\\"ck"';

test('metrics that a component counts itself are on the page like all others', () => {
  expect(page(false).split('\n')).toEqual([
    '# HELP traces_service_graph_request_server_seconds ',
    '# TYPE traces_service_graph_request_server_seconds histogram',
    `traces_service_graph_request_server_seconds_bucket{${SHOWN},le="0.1"} 1`,
    `traces_service_graph_request_server_seconds_bucket{${SHOWN},le="1"} 1`,
    `traces_service_graph_request_server_seconds_bucket{${SHOWN},le="+Inf"} 3`,
    `traces_service_graph_request_server_seconds_sum{${SHOWN}} 2.5`,
    `traces_service_graph_request_server_seconds_count{${SHOWN}} 3`,
    '# HELP traces_service_graph_request_total Requests between two nodes',
    '# TYPE traces_service_graph_request_total counter',
    `traces_service_graph_request_total{${SHOWN}} 3`,
    '',
  ]);
});

test('OpenMetrics says when they began', () => {
  expect(page(true)).toContain(`traces_service_graph_request_created{${SHOWN}} 1.7e+09`);
});

test('to who has not seen them they are 0 first, where that is asked for', () => {
  expect(page(false, 0)).toContain(`traces_service_graph_request_total{${SHOWN}} 0\n`);
});

test('they are in protobuf, too', () => {
  const labels = {
    client: 'shop',
    client_db_name: 'x',
    connection_type: '',
    env: 'test',
    server: 'sto"ck',
  };
  const created_timestamp = { seconds: 1_700_000_000, nanos: 0 };
  expect(decodePage(Buffer.concat(chunks({ protobuf: true })))).toEqual([
    {
      name: 'traces_service_graph_request_server_seconds',
      type: 4,
      metric: [
        {
          labels,
          histogram: {
            sample_count: 3,
            sample_sum: 2.5,
            bucket: [
              { cumulative_count: 1, upper_bound: 0.1 },
              { cumulative_count: 1, upper_bound: 1 },
            ],
            created_timestamp,
          },
        },
      ],
    },
    {
      name: 'traces_service_graph_request_total',
      help: 'Requests between two nodes',
      type: 0,
      metric: [{ labels, counter: { value: 3, created_timestamp } }],
    },
  ]);
});
