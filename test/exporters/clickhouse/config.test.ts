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
    ttl: 1_209_600_000,
    block: { spans: 50_000, linger: 1000 },
    retry_on_failure: {
      enabled: true,
      initial_interval: 500,
      max_interval: 10_000,
      max_elapsed_time: 300_000,
    },
  });
});
