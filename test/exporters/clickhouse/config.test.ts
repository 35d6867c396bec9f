import { describe, expect, test } from 'vitest';
import { clickHouseExporterConfig } from '../../../src/exporters/clickhouse/config.ts';

function problemOf(endpoint: string): string | undefined {
  return clickHouseExporterConfig.safeParse({ endpoint }).error?.issues[0]?.message;
}

describe('endpoint', () => {
  test.each([
    ['tcp://host:9000', 'http://host:8123'],
    ['clickhouse://user:word@host:9000/db?x=1', 'http://host:8123'],
    ['native://h', 'http://h:8123'],
  ])('%s is refused with the form that works', (endpoint, instead) => {
    expect(problemOf(endpoint)).toContain(`expected ${instead} instead of`);
  });

  test.each(['localhost:8123', '', 'ftp://h', 'nonsense'])('%j is no URL', (endpoint) => {
    expect(problemOf(endpoint)).toBe('expected a URL such as http://localhost:8123');
  });

  test('what has an option of its own is not taken from the URL', () => {
    expect(problemOf('http://me:secret@h')).toContain('username and password');
    expect(problemOf('http://h/db')).toContain('`database`');
    expect(problemOf('http://h?timeout=1')).toContain('connection_params');
  });

  test.each(['http://h:8123', 'https://h:8443/', 'http://[::1]:8123'])('%s is taken', (endpoint) => {
    expect(problemOf(endpoint)).toBeUndefined();
  });
});

test('without options it keeps spans for 14 days on this machine', () => {
  expect(clickHouseExporterConfig.parse({})).toMatchObject({
    endpoint: 'http://localhost:8123',
    database: 'default',
    create_schema: true,
    ttl: { spans: 1_209_600_000, span_metrics_10s: 259_200_000, span_metrics_1d: 94_608_000_000 },
    block: { spans: 50_000, linger: 1000 },
    retry_on_failure: {
      enabled: true,
      initial_interval: 500,
      max_interval: 10_000,
      max_elapsed_time: 300_000,
    },
  });
});

describe('how long rows are kept', () => {
  const DAY_MS = 86_400_000;
  const ttlOf = (ttl: unknown) => clickHouseExporterConfig.safeParse({ ttl });

  test('a duration alone is that of spans', () => {
    expect(ttlOf('48h').data?.ttl).toMatchObject({ spans: 2 * DAY_MS, span_metrics_10s: 3 * DAY_MS });
  });

  test('each table may have its own', () => {
    expect(ttlOf({ span_metrics_1d: 0, sampling_throughput: '24h' }).data?.ttl).toEqual({
      spans: 14 * DAY_MS,
      span_metrics_10s: 3 * DAY_MS,
      span_metrics_1m: 35 * DAY_MS,
      span_metrics_1h: 400 * DAY_MS,
      span_metrics_1d: 0,
      sampling_throughput: DAY_MS,
      sampling_probabilities: 90 * DAY_MS,
      service_graph: 400 * DAY_MS,
    });
  });

  test.each([
    [{ span_metrics_1m: '48h' }, 'expected no less than span_metrics_10s'],
    [{ span_metrics_1h: 0 }, 'expected no less than span_metrics_1h'],
    [{ span_metrics_10s: '10m' }, 'expected 24h or more'],
  ])('%j is refused', (ttl, message) => {
    expect(ttlOf(ttl).error?.issues[0]?.message).toContain(message);
  });
});

describe('cluster', () => {
  const [a, b] = [{ endpoint: 'http://a:8123' }, { endpoint: 'http://b:8123' }];
  const problemsOf = (cluster: object, more: object = {}): string[] => {
    const { error } = clickHouseExporterConfig.safeParse({ cluster: { name: 'spans', ...cluster }, ...more });
    return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  test('its shards are listed; the schema is sent to each, and moments are Unix time', () => {
    const shards = [a, { ...b, since: '2026-12-01T00:00:00Z', until: '2026-12-02T00:00:00+01:00' }];
    expect(problemsOf({ shards })).toEqual([]);
    expect(clickHouseExporterConfig.parse({ cluster: { name: 'spans', shards } }).cluster).toEqual({
      name: 'spans',
      ddl: 'each_shard',
      replicated: false,
      shards: [a, { ...b, since: 1_796_083_200_000, until: 1_796_166_000_000 }],
    });
  });

  test.each([
    [{ shards: [] }, 'cluster.shards: '],
    [{ shards: [a, a] }, 'cluster.shards.1.endpoint: http://a:8123 is that of another shard'],
    [
      { shards: [{ ...a, since: '2026-12-01T00:00:00Z' }, b] },
      'cluster.shards.0: the first shard has neither',
    ],
    [{ shards: [a, { ...b, since: 'tomorrow' }] }, 'cluster.shards.1.since: expected a moment such as'],
    [{ shards: [a, b], replicated: true }, 'cluster.replicated: needs ddl: on_cluster'],
    [
      { shards: [a, { endpoint: 'tcp://b:9000' }] },
      'cluster.shards.1.endpoint: ClickHouse is spoken to over HTTP',
    ],
  ])('%j is refused', (cluster, problem) => {
    expect(problemsOf(cluster)).toEqual([expect.stringContaining(problem)]);
  });

  test('an endpoint beside it would say the same twice', () => {
    expect(problemsOf({ shards: [a, b] }, { endpoint: 'http://c:8123' })).toEqual([
      'endpoint: cluster.shards say where the servers are',
    ]);
  });
});
